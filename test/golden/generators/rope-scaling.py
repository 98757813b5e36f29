"""Golden cases of positional/rope-scaling from transformers. Needs torch, transformers, numpy, safetensors."""

import json
import pathlib

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

HERE = pathlib.Path(__file__).parent.parent / "positional" / "rope-scaling"
HERE.mkdir(parents=True, exist_ok=True)
VERSION = transformers.__version__


def config(rotary_dim, longest, rope):
    return LlamaConfig(
        hidden_size=rotary_dim,
        num_attention_heads=1,
        head_dim=rotary_dim,
        max_position_embeddings=longest,
        rope_parameters=rope,
    )


def save(case, tensors, options, call, computed_in, note):
    metadata = {
        "page": "positional/rope-scaling",
        "options": json.dumps(options),
        "source": f"pip transformers=={VERSION} " + call[0],
        "call": call[1],
        "computed_in": computed_in,
        "note": note,
    }
    arrays = {name: np.array(a, dtype=np.float64, order="C") for name, a in tensors.items()}
    save_file(arrays, HERE / f"case-{case}.safetensors", metadata=metadata)


def module(case, options, positions, note, **rope):
    """The whole rotary module: which frequencies it takes at these positions, and its cosines and sines."""
    rotary = LlamaRotaryEmbedding(config(options["rotary_dim"], options["original_max"], rope))
    ids = torch.tensor([positions])
    cos, sin = rotary(torch.zeros(1, len(positions), options["rotary_dim"]), ids)
    half = options["rotary_dim"] // 2
    save(
        case,
        {
            "in.positions": np.array(positions),
            **{f"in.{name}": np.array(rope[name]) for name in ("short_factor", "long_factor") if name in rope},
            "out.inv_freq": rotary.inv_freq.numpy(),
            "out.attention_scaling": np.array(rotary.attention_scaling),
            "out.cos": cos[0, :, :half].numpy(),
            "out.sin": sin[0, :, :half].numpy(),
        },
        options,
        ("models.llama.modeling_llama:LlamaRotaryEmbedding", "LlamaRotaryEmbedding(config)(x, position_ids)"),
        "float32",
        note,
    )


short, long = [1.0, 1.25, 1.5, 2.0, 2.5], [1.0, 2.0, 3.0, 5.0, 8.0]
longrope = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
    "short_factor": short,
    "long_factor": long,
}
named = {"type": "longrope", "rotary_dim": 10, "base": 10000.0, "factor": 4.0, "original_max": 32}
module(5, named, [0, 7, 31], "the last position that still takes the short factors", **longrope)
module(6, named, [3, 32], "the first position that takes the long ones", **longrope)
module(
    7,
    {"type": "dynamic", "rotary_dim": 6, "base": 500.0, "factor": 3.0, "original_max": 8},
    [0, 5, 19],
    "the current length is one more than the largest position",
    rope_type="dynamic",
    rope_theta=500.0,
    factor=3.0,
)
module(
    8,
    {
        "type": "yarn",
        "rotary_dim": 12,
        "base": 10000.0,
        "factor": 8.0,
        "original_max": 256,
        "beta_fast": 16.0,
        "beta_slow": 2.0,
        "truncate": False,
        "mscale": 0.7,
        "mscale_all_dim": 1.3,
    },
    [0, 1, 300],
    "ramp between fractions of a pair, factor from both mscales",
    rope_type="yarn",
    rope_theta=10000.0,
    factor=8.0,
    original_max_position_embeddings=256,
    beta_fast=16.0,
    beta_slow=2.0,
    truncate=False,
    mscale=0.7,
    mscale_all_dim=1.3,
)
