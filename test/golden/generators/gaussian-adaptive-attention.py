"""Golden cases of score/gaussian-adaptive-attention from gaussian-adaptive-attention. Needs torch and safetensors besides.

Chunks of unequal length, several Gaussians with offsets, and padding.
"""

import importlib.metadata
import json
import pathlib

import torch
from gaussian_adaptive_attention import MultiHeadGaussianAdaptiveAttention
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent.parent / "score" / "gaussian-adaptive-attention"
VERSION = importlib.metadata.version("gaussian-adaptive-attention")


def case(number, seed, shape, axis, heads, gaussians, padding):
    torch.manual_seed(seed)
    layer = MultiHeadGaussianAdaptiveAttention(axis, heads, gaussians, padding).double()
    x = torch.randn(*shape, dtype=torch.float64)
    if padding is not None:
        x[torch.rand(*shape) < 0.3] = padding
    with torch.no_grad():
        for head in layer.attention_heads:
            torch.nn.init.normal_(head.mean_offsets, std=0.7)
        out, weights = layer(x, return_attention_details=True)
    tensors = {
        "in.x": x,
        "in.delta": torch.stack([head.mean_offsets.detach() for head in layer.attention_heads]),
        "in.w": torch.stack([head.c.detach() for head in layer.attention_heads]),
        "out.out": out,
        "out.weights": weights,
    }
    options = {"axis": axis, "heads": heads, "gaussians": gaussians, "padding_value": padding}
    metadata = {
        "page": "score/gaussian-adaptive-attention",
        "options": json.dumps(options),
        "source": f"pip gaussian-adaptive-attention=={VERSION} gaussian_adaptive_attention:MultiHeadGaussianAdaptiveAttention",
        "call": "MultiHeadGaussianAdaptiveAttention(axis, heads, gaussians, padding_value)(x, return_attention_details=True)",
        "computed_in": "float64",
        "note": "",
    }
    save_file({name: t.contiguous() for name, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata)


case(2, seed=7, shape=(3, 7), axis=1, heads=2, gaussians=2, padding=0.5)
case(3, seed=8, shape=(8, 3), axis=0, heads=3, gaussians=1, padding=-1.0)
