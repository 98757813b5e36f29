"""A golden case of positional/sinusoidal-position-encoding from transformers. Needs torch, transformers, safetensors."""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.distilbert.modeling_distilbert import create_sinusoidal_embeddings

HERE = pathlib.Path(__file__).parent.parent / "positional" / "sinusoidal-position-encoding"

torch.set_default_dtype(torch.float64)
n, width = 40, 7
out = torch.empty(n, width)
create_sinusoidal_embeddings(n, width, out)
metadata = {
    "page": "positional/sinusoidal-position-encoding",
    "options": json.dumps({"width": width, "layout": "interleaved"}),
    "source": f"pip transformers=={transformers.__version__} models.distilbert.modeling_distilbert:create_sinusoidal_embeddings",
    "call": f"create_sinusoidal_embeddings({n}, {width}, out): an odd width",
    "computed_in": "float32",
    "note": "float64 arithmetic, results rounded to float32 by the function",
}
tensors = {"in.positions": torch.arange(n), "out.out": out.detach().contiguous()}
save_file(tensors, HERE / "case-3.safetensors", metadata=metadata)
