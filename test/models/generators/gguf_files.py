"""GGUF files and blocks, and what gguf-py and transformers make of them: test/models/gguf/.

    pip install torch transformers safetensors gguf
    python gguf_files.py

`model.gguf` holds the weights of fixtures/llama in several encodings, `expected.safetensors` beside it the logits that transformers
computes from the decoded weights, as make.py does. `blocks.safetensors` holds bytes of blocks of each encoding and their values.
"""

import json
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from make import FIXTURES, build, by_token, evaluate, exact

HERE = Path(__file__).parent.parent / "gguf"
LLAMA = FIXTURES / "llama"
Kind = gguf.GGMLQuantizationType

NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def renamed(name):
    if name in NAMES:
        return NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{NAMES[rest.rsplit('.', 1)[0]]}.weight"


def neighbours(weight, heads):
    """Rotary pairs side by side, as the converter of llama.cpp stores queries and keys."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def halves(weight, heads):
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def kind_of(name):
    if "norm" in name:
        return Kind.F32
    if "k_proj" in name or "embed" in name:
        return Kind.F16
    if "down_proj" in name:  # 48 columns are no whole blocks
        return Kind.BF16
    return Kind.Q4_0 if "up_proj" in name else Kind.Q8_0


def model():
    weights = {}
    for file in LLAMA.glob("model-*.safetensors"):
        with safe_open(file, "np") as opened:
            weights |= {name: opened.get_tensor(name) for name in opened.keys()}
    config = transformers.AutoConfig.from_pretrained(LLAMA)
    writer = gguf.GGUFWriter(HERE / "model.gguf", "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    tokens = [chr(32 + i) for i in range(config.vocab_size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(tokens))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(95)
    decoded = {}
    for name, weight in weights.items():
        kind = kind_of(name)
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads if "k_proj" in name else 0
        stored = gguf.quants.quantize(neighbours(weight, heads) if heads else weight, kind)
        writer.add_tensor(renamed(name), stored, raw_dtype=kind)
        back = gguf.quants.dequantize(stored, kind)
        decoded[name] = torch.from_numpy((halves(back, heads) if heads else back).copy())
    # Llama 3's scaling of frequencies, as divisors.
    plain = config.rope_parameters["rope_theta"] ** (-np.arange(0, config.head_dim, 2) / config.head_dim)
    with exact():
        scaled = LlamaForCausalLM(config).model.rotary_emb.inv_freq.numpy()
    writer.add_tensor("rope_freqs.weight", (plain / scaled).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with safe_open(LLAMA / "expected.safetensors", "pt") as opened:
        ids = opened.get_tensor("ids")[None].long()
    with exact():
        wanted = evaluate(build(config, "LlamaForCausalLM", {k: v.double() for k, v in decoded.items()}, "eager", torch.float64), {"input_ids": ids})
    evaluations = []
    for attention in ["eager", "sdpa"]:
        single = build(config, "LlamaForCausalLM", decoded, attention, torch.float32)
        evaluations += [evaluate(single, {"input_ids": ids}), evaluate(single, {"input_ids": ids[:, :13]}), by_token(single, ids)]
    error = max((e["logits"].double() - wanted["logits"][: len(e["logits"])]).abs().max().item() for e in evaluations)
    save_file(
        {"ids": ids[0].int(), "logits": wanted["logits"].contiguous()},
        HERE / "expected.safetensors",
        metadata={"source": f"gguf, transformers=={transformers.__version__}", "float32": json.dumps({"logits": error})},
    )


def blocks():
    chance = np.random.default_rng(5)
    arrays = {}
    for kind in [Kind.Q8_0, Kind.Q4_0, Kind.Q4_K, Kind.Q6_K]:
        values, size = gguf.GGML_QUANT_SIZES[kind]
        stored = chance.integers(0, 256, (5, size), dtype=np.uint8)
        # Scales are float16 numbers of ordinary size.
        places = {Kind.Q8_0: [0], Kind.Q4_0: [0], Kind.Q4_K: [0, 2], Kind.Q6_K: [208]}[kind]
        for place in places:
            stored[:, place : place + 2] = chance.normal(size=(5, 1)).astype(np.float16).view(np.uint8)
        arrays[f"{kind.name}.bytes"] = stored
        arrays[f"{kind.name}.values"] = gguf.quants.dequantize(stored, kind).astype(np.float32)
    save_arrays(arrays, HERE / "blocks.safetensors")


blocks()
model()
