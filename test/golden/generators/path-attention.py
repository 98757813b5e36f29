"""Golden cases of positional/path-attention from fla-core. Needs torch, einops, fla-core, safetensors.

The reference is one file of plain torch; it is loaded by itself because the package around it wants a GPU compiler. Its casts
to float32 are turned into casts to float64.
"""

import importlib.metadata
import importlib.util
import json
import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent.parent / "positional" / "path-attention"
VERSION = importlib.metadata.version("fla-core")
ROOT = next(iter(importlib.util.find_spec("fla").submodule_search_locations))
SOURCE = (pathlib.Path(ROOT) / "ops" / "path_attn" / "naive.py").read_text().replace("torch.float)", "torch.float64)")

torch.set_default_dtype(torch.float64)
scope = {}
exec(compile(SOURCE, "naive.py", "exec"), scope)


def case(number, seed, T, Hq, Hk, D, E, chunk, scale):
    torch.manual_seed(seed)
    q, k, v = torch.randn(T, Hq, D), torch.randn(T, Hk, D), torch.randn(T, Hk, E)
    w = torch.nn.functional.normalize(torch.randn(T, Hk, D), dim=-1)
    beta, g = 2 * torch.rand(T, Hk), torch.nn.functional.logsigmoid(torch.randn(T, Hq))
    out = scope["naive_path_attn"](*(t[None] for t in (q, k, v, w, beta, g)), scale, chunk_size=chunk)[0]
    tensors = {"in.q": q, "in.k": k, "in.v": v, "in.w": w, "in.beta": beta, "in.g": g, "out.out": out}
    metadata = {
        "page": "positional/path-attention",
        "options": json.dumps({"scale": scale, "gate_bias_scaled": True}),
        "source": f"pip fla-core=={VERSION} fla.ops.path_attn.naive:naive_path_attn",
        "call": f"naive_path_attn(q, k, v, w, beta, g, {scale}, chunk_size={chunk})",
        "computed_in": "float64",
        "note": "casts to float32 turned into casts to float64",
    }
    save_file({name: t.contiguous() for name, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata=metadata)


case(2, 11, T=7, Hq=4, Hk=2, D=3, E=2, chunk=3, scale=0.75)
