"""Golden cases of positional/t5-relative-bias from transformers. Needs torch, transformers, safetensors."""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers import T5Config
from transformers.models.t5.modeling_t5 import T5Attention

HERE = pathlib.Path(__file__).parent.parent / "positional" / "t5-relative-bias"

torch.set_default_dtype(torch.float64)


def case(number, H, Tq, Tk, D, E, decoder, buckets, distance, scale):
    """The last Tq of Tk places as queries: bias of the module, attention around it."""
    torch.manual_seed(number)
    config = T5Config(
        num_heads=H,
        d_kv=D,
        d_model=H * D,
        relative_attention_num_buckets=buckets,
        relative_attention_max_distance=distance,
        is_decoder=decoder,
    )
    module = T5Attention(config, has_relative_attention_bias=True, layer_idx=0).double().eval()
    torch.nn.init.normal_(module.relative_attention_bias.weight)
    q, k, v = torch.randn(H, Tq, D), torch.randn(H, Tk, D), torch.randn(H, Tk, E)
    past = Tk - Tq
    places = torch.arange(Tq)[:, None] + past
    with torch.no_grad():
        scores = scale * q @ k.transpose(1, 2) + module.compute_bias(Tq, Tk, past_seen_tokens=past)[0]
        if decoder:
            scores = scores.masked_fill(torch.arange(Tk)[None, :] > places, float("-inf"))
        out = scores.softmax(-1) @ v
        bucket = module._relative_position_bucket(
            torch.arange(Tk)[None, :] - places, not decoder, num_buckets=buckets, max_distance=distance
        )
    tensors = {
        "in.q": q,
        "in.k": k,
        "in.v": v,
        "in.table": module.relative_attention_bias.weight.detach(),
        "out.out": out,
        "out.bucket": bucket,
    }
    options = {
        "bidirectional": not decoder,
        "num_buckets": buckets,
        "max_distance": distance,
        "scale": scale,
        "causal": decoder,
    }
    metadata = {
        "page": "positional/t5-relative-bias",
        "options": json.dumps(options),
        "source": f"pip transformers=={transformers.__version__} models.t5.modeling_t5:T5Attention",
        "call": f"compute_bias({Tq}, {Tk}, past_seen_tokens={past}); softmax(scale q k^T + bias) v around it",
        "computed_in": "float64",
        "note": "the bucket map goes through float32",
    }
    save_file({n: t.contiguous() for n, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata=metadata)


case(3, H=3, Tq=2, Tk=150, D=2, E=1, decoder=True, buckets=21, distance=100, scale=0.5)
case(4, H=1, Tq=3, Tk=7, D=5, E=3, decoder=False, buckets=11, distance=6, scale=1)
case(5, H=1, Tq=140, Tk=1, D=1, E=1, decoder=False, buckets=32, distance=128, scale=1)
