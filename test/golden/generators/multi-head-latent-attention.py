"""Golden cases of heads/multi-head-latent-attention from transformers: uncompressed queries, YaRN's scale, other positions.

The library computes norms and softmax in float32; here torch.float32 stands for float64 while it runs.
"""

import json
import math
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.deepseek_v3.configuration_deepseek_v3 import DeepseekV3Config
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3Attention

FOLDER = Path(__file__).resolve().parent.parent / "heads" / "multi-head-latent-attention"
SOURCE = f"pip transformers=={transformers.__version__} transformers.models.deepseek_v3.modeling_deepseek_v3:DeepseekV3Attention"
torch.float32 = torch.float64
torch.manual_seed(20240507)


def save(n, rank, rank_q, heads, dn, dr, dv, width, tokens, layout, start, factor, mscale):
    config = DeepseekV3Config(
        hidden_size=width,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        q_lora_rank=rank_q,
        kv_lora_rank=rank,
        qk_nope_head_dim=dn,
        qk_rope_head_dim=dr,
        v_head_dim=dv,
        rope_interleave=layout == "interleaved",
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": factor,
            "mscale_all_dim": mscale,
            "original_max_position_embeddings": 64,
        },
        attn_implementation="eager",
    )
    layer = DeepseekV3Attention(config, 0).double().eval()
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn_like(p) * (0.5 if p.dim() > 1 else 0.25) + (1 if p.dim() == 1 else 0))
    x = torch.randn(tokens, width, dtype=torch.float64)
    positions = torch.arange(start, start + tokens, dtype=torch.float64)
    frequencies = torch.rand(dr // 2, dtype=torch.float64)
    angles = torch.cat([positions[:, None] * frequencies] * 2, dim=-1)
    hidden = torch.full((tokens, tokens), -math.inf, dtype=torch.float64).triu(1)
    with torch.no_grad():
        out = layer(x[None], (angles.cos()[None], angles.sin()[None]), hidden[None, None])[0][0]
    weights = {
        "in.x": x,
        "in.w_kva": layer.kv_a_proj_with_mqa.weight.T,
        "in.g_kv": layer.kv_a_layernorm.weight,
        "in.w_kvb": layer.kv_b_proj.weight.T,
        "in.w_o": layer.o_proj.weight.T,
        "in.positions": positions,
        "in.inv_freq": frequencies,
        "out.out": out,
    }
    if rank_q is None:
        weights["in.w_qb"] = layer.q_proj.weight.T
    else:
        weights |= {
            "in.w_qa": layer.q_a_proj.weight.T,
            "in.g_q": layer.q_a_layernorm.weight,
            "in.w_qb": layer.q_b_proj.weight.T,
        }
    options = {"heads": heads, "rope_layout": layout, "yarn_factor": factor, "mscale_all_dim": mscale}
    save_file(
        {name: t.detach().contiguous().clone() for name, t in weights.items()},
        FOLDER / f"case-{n}.safetensors",
        metadata={
            "page": "heads/multi-head-latent-attention",
            "options": json.dumps(options),
            "source": SOURCE,
            "call": "DeepseekV3Attention(config, 0)(x[None], (cos, sin), causal mask)",
            "computed_in": "float64",
            "note": "float32 inside the official code stands for float64; cos and sin from random frequencies",
        },
    )


FOLDER.mkdir(parents=True, exist_ok=True)
save(2, 5, None, 3, 3, 4, 2, 7, 5, "interleaved", 3, 40.0, 0.7)
save(3, 3, 5, 2, 1, 6, 5, 6, 4, "half", 11, 4.0, 1.0)
