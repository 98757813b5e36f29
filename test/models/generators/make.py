"""Tiny models with random weights, and what transformers makes of them: test/models/fixtures/<name>/.

    pip install torch transformers safetensors
    python make.py [name …]

Each folder is a checkpoint as transformers saves it, with `expected.safetensors` beside: `ids` [T], `logits` [T, vocabulary]
(of encoders `out` [T, width]), `hidden.<i>` [T, width] before layer i, and `greedy`, the 64 tokens that follow. All are computed in
float64. Metadata `float32` holds, for each, the largest error transformers makes in float32, over several ways to evaluate.
"""

import contextlib
import json
import shutil
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    DistilBertConfig,
    FalconH1Config,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GptOssConfig,
    LlamaConfig,
    Mamba2Config,
    MambaConfig,
    MistralConfig,
    ModernBertConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    ViTConfig,
)

FIXTURES = Path(__file__).parent.parent / "fixtures"
TOKENS, GREEDY = 18, 64

small = dict(
    vocab_size=96,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    bos_token_id=None,
    eos_token_id=None,
    pad_token_id=None,
)
encoder = {name: small[name] for name in small if not name.startswith("num_key") and "token_id" not in name}
default = {"rope_type": "default", "rope_theta": 10000.0}
llama3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
yarn = {
    "rope_type": "yarn",
    "rope_theta": 1000.0,
    "factor": 8.0,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "truncate": False,
    "original_max_position_embeddings": 16,
}
dynamic = {"rope_type": "dynamic", "rope_theta": 1000.0, "factor": 8.0}
longrope = {
    "rope_type": "longrope",
    "rope_theta": 1000.0,
    "short_factor": [1.0, 1.1, 1.3, 1.6],
    "long_factor": [1.0, 1.7, 3.1, 5.3],
}

