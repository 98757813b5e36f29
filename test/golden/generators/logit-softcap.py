"""Golden cases of score/logit-softcap from transformers. Needs torch, transformers, safetensors.

Fewer queries than keys under a causal mask, a scale that is not one over the root of the width, and a mask that hides a
key from one query. The cast of the softmax to float32 is a cast to float64 here.
"""

import json
import pathlib
import types

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward

HERE = pathlib.Path(__file__).parent.parent / "score" / "logit-softcap"
torch.set_default_dtype(torch.float64)
torch.float32 = torch.float64
module = types.SimpleNamespace(num_key_value_groups=1, training=False)


def case(number, seed, Tq, Tk, D, E, cap, scale, causal, bias):
    torch.manual_seed(seed)
    q, k, v = 2 * torch.randn(Tq, D), 2 * torch.randn(Tk, D), torch.randn(Tk, E)
    tensors = {"in.q": q, "in.k": k, "in.v": v}
    added = torch.full((Tq, Tk), float("-inf")).triu(1 + Tk - Tq) if causal else torch.zeros(Tq, Tk)
    if bias:
        tensors["in.bias"] = torch.randn(Tq, Tk)
        tensors["in.bias"][1, 0] = float("-inf")
        added = added + tensors["in.bias"]
    out, weights = eager_attention_forward(
        module, q[None, None], k[None, None], v[None, None], added[None, None], scaling=scale, softcap=cap
    )
    tensors |= {"out.out": out[0, :, 0], "out.weights": weights[0, 0]}
    metadata = {
        "page": "score/logit-softcap",
        "options": json.dumps({"cap": cap, "scale": scale, "causal": causal}),
        "source": f"pip transformers=={transformers.__version__} transformers.models.gemma2.modeling_gemma2:eager_attention_forward",
        "call": f"eager_attention_forward(module, q, k, v, mask, scaling={scale}, softcap={cap})",
        "computed_in": "float64",
        "note": "the softmax in float64; the mask is the causal one and the bias",
    }
    HERE.mkdir(parents=True, exist_ok=True)
    save_file({n: t.contiguous() for n, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata=metadata)


case(2, 7, Tq=2, Tk=5, D=6, E=2, cap=3.0, scale=0.3, causal=True, bias=False)
case(3, 8, Tq=4, Tk=3, D=5, E=4, cap=0.7, scale=144**-0.5, causal=False, bias=True)
