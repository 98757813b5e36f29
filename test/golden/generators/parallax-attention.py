"""A golden case of score/parallax-attention from fla-core. Needs torch, fla-core, safetensors.

The reference is one file of plain torch; it is loaded by itself because the package around it wants a GPU compiler. Its casts
to float32 are turned into casts to float64, and its one import, the number of query heads for a key head, is 1 here.
"""

import importlib.metadata
import importlib.util
import json
import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent.parent / "score" / "parallax-attention"
VERSION = importlib.metadata.version("fla-core")
ROOT = next(iter(importlib.util.find_spec("fla").submodule_search_locations))
SOURCE = (pathlib.Path(ROOT) / "ops" / "parallax" / "naive.py").read_text().replace(".float()", ".double()")
IMPORT = "from fla.ops.utils.head import get_gqa_group_size"

scope = {"get_gqa_group_size": lambda queries, keys: queries // keys}
exec(compile(SOURCE.replace(IMPORT, ""), "naive.py", "exec"), scope)


def case(number, seed, T, D, E, scale, causal):
    torch.manual_seed(seed)
    q, r, k, v = (torch.randn(T, width, dtype=torch.float64) for width in (D, D, D, E))
    out = scope["naive_parallax"](*(t[None, :, None] for t in (q, r, k, v)), scale=scale, causal=causal)[0, :, 0]
    metadata = {
        "page": "score/parallax-attention",
        "options": json.dumps({"scale": scale, "causal": causal}),
        "source": f"pip fla-core=={VERSION} fla.ops.parallax.naive:naive_parallax",
        "call": f"naive_parallax(q, r, k, v, scale={scale}, causal={causal})",
        "computed_in": "float64",
        "note": "casts to float32 turned into casts to float64",
    }
    tensors = {"in.q": q, "in.r": r, "in.k": k, "in.v": v, "out.out": out}
    HERE.mkdir(parents=True, exist_ok=True)
    save_file({n: t.contiguous() for n, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata=metadata)


case(2, 13, T=6, D=5, E=5, scale=0.8, causal=False)
