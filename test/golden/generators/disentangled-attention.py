"""Golden vectors for positional/disentangled-attention: logarithmic buckets, a table shorter than the sequence, one term alone.

    pip install torch transformers safetensors numpy
    python disentangled-attention.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import DebertaV2Config
from transformers.models.deberta_v2 import modeling_deberta_v2 as deberta

PAGE = "positional/disentangled-attention"
FOLDER = Path(__file__).parent.parent / PAGE


def case(number, seed, tokens, buckets, furthest, terms):
    torch.manual_seed(seed)
    width, heads = 8, 2
    config = DebertaV2Config(
        hidden_size=width,
        num_attention_heads=heads,
        pos_att_type=terms,
        relative_attention=True,
        position_buckets=buckets,
        max_relative_positions=furthest,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    module = deberta.DisentangledSelfAttention(config).double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    hidden = torch.randn(tokens, width, dtype=torch.float64)
    table = torch.randn(2 * buckets, width, dtype=torch.float64)
    mask = torch.ones(1, 1, tokens, tokens)
    # This helper of the module computes in float32 whatever the inputs; here it is the same formula in float64.
    deberta.scaled_size_sqrt = lambda layer, factor: torch.sqrt(torch.tensor(layer.size(-1) * factor, dtype=torch.float64))
    with torch.no_grad():
        out = module(hidden[None], mask, rel_embeddings=table)[0][0]
    tensors = {"in.hidden": hidden, "in.rel_table": table, "out.out": out}
    names = {"query_proj": "q", "key_proj": "k", "value_proj": "v", "pos_key_proj": "pk", "pos_query_proj": "pq"}
    for long, short in names.items():
        layer = getattr(module, long, None)
        if layer is not None:
            tensors[f"in.w_{short}"] = layer.weight.T
            tensors[f"in.b_{short}"] = layer.bias
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        FOLDER / f"case-{number}.safetensors",
        metadata={
            "page": PAGE,
            "options": json.dumps(
                {"heads": heads, "c2p": "c2p" in terms, "p2c": "p2c" in terms, "max_position": furthest}
            ),
            "source": f"transformers=={transformers.__version__} models.deberta_v2.modeling_deberta_v2:DisentangledSelfAttention",
            "call": "DisentangledSelfAttention(config)(hidden, mask of ones, rel_embeddings=table) before the output layer",
            "computed_in": "float64 (buckets in float32 by the module; none falls on a border)",
            "note": f"position_buckets {buckets}, max_relative_positions {furthest}",
        },
    )


case(3, seed=3, tokens=14, buckets=8, furthest=17, terms=["c2p", "p2c"])
case(4, seed=4, tokens=9, buckets=5, furthest=12, terms=["p2c"])
