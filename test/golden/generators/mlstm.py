"""Golden vectors for linear/mlstm: the cell with the affine maps of its gates and the norm of its heads, all tokens at once
and one at a time.

    pip install torch einops safetensors
    pip install --no-deps xlstm==2.0.6
    python mlstm.py
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from xlstm.blocks.mlstm.cell import mLSTMCell, mLSTMCellConfig

PAGE = "linear/mlstm"
FOLDER = Path(__file__).parent.parent / PAGE


def case(number, seed, length, heads, width, stepwise):
    torch.manual_seed(seed)
    cell = mLSTMCell(mLSTMCellConfig(context_length=length, embedding_dim=heads * width, num_heads=heads)).double()
    with torch.no_grad():
        for p in cell.parameters():
            p.copy_(torch.randn_like(p) * 0.5)
    q, k, v = (torch.randn(length, heads * width, dtype=torch.float64) for _ in range(3))
    split = lambda t: t.reshape(length, heads, width)
    tensors = {
        "in.q": split(q),
        "in.k": split(k),
        "in.v": split(v),
        "in.w_i": cell.igate.weight.T,
        "in.b_i": cell.igate.bias,
        "in.w_f": cell.fgate.weight.T,
        "in.b_f": cell.fgate.bias,
        "in.gain": (1 + cell.outnorm.weight).reshape(heads, width),
    }
    with torch.no_grad():
        if stepwise:
            rows, state = [], None
            for t in range(length):
                row, state = cell.step(*(x[None, t : t + 1] for x in (q, k, v)), mlstm_state=state)
                rows.append(row[0])
            c, n, m = state
            tensors |= {"in.m": torch.zeros(heads), "out.out": split(torch.cat(rows))}
            tensors |= {"out.c": c[0], "out.n": n[0, :, :, 0], "out.m": m[0, :, 0, 0]}
        else:
            tensors |= {"out.out": split(cell(q[None], k[None], v[None])[0])}
    metadata = {
        "page": PAGE,
        "options": json.dumps({}),
        "source": "pip xlstm==2.0.6 xlstm.blocks.mlstm.cell:mLSTMCell",
        "call": "cell.step(q, k, v, mlstm_state) token by token" if stepwise else "cell(q, k, v)",
        "computed_in": "float64",
        "note": "gain is 1 plus the stored weight of the norm; "
        + ("m starts at 0" if stepwise else "m starts at −∞, as the page does"),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().double().contiguous() for name, t in tensors.items()}
    save_file(tensors, FOLDER / f"case-{number}.safetensors", metadata)


case(2, 0, 5, 2, 3, False)
case(3, 1, 4, 3, 2, True)
