"""Golden vectors for linear/rwkv-4: an attention width that is not the model width, with and without a state.

    pip install torch transformers safetensors numpy
    python rwkv-4.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.rwkv.configuration_rwkv import RwkvConfig
from transformers.models.rwkv.modeling_rwkv import RwkvSelfAttention

PAGE = "linear/rwkv-4"
FOLDER = Path(__file__).parent.parent / PAGE
torch.Tensor.float = torch.Tensor.double
torch.float32 = torch.float64


def case(number, seed, tokens, width, hidden, resumed):
    torch.manual_seed(seed)
    config = RwkvConfig(hidden_size=width, attention_hidden_size=hidden, num_hidden_layers=1, context_length=16)
    module = RwkvSelfAttention(config).double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.8)
    x = torch.randn(tokens, width, dtype=torch.float64)
    sums = torch.randn(hidden), torch.rand(hidden) + 0.5, torch.randn(hidden)
    last, (a, b, p) = torch.randn(width).double(), [s.double() for s in sums]
    state = [None, *(s.reshape(1, -1, 1).clone() for s in (last, a, b, p))]
    with torch.no_grad():
        out, state = module(x[None], state if resumed else None, use_cache=resumed)
    names = {"k": module.key, "v": module.value, "r": module.receptance, "o": module.output}
    mixes = {"k": module.time_mix_key, "v": module.time_mix_value, "r": module.time_mix_receptance}
    tensors = {"in.x": x, "in.w_raw": module.time_decay, "in.u": module.time_first, "out.out": out[0]}
    tensors |= {f"in.w_{name}": of.weight.T for name, of in names.items()}
    tensors |= {f"in.mu_{name}": of.reshape(-1) for name, of in mixes.items()}
    if resumed:
        tensors |= {"in.last": last, "in.a": a, "in.b": b, "in.p": p}
        tensors |= {f"out.{name}": s[0, :, 0] for name, s in zip(("last", "a", "b", "p"), state[1:])}
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        FOLDER / f"case-{number}.safetensors",
        metadata={
            "page": PAGE,
            "options": json.dumps({}),
            "source": f"transformers=={transformers.__version__} models.rwkv.modeling_rwkv:RwkvSelfAttention",
            "call": "RwkvSelfAttention(config)(x, state), on the CPU",
            "computed_in": "float64",
            "note": "the attention is wider or narrower than the model; float32 replaced by float64",
        },
    )


case(3, seed=3, tokens=5, width=3, hidden=5, resumed=False)
case(4, seed=4, tokens=1, width=4, hidden=2, resumed=True)