# name: configuration, class, how the weights are stored, other arguments of save_pretrained
MODELS = {
    "llama": (LlamaConfig(**small, rope_parameters=llama3), "LlamaForCausalLM", "float32", {"max_shard_size": "40KB"}),
    # Prompt and greedy tokens outgrow the trained length.
    "llama-dynamic": (
        LlamaConfig(**(small | {"max_position_embeddings": 12}), rope_parameters=dynamic),
        "LlamaForCausalLM",
        "bfloat16",
        {},
    ),
    "llama-tied": (
        LlamaConfig(**small, rope_parameters=default, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=12),
        "LlamaForCausalLM",
        "float16",
        {},
    ),
    "mistral": (MistralConfig(**small, sliding_window=6, rope_parameters=default), "MistralForCausalLM", "bfloat16", {}),
    "qwen2": (Qwen2Config(**small, rope_parameters=default), "Qwen2ForCausalLM", "bfloat16", {}),
    "qwen3": (Qwen3Config(**small, head_dim=12, rope_parameters=default), "Qwen3ForCausalLM", "bfloat16", {}),
    "gemma2": (
        Gemma2Config(
            **small,
            head_dim=12,
            sliding_window=5,
            query_pre_attn_scalar=7,
            attn_logit_softcapping=3.0,
            final_logit_softcapping=6.0,
            rope_parameters=default,
        ),
        "Gemma2ForCausalLM",
        "bfloat16",
        {},
    ),
    "gemma3": (
        Gemma3TextConfig(
            **(small | {"num_hidden_layers": 3}),
            head_dim=12,
            sliding_window=5,
            query_pre_attn_scalar=9,
            layer_types=["sliding_attention", "sliding_attention", "full_attention"],
            rope_parameters={
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
            },
        ),
        "Gemma3ForCausalLM",
        "bfloat16",
        {},
    ),
    "phi3": (
        Phi3Config(**small, sliding_window=9, rope_parameters=default | {"partial_rotary_factor": 0.5}),
        "Phi3ForCausalLM",
        "bfloat16",
        {},
    ),
    # The greedy tokens outgrow the trained length.
    "phi3-long": (
        Phi3Config(**small, original_max_position_embeddings=24, rope_parameters=longrope),
        "Phi3ForCausalLM",
        "bfloat16",
        {},
    ),
    "gpt2": (
        GPT2Config(
            vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=128, bos_token_id=None, eos_token_id=None
        ),
        "GPT2LMHeadModel",
        "float16",
        {},
    ),
    "gpt-oss": (
        GptOssConfig(
            **small, head_dim=8, sliding_window=6, num_local_experts=3, num_experts_per_tok=2, rope_parameters=yarn
        ),
        "GptOssForCausalLM",
        "bfloat16",
        {},
    ),
    "mamba": (
        MambaConfig(
            vocab_size=96, hidden_size=32, state_size=8, num_hidden_layers=2, bos_token_id=None, eos_token_id=None, pad_token_id=None
        ),
        "MambaForCausalLM",
        "float16",
        {},
    ),
    "mamba2": (
        Mamba2Config(
            vocab_size=96, hidden_size=32, state_size=8, num_hidden_layers=2, num_heads=8, head_dim=8, n_groups=2, chunk_size=8,
            bos_token_id=None, eos_token_id=None, pad_token_id=None,
        ),
        "Mamba2ForCausalLM",
        "float16",
        {},
    ),
    "falcon-h1": (
        FalconH1Config(
            **small, mamba_d_ssm=48, mamba_n_heads=6, mamba_d_head=8, mamba_n_groups=2, mamba_d_state=8, mamba_chunk_size=8,
            mamba_rms_norm=True, mamba_norm_before_gate=False, rope_parameters=default, lm_head_multiplier=0.7, embedding_multiplier=1.3,
            mlp_multipliers=[0.9, 1.2], key_multiplier=0.8, attention_out_multiplier=1.1, attention_in_multiplier=0.95,
            ssm_multipliers=[1.1, 0.9, 1.2, 0.8, 0.7], ssm_in_multiplier=0.9, ssm_out_multiplier=1.2,
        ),
        "FalconH1ForCausalLM",
        "float16",
        {},
    ),
    "bert": (BertConfig(**encoder), "BertModel", "float16", {}),
    "distilbert": (
        DistilBertConfig(vocab_size=96, dim=32, hidden_dim=48, n_layers=2, n_heads=4, max_position_embeddings=128),
        "DistilBertModel",
        "float16",
        {},
    ),
    "modernbert": (
        ModernBertConfig(
            **(encoder | {"num_hidden_layers": 4}), local_attention=6, global_attn_every_n_layers=3, pad_token_id=0,
            cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2,
        ),
        "ModernBertModel",
        "float16",
        {},
    ),
    "vit": (
        ViTConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=12, patch_size=4, num_labels=5
        ),
        "ViTForImageClassification",
        "float16",
        {},
    ),
}


@contextlib.contextmanager
def exact():
    """Everything in float64, also what the models' code asks to be float32."""
    before = torch.float32, torch.float, torch.Tensor.float, torch.get_default_dtype()
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = before[:3]
        torch.set_default_dtype(before[3])


def scatter(model, seed):
    """Weights large enough that every part of the model matters."""
    chance = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=chance)
        with torch.no_grad():
            if p.dim() < 2 or name.endswith("A_log") or name.endswith("D"):
                p.add_(0.2 * noise)
            elif "embed" in name or "wte" in name or "wpe" in name or "token" in name:
                p.copy_(noise * (0.1 if "gemma" in model.config.model_type else 0.6))
            elif "conv1d" in name:
                p.copy_(noise * 0.5)
            else:
                fan = p.shape[-2] if "experts" in name or "c_attn" in name or "c_fc" in name or "c_proj" in name else p[0].numel()
                p.copy_(noise * 1.3 / fan**0.5)


def build(config, kind, state, attention, dtype):
    config._attn_implementation = attention
    config._experts_implementation = "eager"
    model = getattr(transformers, kind)(config)
    model.load_state_dict(state)
    return model.to(dtype).eval()


def grows(config):
    """Whether what a token gives depends on how long the text is in all."""
    return (getattr(config, "rope_parameters", None) or {}).get("rope_type") == "dynamic"


