"""Golden vectors for linear/mamba-selective-ssm: the block and the states it leaves, after more and after fewer tokens than its
convolution is long.

    pip install torch safetensors transformers==5.24.0
    python mamba-selective-ssm.py
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

torch.Tensor.float = torch.Tensor.double  # the module casts to float32 in places

from transformers import MambaConfig  # noqa: E402
from transformers.cache_utils import DynamicCache  # noqa: E402
from transformers.models.mamba.modeling_mamba import MambaMixer  # noqa: E402

PAGE = "linear/mamba-selective-ssm"
FOLDER = Path(__file__).parent.parent / PAGE


def case(number, seed, length, width, state, rank):
    torch.manual_seed(seed)
    config = MambaConfig(hidden_size=width, state_size=state, expand=2, time_step_rank=rank, num_hidden_layers=1)
    mixer = MambaMixer(config, 0).double().eval()
    with torch.no_grad():
        for p in mixer.parameters():
            p.copy_(torch.randn_like(p) * 0.5)
        x = torch.randn(length, width, dtype=torch.float64)
        cache = DynamicCache(config=config)
        out = mixer(x[None], cache)[0]
    w_u, w_z = mixer.in_proj.weight.T.chunk(2, dim=1)
    w_r, w_b, w_c = mixer.x_proj.weight.T.split([rank, state, state], dim=1)
    tensors = {
        "in.x": x,
        "in.w_u": w_u,
        "in.w_z": w_z,
        "in.conv": mixer.conv1d.weight[:, 0],
        "in.conv_b": mixer.conv1d.bias,
        "in.w_r": w_r,
        "in.w_b": w_b,
        "in.w_c": w_c,
        "in.w_dt": mixer.dt_proj.weight.T,
        "in.dt_bias": mixer.dt_proj.bias,
        "in.a": mixer.A_log,
        "in.d": mixer.D,
        "in.w_out": mixer.out_proj.weight.T,
        "out.out": out,
        "out.state": cache.get_recurrent_state(0, state_idx=0)[0],
        "out.conv_state": cache.get_conv_state(0, state_idx=0)[0].T,
    }
    metadata = {
        "page": PAGE,
        "options": json.dumps({"log_a": True}),
        "source": "pip transformers==5.24.0 transformers.models.mamba.modeling_mamba:MambaMixer",
        "call": f"MambaMixer(hidden {width}, state {state}, expand 2, rank {rank})(x, cache)",
        "computed_in": "float64",
        "note": "the projections split into their parts; casts to float32 made casts to float64",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().double().contiguous() for name, t in tensors.items()}
    save_file(tensors, FOLDER / f"case-{number}.safetensors", metadata)


case(3, 0, 6, 3, 2, 2)
case(4, 1, 2, 2, 3, 1)
