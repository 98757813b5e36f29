"""Golden cases of score/sparsemax-attention from entmax. Needs torch, entmax, safetensors.

A mask and a factor other than the default one; causal with more keys than queries. Hidden scores are −10³⁰.
"""

import importlib.metadata
import json
import pathlib

import torch
from entmax import sparsemax
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent.parent / "score" / "sparsemax-attention"


def case(number, seed, queries, keys, width, values, options, masked):
    torch.manual_seed(seed)
    q, k, v = (
        torch.randn(n, d, dtype=torch.float64) for n, d in ((queries, width), (keys, width), (keys, values))
    )
    seen = torch.rand(queries, keys) < 0.7
    seen[:, 0] = True
    allowed = seen if masked else torch.ones(queries, keys, dtype=torch.bool)
    if options.get("causal"):
        allowed = allowed.tril(keys - queries)
    scores = options.get("scale", width**-0.5) * q @ k.T
    weights = sparsemax(scores.masked_fill(~allowed, -1e30), dim=-1)
    tensors = {"in.q": q, "in.k": k, "in.v": v, "out.weights": weights, "out.out": weights @ v}
    if masked:
        tensors["in.mask"] = seen
    save_file(
        {name: t.contiguous() for name, t in tensors.items()},
        HERE / f"case-{number}.safetensors",
        {
            "page": "score/sparsemax-attention",
            "options": json.dumps(options),
            "source": f"entmax=={importlib.metadata.version('entmax')} entmax.activations:sparsemax",
            "call": "sparsemax(scale * q @ k.T, dim=-1) @ v",
            "computed_in": "float64",
            "note": "hidden scores are -1e30",
        },
    )


case(2, 1, 4, 9, 3, 2, {"scale": 1.0}, masked=True)
case(3, 2, 3, 7, 5, 4, {"causal": True, "scale": 0.8}, masked=False)
