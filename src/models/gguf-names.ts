/** What the names of GGUF files are in checkpoints of Hugging Face. */
import { ModelError } from "./error.ts";
import type { Metadata } from "./gguf.ts";

/** `model_type` by `general.architecture`. */
const supported: Readonly<Record<string, string>> = {
  llama: "llama",
  qwen2: "qwen2",
  qwen3: "qwen3",
  gemma2: "gemma2",
  gemma3: "gemma3_text",
  phi3: "phi3",
};

const fields: Readonly<Record<string, string>> = {
  block_count: "num_hidden_layers",
  context_length: "max_position_embeddings",
  embedding_length: "hidden_size",
  feed_forward_length: "intermediate_size",
  "attention.head_count": "num_attention_heads",
  "attention.head_count_kv": "num_key_value_heads",
  "attention.key_length": "head_dim",
  "attention.layer_norm_rms_epsilon": "rms_norm_eps",
  "attention.sliding_window": "sliding_window",
  "rope.freq_base": "rope_theta",
  attn_logit_softcapping: "attn_logit_softcapping",
  final_logit_softcapping: "final_logit_softcapping",
};

/** The configuration that the metadata mean. */
export function configOf(metadata: Metadata, file: string): Record<string, unknown> {
  const architecture = String(metadata["general.architecture"]);
  const type = Object.hasOwn(supported, architecture) ? supported[architecture] : undefined;
  if (!type)
    throw new ModelError(
      file,
      `the architecture ${architecture} is not supported in GGUF files; supported are ${Object.keys(supported).join(", ")}`,
    );
  const config: Record<string, unknown> = { model_type: type };
  for (const [from, to] of Object.entries(fields)) {
    const value = metadata[`${architecture}.${from}`];
    if (value !== undefined) config[to] = value;
  }
  config.vocab_size =
    metadata[`${architecture}.vocab_size`] ?? (metadata["tokenizer.ggml.tokens"] as unknown[])?.length;
  const scaling = metadata[`${architecture}.rope.scaling.type`];
  if (scaling !== undefined && scaling !== "none")
    config.rope_scaling = {
      rope_type: scaling,
      factor: metadata[`${architecture}.rope.scaling.factor`],
      original_max_position_embeddings: metadata[`${architecture}.rope.scaling.original_context_length`],
    };
  if (architecture === "llama") {
    const width = Number(config.head_dim ?? Number(config.hidden_size) / Number(config.num_attention_heads));
    config.head_dim = width;
  }
  if (architecture === "gemma2") config.query_pre_attn_scalar ??= config.head_dim;
  return config;
}

const plain: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

const inLayer: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_qkv: "self_attn.qkv_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** The name of a tensor; of llama's queries and keys also the width of heads, whose rotary pairs are neighbours there. */
export function tensorOf(name: string, metadata: Metadata): { readonly name: string; readonly interleaved?: number } {
  const whole = Object.hasOwn(plain, name) ? plain[name] : undefined;
  if (whole) return { name: whole };
  const [, layer, part = "", kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const architecture = String(metadata["general.architecture"]);
  const gemma = architecture.startsWith("gemma");
  const norms: Record<string, string> = gemma
    ? {
        post_attention_norm: "post_attention_layernorm",
        ffn_norm: "pre_feedforward_layernorm",
        post_ffw_norm: "post_feedforward_layernorm",
      }
    : { ffn_norm: "post_attention_layernorm" };
  const known: Record<string, string> = { ...inLayer, ...norms };
  const renamed = architecture === "phi3" && part === "ffn_up" ? "mlp.gate_up_proj" : known[part];
  if (!renamed) return { name };
  const full = `model.layers.${layer}.${renamed}.${kind}`;
  if (architecture !== "llama" || (part !== "attn_q" && part !== "attn_k")) return { name: full };
  const heads = Number(metadata["llama.attention.head_count"]);
  const width = Number(metadata["llama.attention.key_length"] ?? Number(metadata["llama.embedding_length"]) / heads);
  return { name: full, interleaved: width };
}
