"""Golden vectors for linear/lightning-attention-minimax: padding in the middle, and a sequence gone on with token by token.

    pip install torch transformers safetensors numpy
    python lightning-attention-minimax.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.minimax.configuration_minimax import MiniMaxConfig
from transformers.models.minimax.modeling_minimax import MiniMaxLightningAttention

PAGE = "linear/lightning-attention-minimax"
FOLDER = Path(__file__).parent.parent / PAGE
torch.set_default_dtype(torch.float64)


class State:
    def __init__(self, state):
        self.state = state

    def get_linear_cache(self, _):
        return self.state

    def set_linear_cache(self, _, state):
        self.state = state


def case(number, seed, tokens, width, heads, head, layer, layers, mask=None, resumed=False, note=""):
    torch.manual_seed(seed)
    config = MiniMaxConfig(
        hidden_size=width,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=head,
        num_hidden_layers=layers,
        block_size=3,
        layer_types=["linear_attention"] * layers,
    )
    module = MiniMaxLightningAttention(config, layer).double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    rate = (0.5 ** (8 / heads)) ** torch.arange(1, heads + 1).double()
    module.slope_rate = (rate * (1 - layer / (layers - 1 + 1e-5) + 1e-5))[:, None, None]
    module.query_decay, module.key_decay, module.diagonal_decay = module.decay_factors(module.slope_rate)
    module.norm.forward = lambda x: module.norm.weight * x * torch.rsqrt((x**2).mean(-1, keepdim=True) + 1e-6)
    x = torch.randn(tokens, width)
    start = torch.randn(1, heads, head, head) if resumed else None
    cache = State(start.clone() if resumed else None)
    visible = None if mask is None else torch.tensor([mask])
    with torch.no_grad():
        out = module(x[None], None, visible, cache)[0][0]
    tensors = {
        "in.x": x,
        "in.w_qkv": module.qkv_proj.weight.T,
        "in.w_gate": module.output_gate.weight.T,
        "in.w_o": module.out_proj.weight.T,
        "in.norm": module.norm.weight,
        "out.out": out,
        "out.state": cache.state[0],
    }
    if mask is not None:
        tensors["in.mask"] = torch.tensor(mask, dtype=torch.float64)
    if resumed:
        tensors["in.state"] = start[0]
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        FOLDER / f"case-{number}.safetensors",
        metadata={
            "page": PAGE,
            "options": json.dumps({"heads": heads, "layer": layer, "layers": layers}),
            "source": f"transformers=={transformers.__version__} models.minimax.modeling_minimax:MiniMaxLightningAttention",
            "call": "MiniMaxLightningAttention(config, layer)(x, None, mask, cache)",
            "computed_in": "float64",
            "note": f"{note}; slopes and norm in double",
        },
    )


case(2, seed=2, tokens=7, width=5, heads=3, head=2, layer=3, layers=4, mask=[0, 1, 1, 0, 1, 1, 0], note="padding")
case(3, seed=3, tokens=4, width=4, heads=2, head=3, layer=0, layers=3, resumed=True, note="from a state, token by token")
