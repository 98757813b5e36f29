"""Golden vectors for linear/gated-slot-attention: variant abc, with and without states from before.

    pip install torch einops safetensors fla-core==0.5.2
    python gated-slot-attention.py
"""

import importlib.util
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

PAGE = "linear/gated-slot-attention"
FOLDER = Path(__file__).parent.parent / PAGE

# The file alone: the package asks for a GPU. Its casts to float32 are made casts to float64; the states are sixteenths, so
# that the one buffer that stays float32 holds them without rounding.
package = Path(importlib.util.find_spec("fla").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("naive", package / "ops/abc/naive.py")
naive = importlib.util.module_from_spec(spec)
spec.loader.exec_module(naive)
torch.Tensor.float = torch.Tensor.double


def case(number, seed, length, width, values, slots, resumed):
    torch.manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    q, k, v, scores = draw(length, width), draw(length, width), draw(length, values), draw(length, slots)
    sixteenths = lambda *shape: (draw(*shape) * 16).round() / 16
    states = (sixteenths(width, slots), sixteenths(slots, values)) if resumed else None
    out, (state_k, state_v) = naive.naive_recurrent_abc(
        *(t[None, None] for t in (q, k, v, scores)),
        initial_state=tuple(t[None, None] for t in states) if states else None,
        output_final_state=True,
    )
    tensors = {"in.q": q, "in.k": k, "in.v": v, "in.slot_scores": scores}
    if states:
        tensors |= {"in.state_k": states[0], "in.state_v": states[1]}
    tensors |= {"out.out": out[0, 0], "out.state_k": state_k[0, 0], "out.state_v": state_v[0, 0]}
    metadata = {
        "page": PAGE,
        "options": json.dumps({"variant": "abc"}),
        "source": "pip fla-core==0.5.2 fla.ops.abc.naive:naive_recurrent_abc",
        "call": "naive_recurrent_abc(q, k, v, s, initial_state=states, output_final_state=True)",
        "computed_in": "float64",
        "note": "casts to float32 patched to float64",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, FOLDER / f"case-{number}.safetensors", metadata)


case(3, 11, 6, 4, 5, 3, False)
case(4, 12, 5, 3, 2, 4, True)
