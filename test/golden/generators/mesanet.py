"""Golden vectors for linear/mesanet: conjugate gradients from the diagonal, values wider or narrower than keys.

    pip install torch einops safetensors fla-core==0.5.2
    python mesanet.py
"""

import importlib.util
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

PAGE = "linear/mesanet"
FOLDER = Path(__file__).parent.parent / PAGE

# The file alone: the package asks for a GPU. Its casts to float32 are made casts to float64.
package = Path(importlib.util.find_spec("fla").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("naive", package / "ops/mesa_net/naive.py")
naive = importlib.util.module_from_spec(spec)
spec.loader.exec_module(naive)
torch.Tensor.float = torch.Tensor.double


def case(number, seed, length, width, values, iters):
    torch.manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    unit = lambda t: t / t.norm(dim=-1, keepdim=True)
    q, k, v = unit(draw(length, width)), unit(draw(length, width)), draw(length, values)
    g, beta = -draw(length).abs() / 4, draw(length).sigmoid()
    ridge = 0.25 + draw(width).abs()
    root = draw(width, width) / 2
    before = first_g, first_h = root @ root.T, draw(width, values)
    outs = []
    for t in range(length):
        one = lambda part: part[t][None, None]
        out, state_g, state_h = naive.naive_mesa_net_decoding_one_step(
            one(q), one(k), one(v), one(g), ridge[None], one(beta), *(s[None, None] for s in before), iters
        )
        outs.append(out[0, 0])
        before = state_g[0, 0], state_h[0, 0]
    tensors = {"in.q": q, "in.k": k, "in.v": v, "in.g": g, "in.beta": beta, "in.lambda": ridge}
    tensors |= {"in.state_g": first_g, "in.state_h": first_h}
    tensors |= {"out.out": torch.stack(outs), "out.state_g": before[0], "out.state_h": before[1]}
    metadata = {
        "page": PAGE,
        "options": json.dumps({"solver": "cg", "iters": iters, "start": "diag"}),
        "source": "pip fla-core==0.5.2 fla.ops.mesa_net.naive:naive_mesa_net_decoding_one_step",
        "call": f"naive_mesa_net_decoding_one_step for each token, max_CG_iteration={iters}",
        "computed_in": "float64",
        "note": "casts to float32 patched to float64; q and k given with length 1",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, FOLDER / f"case-{number}.safetensors", metadata)


case(3, 21, 5, 4, 6, 3)
case(4, 22, 4, 5, 2, 30)
