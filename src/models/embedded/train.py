r"""Trains the embedded model: a llama of a million weights that writes in the manner of the King James Bible.

    apt-get install bible-kjv bible-kjv-text
    echo gen1:1-rev22:21 | bible -f | grep -E '^\w+:[0-9]+ ' | uniq > verses.txt
    pip install torch transformers tokenizers safetensors
    python train.py verses.txt --output checkpoint [--epochs 12] [--steps N] [--device cuda]

`verses.txt` holds one verse a line: `Ge1:1 In the beginning …`. The translation is of 1611 and in the public domain.
Writes a Hugging Face folder in float32 (config.json, generation_config.json, model.safetensors, tokenizer.json,
tokenizer_config.json) and losses.json: the loss curve in nats a token, with the arguments and the seed. `attnspec quantize` makes of it what is committed beside this script.
Without a GPU it trains on the CPU.
"""

import argparse
import hashlib
import json
import math
import re
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END = "<|endoftext|>"
VOCABULARY, CONTEXT = 2048, 256


def chapters(path):
    """The text of each chapter, one verse a line, without the references."""
    found = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        reference, verse = re.fullmatch(r"(\w+):\d+ (.*)", line.strip()).groups()
        found.setdefault(reference, []).append(verse.strip())
    return ["\n".join(verses) + "\n" for verses in found.values()]


def tokenizer_of(texts):
    """Byte-level BPE: every text can be written with it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def model_of(seed):
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=128,
            intermediate_size=352,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=32,
            max_position_embeddings=CONTEXT,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
            initializer_range=0.05,
        )
    )


def stream(tokenizer, texts):
    """All chapters behind one another, each with the end token before it."""
    ids = []
    for encoded in tokenizer.encode_batch(texts):
        ids += [0, *encoded.ids]
    return torch.tensor(ids + [0])


def windows(ids, offset):
    count = (len(ids) - 1 - offset) // CONTEXT
    return ids[offset : offset + count * CONTEXT + 1]


@torch.no_grad()
def held_out(model, ids, device):
    model.eval()
    total, count = 0.0, 0
    for first in range(0, len(ids) - 1 - CONTEXT, CONTEXT * 16):
        rows = [ids[at : at + CONTEXT + 1] for at in range(first, min(first + CONTEXT * 16, len(ids) - 1 - CONTEXT), CONTEXT)]
        rows = torch.stack(rows).to(device)
        logits = model(rows[:, :-1]).logits
        total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="sum").item()
        count += rows[:, 1:].numel()
    model.train()
    return total / count


def train(path, output, epochs=12, batch=16, rate=4e-3, seed=7, device=None, most=None, between=lambda: None):
    started = time.time()
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    texts = chapters(path)
    tokenizer = tokenizer_of(texts)
    train_ids = stream(tokenizer, [text for i, text in enumerate(texts) if i % 20])
    test_ids = stream(tokenizer, [text for i, text in enumerate(texts) if i % 20 == 0])
    model = model_of(seed).to(device).train()
    print(f"{model.num_parameters()} weights, {len(train_ids)} tokens, {len(test_ids)} held out, on {device}", flush=True)
    chance = torch.Generator().manual_seed(seed)
    decayed = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}], lr=rate, betas=(0.9, 0.95)
    )
    steps = epochs * ((len(train_ids) - 1 - CONTEXT) // CONTEXT // batch)
    steps = min(steps, most or steps)
    step, curve = 0, []
    for epoch in range(epochs):
        offset = int(torch.randint(CONTEXT, (1,), generator=chance))
        ids = windows(train_ids, offset)
        starts = torch.randperm((len(ids) - 1) // CONTEXT, generator=chance) * CONTEXT
        losses = []
        for first in range(0, len(starts) - batch + 1, batch):
            if step == steps:
                break
            between()
            share = step / steps
            warm = min(1.0, (step + 1) / 50)
            for group in optimizer.param_groups:
                group["lr"] = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))
            rows = torch.stack([ids[at : at + CONTEXT + 1] for at in starts[first : first + batch].tolist()]).to(device)
            logits = model(rows[:, :-1]).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        curve.append({"epoch": epoch + 1, "train": sum(losses) / len(losses), "held_out": held_out(model, test_ids, device)})
        print(curve[-1], f"{time.time() - started:.0f} s", flush=True)
    save(model.cpu().eval(), tokenizer, Path(output))
    record = {
        "seed": seed, "steps": step, "batch": batch, "rate": rate, "context": CONTEXT, "device": device,
        "torch": torch.__version__, "train_tokens": len(train_ids), "held_out_tokens": len(test_ids),
        "text_sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(), "loss": curve,
    }
    (Path(output) / "losses.json").write_text(json.dumps(record, indent=2) + "\n")


def save(model, tokenizer, folder):
    model.generation_config.eos_token_id = 0
    model.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END)
    fast.save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("--output", default="checkpoint")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--steps", type=int, help="stop after so many, if before the last epoch")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--device")
    given = parser.parse_args()
    train(given.text, given.output, epochs=given.epochs, seed=given.seed, device=given.device, most=given.steps)
