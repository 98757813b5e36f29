"""Golden cases of score/entmax15-attention from entmax. Needs torch, entmax, safetensors.

Other values of α, fewer queries than keys under a causal mask, and a mask that hides keys: hidden scores are −∞ there.
"""

import importlib.metadata
import json
import pathlib

import entmax
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent.parent / "score" / "entmax15-attention"
VERSION = importlib.metadata.version("entmax")
torch.set_default_dtype(torch.float64)


def case(number, seed, Tq, Tk, D, E, alpha, scale, symbol, causal=False, masked=False):
    torch.manual_seed(seed)
    q, k, v = torch.randn(Tq, D), torch.randn(Tk, D), torch.randn(Tk, E)
    mask = (torch.rand(Tq, Tk) < 0.6) | torch.eye(Tq, Tk, dtype=torch.bool)
    visible = torch.ones(Tq, Tk, dtype=torch.bool)
    if causal:
        visible &= torch.ones(Tq, Tk, dtype=torch.bool).tril(Tk - Tq)
    if masked:
        visible &= mask
    z = (scale * q @ k.T).masked_fill(~visible, -torch.inf)
    weights = entmax.entmax_bisect(z, alpha, dim=-1, n_iter=60) if symbol == "entmax_bisect" else entmax.sparsemax(z, dim=-1)
    tensors = {"in.q": q, "in.k": k, "in.v": v, "out.out": weights @ v, "out.weights": weights}
    if masked:
        tensors["in.mask"] = mask
    metadata = {
        "page": "score/entmax15-attention",
        "options": json.dumps({"alpha": alpha, "scale": scale, "causal": causal}),
        "source": f"pip entmax=={VERSION} entmax:{symbol}",
        "call": f"{symbol}(z, dim=-1) @ v, z = scale q k^T, -inf where hidden",
        "computed_in": "float64",
        "note": "",
    }
    save_file({name: t.contiguous() for name, t in tensors.items()}, HERE / f"case-{number}.safetensors", metadata)


case(3, seed=5, Tq=4, Tk=7, D=3, E=2, alpha=1.75, scale=0.9, symbol="entmax_bisect", causal=True)
case(4, seed=6, Tq=5, Tk=8, D=4, E=3, alpha=2.0, scale=1.5, symbol="sparsemax", masked=True)
