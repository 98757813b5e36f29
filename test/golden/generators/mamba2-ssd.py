"""Golden vectors for linear/mamba2-ssd: the block with two groups that share B and C and are normed apart, and its states.

    pip install torch safetensors transformers==5.24.0
    python mamba2-ssd.py
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

torch.float32 = torch.float64  # the module casts to float32 in places
torch.Tensor.float = torch.Tensor.double

from transformers import Mamba2Config  # noqa: E402
from transformers.cache_utils import DynamicCache  # noqa: E402
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer  # noqa: E402

PAGE = "linear/mamba2-ssd"
FOLDER = Path(__file__).parent.parent / PAGE


def case(number, seed, length, width, heads, state, groups):
    torch.manual_seed(seed)
    config = Mamba2Config(
        hidden_size=width,
        expand=2,
        num_heads=heads,
        head_dim=2 * width // heads,
        state_size=state,
        n_groups=groups,
        chunk_size=2,
        num_hidden_layers=1,
    )
    mixer = Mamba2Mixer(config, 0).double().eval()
    with torch.no_grad():
        for p in mixer.parameters():
            p.copy_(torch.randn_like(p) * 0.5)
        x = torch.randn(length, width, dtype=torch.float64)
        cache = DynamicCache(config=config)
        out = mixer(x[None], cache)[0]
    inner = 2 * width
    cuts = [inner, inner, groups * state, groups * state, heads]
    w_z, w_u, w_b, w_c, w_dt = mixer.in_proj.weight.T.split(cuts, dim=1)
    tensors = {
        "in.x": x,
        "in.w_z": w_z,
        "in.w_u": w_u,
        "in.w_b": w_b,
        "in.w_c": w_c,
        "in.w_dt": w_dt,
        "in.conv": mixer.conv1d.weight[:, 0],
        "in.conv_b": mixer.conv1d.bias,
        "in.dt_bias": mixer.dt_bias,
        "in.a": mixer.A_log,
        "in.d": mixer.D,
        "in.norm": mixer.norm.weight,
        "in.w_out": mixer.out_proj.weight.T,
        "out.out": out,
        "out.state": cache.get_recurrent_state(0, state_idx=0)[0],
        "out.conv_state": cache.get_conv_state(0, state_idx=0)[0].T,
    }
    metadata = {
        "page": PAGE,
        "options": json.dumps({"groups": groups, "norm_groups": groups, "log_a": True, "eps": config.layer_norm_epsilon}),
        "source": "pip transformers==5.24.0 transformers.models.mamba2.modeling_mamba2:Mamba2Mixer",
        "call": f"Mamba2Mixer(hidden {width}, expand 2, heads {heads}, state {state}, n_groups {groups})(x, cache)",
        "computed_in": "float64",
        "note": "the input projection split into its parts; casts to float32 made casts to float64",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().double().contiguous() for name, t in tensors.items()}
    save_file(tensors, FOLDER / f"case-{number}.safetensors", metadata)


case(3, 0, 5, 4, 4, 3, 2)
