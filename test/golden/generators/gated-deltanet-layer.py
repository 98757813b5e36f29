"""Golden vectors for linear/gated-deltanet-layer: more value heads than key heads, another kernel length and ε.

    pip install torch safetensors transformers==5.24.0
    python gated-deltanet-layer.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.qwen3_next import modeling_qwen3_next as qwen

PAGE = "linear/gated-deltanet-layer"
FOLDER = Path(__file__).parent.parent / PAGE

# The layer casts to float32 on the way; those casts are made casts to float64.
torch.Tensor.float = torch.Tensor.double
torch.float32 = torch.float64


def case(number, seed, length, heads, values, taps):
    torch.manual_seed(seed)
    model, D, E = 6, 3, 4
    config = qwen.Qwen3NextConfig(
        hidden_size=model,
        num_hidden_layers=1,
        layer_types=["linear_attention"],
        linear_num_key_heads=heads,
        linear_num_value_heads=values,
        linear_key_head_dim=D,
        linear_value_head_dim=E,
        linear_conv_kernel_dim=taps,
        rms_norm_eps=1e-6,
    )
    layer = qwen.Qwen3NextGatedDeltaNet(config, 0).double().eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    x = torch.randn(length, model, dtype=torch.float64)
    with torch.no_grad():
        out = layer(x[None])
    out = (out[0] if isinstance(out, tuple) else out)[0]

    group = values // heads
    columns = layer.in_proj_qkvz.weight.T.reshape(model, heads, 2 * D + 2 * group * E)
    q, k, v, z = (part.reshape(model, -1) for part in columns.split([D, D, group * E, group * E], dim=2))
    b, a = layer.in_proj_ba.weight.T.reshape(model, heads, 2 * group).split(group, dim=2)
    conv_q, conv_k, conv_v = layer.conv1d.weight[:, 0].split([heads * D, heads * D, values * E])
    tensors = {
        "in.x": x,
        "in.w_q": q,
        "in.w_k": k,
        "in.w_v": v,
        "in.conv_q": conv_q,
        "in.conv_k": conv_k,
        "in.conv_v": conv_v,
        "in.w_a": a.reshape(model, values),
        "in.w_b": b.reshape(model, values),
        "in.A_log": layer.A_log,
        "in.dt_bias": layer.dt_bias,
        "in.w_g": z,
        "in.norm": layer.norm.weight,
        "in.w_o": layer.out_proj.weight.T,
        "out.out": out,
    }
    metadata = {
        "page": PAGE,
        "options": json.dumps({"heads": heads, "v_heads": values, "eps": 1e-6}),
        "source": f"pip transformers=={transformers.__version__} transformers.models.qwen3_next.modeling_qwen3_next:Qwen3NextGatedDeltaNet",
        "call": "Qwen3NextGatedDeltaNet(config, 0)(x)",
        "computed_in": "float64",
        "note": "casts to float32 patched to float64; the joint projections and convolution are given apart",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    contiguous = {name: t.detach().clone().contiguous() for name, t in tensors.items()}
    save_file(contiguous, FOLDER / f"case-{number}.safetensors", metadata)


case(3, 31, 7, 2, 4, 4)
case(4, 32, 5, 1, 3, 3)
