"""Golden vectors for low-rank/memory-compressed-attention: the variant pad, causal, with tokens before the first and without.

    pip install torch memory-compressed-attention safetensors numpy
    python memory-compressed-attention.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
from memory_compressed_attention import MemoryCompressedAttention
from safetensors.torch import save_file

PAGE = "low-rank/memory-compressed-attention"
FOLDER = Path(__file__).parent.parent / PAGE


def case(number, seed, tokens, width, stride):
    torch.manual_seed(seed)
    module = MemoryCompressedAttention(width, heads=1, causal=True, compression_factor=stride).double().eval()
    for parameter in (*module.to_qkv.parameters(), *module.compress_fn.parameters()):
        torch.nn.init.normal_(parameter, std=0.7)
    torch.nn.init.eye_(module.to_out.weight)
    torch.nn.init.zeros_(module.to_out.bias)
    x = torch.randn(1, tokens, width, dtype=torch.float64)
    with torch.no_grad():
        out = module(x)[0]
        q, k, v = module.to_qkv(x)[0].chunk(3, dim=-1)
    kernel = module.compress_fn.conv.weight.permute(2, 1, 0)
    bias = module.compress_fn.conv.bias
    tensors = {
        "in.q": q,
        "in.k": k,
        "in.v": v,
        "in.conv_k": kernel,
        "in.conv_v": kernel,
        "in.bias_k": bias,
        "in.bias_v": bias,
        "out.out": out,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        FOLDER / f"case-{number}.safetensors",
        metadata={
            "page": PAGE,
            "options": json.dumps({"variant": "pad", "causal": True}),
            "source": f"memory-compressed-attention=={version('memory-compressed-attention')} "
            "memory_compressed_attention:MemoryCompressedAttention",
            "call": "MemoryCompressedAttention(width, heads=1, causal=True, compression_factor)(x), output projection = identity",
            "computed_in": "float64",
            "note": "not by the authors; one convolution for keys and values; its null key and value are zero as at first",
        },
    )


case(0, seed=0, tokens=8, width=4, stride=3)
case(1, seed=1, tokens=6, width=3, stride=2)