@torch.no_grad()
def evaluate(model, inputs):
    results = model(**inputs, output_hidden_states=True)
    named = {"logits" if "logits" in results else "out": results[0][0]}
    # Of the two mambas transformers shows what comes out of each layer, of the others what goes in.
    first = int(model.config.model_type in ("mamba", "mamba2"))
    for i, hidden in enumerate(results.hidden_states[: model.config.num_hidden_layers - first]):
        named[f"hidden.{i + first}"] = hidden[0]
    return named


@torch.no_grad()
def by_token(model, ids):
    """The logits of each token from a cache."""
    cache, rows = None, []
    for t in range(ids.shape[1]):
        step = {"cache_params" if "mamba" in model.config.model_type else "past_key_values": cache} if cache is not None else {}
        results = model(ids[:, t : t + 1], use_cache=True, **step)
        cache = results.get("past_key_values", results.get("cache_params", results.get("cache")))
        rows.append(results.logits[0, 0])
    return {"logits": torch.stack(rows)}


@torch.no_grad()
def greedy(model, ids):
    """The 64 tokens that follow, and the smallest lead of one of them over the second best."""
    lead, cache = float("inf"), None
    for _ in range(GREEDY):
        if grows(model.config):
            # Tokens in a cache keep the frequencies they were rotated by.
            results = model(ids[:, -1:] if cache else ids, past_key_values=cache, use_cache=True)
            cache = results.past_key_values
        else:
            results = model(ids)
        best = results.logits[0, -1].topk(2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        ids = torch.cat([ids, best.indices[None, :1]], dim=1)
    return ids[0, -GREEDY:], lead


def make(name, seed):
    config, kind, stored, saving = MODELS[name]
    vision, decodes = name == "vit", kind.endswith(("CausalLM", "LMHeadModel"))
    torch.manual_seed(seed)
    model = getattr(transformers, kind)(config)
    scatter(model, seed)
    model = model.to(getattr(torch, stored)).eval()
    state = {key: value.float() for key, value in model.state_dict().items()}
    chance = torch.Generator().manual_seed(seed)
    ids = torch.randint(96, (1, TOKENS), generator=chance)
    pixels = torch.randn(1, 3, 12, 12, generator=chance)
    inputs = {"pixel_values": pixels} if vision else {"input_ids": ids}
    with exact():
        exactly = build(config, kind, {key: value.double() for key, value in state.items()}, "eager", torch.float64)
        wanted = evaluate(exactly, {key: value.double() if vision else value for key, value in inputs.items()})
        following, lead = greedy(exactly, ids) if decodes else (None, None)
    evaluations = []
    for attention in ["eager", "sdpa"] if model._supports_sdpa and name != "gpt-oss" else ["eager"]:
        single = build(config, kind, state, attention, torch.float32)
        evaluations.append(evaluate(single, inputs))
        evaluations.append(evaluate(single, {key: torch.cat([value] * 3) for key, value in inputs.items()}))
        if decodes and not grows(config):
            evaluations.append(evaluate(single, {"input_ids": ids[:, : TOKENS - 5]}))
            with contextlib.suppress(Exception):
                evaluations.append(by_token(single, ids))
    error = {
        key: max((e[key].double() - value[: len(e[key])]).abs().max().item() for e in evaluations if key in e)
        for key, value in wanted.items()
    }
    if decodes and (lead < 200 * error["logits"] or len(following.unique()) < 5):
        print(f"{name}: seed {seed} leads by {lead:.1e} only, {len(following.unique())} tokens")
        return make(name, seed + 1)
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, **saving)
    tensors = {key: value.double() for key, value in wanted.items()}
    tensors |= {"pixels": pixels[0]} if vision else {"ids": ids[0].int()}
    if decodes:
        tensors["greedy"] = following.int()
    save_file(
        {key: value.contiguous() for key, value in tensors.items()},
        folder / "expected.safetensors",
        metadata={"source": f"transformers=={transformers.__version__} {kind}", "seed": str(seed), "float32": json.dumps(error)},
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: {size // 1024} kB, float32 error {error.get('logits', error.get('out')):.1e}, {len(evaluations)} evaluations", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        make(name, seed=1)
