"""Golden cases of positional/nope from transformers. Needs torch, transformers, safetensors.

The module casts positions and scores to float32; here those casts are to float64.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.llama4.configuration_llama4 import Llama4TextConfig
from transformers.models.llama4.modeling_llama4 import Llama4TextAttention

HERE = pathlib.Path(__file__).parent.parent / "positional" / "nope"

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
torch.Tensor.float = torch.Tensor.double
M, H, D, T = 6, 3, 4, 7
config = Llama4TextConfig(
    hidden_size=M,
    num_attention_heads=H,
    num_key_value_heads=H,
    head_dim=D,
    num_hidden_layers=1,
    no_rope_layers=[0],
    attn_temperature_tuning=True,
    attn_scale=0.3,
    floor_scale=3,
    attention_bias=False,
)
config._attn_implementation = "eager"
layer = Llama4TextAttention(config, 0).double().eval()
for weight in layer.parameters():
    torch.nn.init.normal_(weight)
x = torch.randn(1, T, M)
mask = torch.full((T, T), float("-inf")).triu(1)[None, None]
with torch.no_grad():
    out = layer(x, None, mask)[0]
tensors = {
    "in.x": x[0],
    "in.w_q": layer.q_proj.weight.T,
    "in.w_k": layer.k_proj.weight.T,
    "in.w_v": layer.v_proj.weight.T,
    "in.w_o": layer.o_proj.weight.T,
    "out.out": out[0],
}
metadata = {
    "page": "positional/nope",
    "options": json.dumps({"heads": H, "temperature": 0.3, "floor_scale": 3}),
    "source": f"pip transformers=={transformers.__version__} models.llama4.modeling_llama4:Llama4TextAttention",
    "call": "a layer without RoPE and with temperature tuning, causal additive mask; heads of 4 in a width of 6",
    "computed_in": "float64",
    "note": "casts to float32 turned into casts to float64",
}
save_file({n: t.detach().contiguous() for n, t in tensors.items()}, HERE / "case-2.safetensors", metadata=metadata)
