"""Golden cases of score/cosine-attention-swinv2 from transformers. Needs torch, transformers, safetensors.

A window other than the one trained with, and a mask. Two things of the class are worked around: it builds its table of
coordinates in float32 (here in float64, by making `.float()` do nothing), and its bias network is 512 wide (here all but
the first units are zero). The mask is additive there: −∞ where it forbids.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers import Swinv2Config
from transformers.models.swinv2.modeling_swinv2 import Swinv2SelfAttention

HERE = pathlib.Path(__file__).parent.parent / "score" / "cosine-attention-swinv2"
torch.set_default_dtype(torch.float64)
torch.Tensor.float = torch.Tensor.double


def case(number, seed, window, pretrained, masked, heads=2, width=6, hidden=5):
    torch.manual_seed(seed)
    n = window[0] * window[1]
    layer = Swinv2SelfAttention(Swinv2Config(), width, heads, window, pretrained or [0, 0]).eval()
    first, _, second = layer.continuous_position_bias_mlp
    with torch.no_grad():
        for weight in (first.weight, first.bias, second.weight):
            torch.nn.init.normal_(weight)
        first.weight[hidden:] = 0
        first.bias[hidden:] = 0
        second.weight[:, hidden:] = 0
        layer.logit_scale.copy_(torch.randn(heads, 1, 1) * 3 + 2)
        x = torch.randn(1, n, width)
        mask = (torch.rand(n, n) < 0.6) | torch.eye(n, dtype=torch.bool)
        added = torch.zeros(n, n).masked_fill(~mask, -torch.inf)
        out = layer(x, added[None] if masked else None)[0]
        split = lambda y: y.view(n, heads, width // heads).transpose(0, 1)
        tensors = {
            "in.q": split(layer.query(x)[0]),
            "in.k": split(layer.key(x)[0]),
            "in.v": split(layer.value(x)[0]),
            "in.logit_scale": layer.logit_scale.flatten(),
            "in.w1": first.weight[:hidden].T,
            "in.b1": first.bias[:hidden],
            "in.w2": second.weight[:, :hidden].T,
            "out.out": split(out[0]),
        }
    if masked:
        tensors["in.mask"] = mask
    metadata = {
        "page": "score/cosine-attention-swinv2",
        "options": json.dumps({"window": window, "pretrained_window": pretrained}),
        "source": f"pip transformers=={transformers.__version__} transformers.models.swinv2.modeling_swinv2:Swinv2SelfAttention",
        "call": "Swinv2SelfAttention(config, width, heads, window, pretrained_window)(x, mask); q, k, v are its projections",
        "computed_in": "float64",
        "note": "table of coordinates in float64; all but the first units of the bias network are zero; mask as -inf",
    }
    save_file({k: t.detach().clone().contiguous() for k, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata)


case(2, seed=3, window=[2, 3], pretrained=[4, 5], masked=True)
case(3, seed=4, window=[3, 2], pretrained=None, masked=True)
