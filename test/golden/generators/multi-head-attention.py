"""Golden cases of core/multi-head-attention from torch: a Boolean mask, and a bias of its own for every head."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent.parent / "core" / "multi-head-attention"
torch.manual_seed(20170612)


def save(n, heads, width, tokens, bias, **extra):
    layer = torch.nn.MultiheadAttention(width, heads, bias=bias, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn_like(p) * 0.6)
    x = torch.randn(1, tokens, width, dtype=torch.float64)
    mask, head_bias = extra.get("mask"), extra.get("head_bias")
    with torch.no_grad():
        out = layer(x, x, x, attn_mask=~mask if mask is not None else head_bias, need_weights=False)[0][0]
    tensors = {"in.x": x[0], "out.out": out, "in.w_o": layer.out_proj.weight.T}
    tensors |= {f"in.w_{c}": w.T for c, w in zip("qkv", layer.in_proj_weight.chunk(3))}
    if bias:
        tensors |= {f"in.b_{c}": b for c, b in zip("qkv", layer.in_proj_bias.chunk(3))}
        tensors["in.b_o"] = layer.out_proj.bias
    tensors |= {f"in.{name}": t for name, t in extra.items()}
    save_file(
        {name: t.detach().contiguous().clone() for name, t in tensors.items()},
        FOLDER / f"case-{n}.safetensors",
        metadata={
            "page": "core/multi-head-attention",
            "options": json.dumps({"heads": heads}),
            "source": f"pip torch=={torch.__version__} torch.nn:MultiheadAttention",
            "call": "nn.MultiheadAttention(M, heads)(x, x, x, attn_mask=~mask or head_bias)",
            "computed_in": "float64",
            "note": "",
        },
    )


FOLDER.mkdir(parents=True, exist_ok=True)
seen = torch.rand(7, 7) < 0.6
seen.fill_diagonal_(True)
save(2, 2, 6, 7, False, mask=seen)
save(3, 3, 9, 4, True, head_bias=torch.randn(3, 4, 4, dtype=torch.float64))
