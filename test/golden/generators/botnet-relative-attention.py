"""Golden vectors for positional/botnet-relative-attention: stride 2 on maps with an odd side, positions scaled and not.

    pip install torch timm safetensors numpy
    python botnet-relative-attention.py
"""

import json
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from timm.layers.bottleneck_attn import BottleneckAttn

PAGE = "positional/botnet-relative-attention"
FOLDER = Path(__file__).parent.parent / PAGE


def case(number, seed, rows, columns, heads, scaled):
    torch.manual_seed(seed)
    channels, wide, narrow = 5, 8, 3
    module = BottleneckAttn(
        channels, wide, feat_size=(rows, columns), stride=2, num_heads=heads, dim_head=narrow, scale_pos_embed=scaled
    )
    module = module.double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    x = torch.randn(rows, columns, channels, dtype=torch.float64)
    with torch.no_grad():
        out = module(x.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    weight = module.qkv.weight[:, :, 0, 0].T
    q, k, v = weight.split([heads * narrow, heads * narrow, wide], dim=1)
    tensors = {
        "in.x": x,
        "in.w_q": q,
        "in.w_k": k,
        "in.w_v": v,
        "in.rel_h": module.pos_embed.height_rel,
        "in.rel_w": module.pos_embed.width_rel,
        "out.out": out,
    }
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        FOLDER / f"case-{number}.safetensors",
        metadata={
            "page": PAGE,
            "options": json.dumps({"heads": heads, "scale_pos": scaled, "stride": 2}),
            "source": f"timm=={timm.__version__} layers.bottleneck_attn:BottleneckAttn",
            "call": "BottleneckAttn(...)(x), the fused projection split into w_q, w_k and w_v",
            "computed_in": "float64",
            "note": "stride 2 on a map with an odd side",
        },
    )


case(2, seed=2, rows=5, columns=4, heads=4, scaled=False)
case(3, seed=3, rows=2, columns=3, heads=1, scaled=True)
