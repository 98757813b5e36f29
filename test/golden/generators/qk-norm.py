"""Golden cases of score/qk-norm from transformers. Needs torch, transformers, safetensors.

Qwen3 decodes two tokens after four cached ones with another epsilon and rotary base; OLMo 2 sees all tokens, unturned. The
models' casts to float32 are casts to float64 here.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers.cache_utils import DynamicCache
from transformers.models.olmo2.configuration_olmo2 import Olmo2Config
from transformers.models.olmo2.modeling_olmo2 import Olmo2Attention
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention

HERE = pathlib.Path(__file__).parent.parent / "score" / "qk-norm"
torch.set_default_dtype(torch.float64)
torch.float32 = torch.float64


def layer(attention, config, seed):
    torch.manual_seed(seed)
    config._attn_implementation = "eager"
    made = attention(config, 0).double().eval()
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.7)
    made.o_proj = torch.nn.Identity()
    return made


def heads(projection, x, D):
    return projection(x)[0].unflatten(-1, (-1, D)).transpose(0, 1).contiguous()


def save(number, tensors, options, symbol, call):
    HERE.mkdir(parents=True, exist_ok=True)
    metadata = {
        "page": "score/qk-norm",
        "options": json.dumps(options),
        "source": f"pip transformers=={transformers.__version__} {symbol}",
        "call": call,
        "computed_in": "float64",
        "note": "q, k, v are the outputs of the projections, before the norm; the output projection is left out",
    }
    save_file({n: t.contiguous() for n, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata=metadata)


M, Hq, Hk, D, T, new, eps, theta = 10, 4, 2, 6, 6, 2, 0.05, 30.0
qwen = layer(
    Qwen3Attention,
    Qwen3Config(
        hidden_size=M, num_attention_heads=Hq, num_key_value_heads=Hk, head_dim=D, num_hidden_layers=1, rms_norm_eps=eps
    ),
    3,
)
x = torch.randn(1, T, M)
angle = torch.arange(T)[:, None] * theta ** (-torch.arange(0, D, 2) / D)
angle = torch.cat([angle, angle], -1)[None]
mask = torch.full((T, T), float("-inf")).triu(1)[None, None]
cache = DynamicCache()
out = None
with torch.no_grad():
    for part in (slice(0, T - new), slice(T - new, T)):
        turn = (angle[:, part].cos(), angle[:, part].sin())
        out = qwen(x[:, part], turn, mask[:, :, part, : part.stop], cache)[0]
    tensors = {
        "in.q": heads(qwen.q_proj, x, D)[:, T - new :],
        "in.k": heads(qwen.k_proj, x, D),
        "in.v": heads(qwen.v_proj, x, D),
        "in.g_q": qwen.q_norm.weight.data,
        "in.g_k": qwen.k_norm.weight.data,
        "out.out": out[0].unflatten(-1, (Hq, D)).transpose(0, 1),
    }
save(
    3,
    tensors,
    {"kind": "rms", "scope": "head", "eps": eps, "causal": True, "rope_theta": theta},
    "transformers.models.qwen3.modeling_qwen3:Qwen3Attention",
    "Qwen3Attention(config, 0)(x, (cos, sin), causal mask, cache), four tokens and then two",
)

M, H, Hk, D, T, eps = 8, 4, 2, 3, 5, 0.2
olmo = layer(
    Olmo2Attention,
    Olmo2Config(
        hidden_size=M, num_attention_heads=H, num_key_value_heads=Hk, head_dim=D, num_hidden_layers=1, rms_norm_eps=eps
    ),
    4,
)
# The class takes the width of a head from the model's; here the projections and norms are as wide as the heads.
olmo.head_dim, olmo.scaling = D, D**-0.5
olmo.q_proj, olmo.k_proj, olmo.v_proj = (torch.nn.Linear(M, h * D, bias=False) for h in (H, Hk, Hk))
olmo.q_norm.weight, olmo.k_norm.weight = (torch.nn.Parameter(torch.randn(h * D)) for h in (H, Hk))
for weight in olmo.parameters():
    torch.nn.init.normal_(weight, std=0.7)
x = torch.randn(1, T, M)
still = (torch.ones(1, T, D), torch.zeros(1, T, D))

with torch.no_grad():
    out = olmo(x, still, None)[0]
    tensors = {
        "in.q": heads(olmo.q_proj, x, D),
        "in.k": heads(olmo.k_proj, x, D),
        "in.v": heads(olmo.v_proj, x, D),
        "in.g_q": olmo.q_norm.weight.data,
        "in.g_k": olmo.k_norm.weight.data,
        "out.out": out[0].unflatten(-1, (H, D)).transpose(0, 1),
    }
save(
    4,
    tensors,
    {"kind": "rms", "scope": "full", "eps": eps, "causal": False, "rope_theta": None},
    "transformers.models.olmo2.modeling_olmo2:Olmo2Attention",
    "Olmo2Attention(config, 0)(x, (ones, zeros), no mask), which turns nothing",
)
