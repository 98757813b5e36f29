"""Golden vectors for linear/rwkv7-time-mixing-layer: a layer above the first, which mixes in the first one's values.

    pip install torch flash-linear-attention transformers safetensors numpy
    python rwkv7-time-mixing-layer.py

The kernels run on the CPU in Triton's interpreter: the first configuration of each is taken, and float32 is float64.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"
import torch
import triton
import triton.language
from safetensors.torch import save_file


class FirstConfiguration:
    def __init__(self, kernel, configurations):
        self.kernel, self.fixed = kernel, configurations[0].kwargs

    def __getitem__(self, grid):
        def launch(*args, **options):
            chosen = (lambda meta: grid({**self.fixed, **meta})) if callable(grid) else grid
            return self.kernel[chosen](*args, **{**self.fixed, **options})

        return launch

    def run(self, *args, grid, warmup=False, **options):
        return self[grid](*args, **options)

    def __getattr__(self, name):
        return getattr(self.kernel, name)


triton.autotune = lambda configs, key=None, **_: lambda kernel: FirstConfiguration(kernel, configs)

from fla.layers.rwkv7 import RWKV7Attention

PAGE = "linear/rwkv7-time-mixing-layer"
FOLDER = Path(__file__).parent.parent / PAGE
triton.language.float32 = triton.language.float64
torch.Tensor.float = torch.Tensor.double
torch.set_default_dtype(torch.float64)


def case(number, seed, tokens, width, head):
    torch.manual_seed(seed)
    ranks = {f"{name}_low_rank_dim": rank for name, rank in (("decay", 2), ("gate", 3), ("a", 1), ("v", 2))}
    layer = RWKV7Attention(
        mode="fused_recurrent", hidden_size=width, head_dim=head, layer_idx=1, num_hidden_layers=3, **ranks
    ).eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    x, v_first = torch.randn(tokens, width), torch.randn(tokens, width)
    with torch.no_grad():
        out = layer(x[None], v_first=v_first[None])[0][0]
    shifts = [getattr(layer, f"x_{name}").reshape(-1) for name in ("r", "w", "k", "v", "a", "g")]
    tensors = {
        "in.x": x,
        "in.v_first": v_first,
        "in.mu": torch.stack(shifts),
        "in.xi": layer.k_k.reshape(-1),
        "in.alpha_k": layer.k_a.reshape(-1),
        "in.rho": layer.r_k,
        "in.gn_w": layer.g_norm.weight,
        "in.gn_b": layer.g_norm.bias,
        "out.out": out,
    }
    for name, of in (("r", layer.r_proj), ("k", layer.k_proj), ("v", layer.v_proj), ("o", layer.o_proj)):
        tensors[f"in.w_{name}"] = of.weight.T
    for name, of in (("decay", layer.w_lora), ("rate", layer.a_lora), ("gate", layer.g_lora), ("value", layer.v_lora)):
        tensors[f"in.{name}_a"] = of.lora[0].weight.T
        tensors[f"in.{name}_b"] = of.lora[2].weight.T
        if of.lora[2].bias is not None:
            tensors[f"in.{name}"] = of.lora[2].bias
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        FOLDER / f"case-{number}.safetensors",
        metadata={
            "page": PAGE,
            "options": json.dumps({}),
            "source": f"flash-linear-attention=={version('flash-linear-attention')} fla.layers.rwkv7:RWKV7Attention",
            "call": "RWKV7Attention(mode='fused_recurrent', layer_idx=1, ...)(x, v_first=v_first)",
            "computed_in": "float64",
            "note": "a layer above the first; Triton's interpreter on the CPU with float32 replaced by float64",
        },
    )


case(3, seed=3, tokens=5, width=12, head=4)
