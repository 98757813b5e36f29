import { activation } from "../activations.ts";
import type { Config } from "../config.ts";
import { branch, each, type Linear, type Norm, type Plan } from "../plan.ts";
import { type Rotary, rotaryOf } from "../rotary.ts";
import { matrix, vector } from "../weights.ts";
import { layerTypes } from "./layer-types.ts";

/** ModernBERT: an encoder with rotary positions, gated blocks, and a window in two layers of three. */
export function modernbert(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const inner = config.count("intermediate_size");
  const vocabulary = config.count("vocab_size");
  const every = config.count("global_attn_every_n_layers", 3);
  const types = layerTypes(config, (i) => (i % every ? "sliding_attention" : "full_attention"));
  const reach = Math.floor(config.count("local_attention", 128) / 2);
  const norm = (name: string): Norm => ({
    kind: "layer",
    epsilon: config.number("norm_eps", 1e-5),
    weight: vector(`${name}.weight`, width),
    bias: config.flag("norm_bias", false) ? vector(`${name}.bias`, width) : undefined,
  });
  const linear = (name: string, rows: number, columns: number, bias: boolean): Linear => ({
    weight: matrix(`${name}.weight`, rows, columns),
    bias: bias ? vector(`${name}.bias`, rows) : undefined,
  });
  const [attentionBias, feedBias] = [config.flag("attention_bias", false), config.flag("mlp_bias", false)];
  return {
    ...{ width, vocabulary },
    context: config.count("max_position_embeddings", 8192),
    prefixes: ["model."],
    embedding: {
      kind: "tokens",
      table: matrix("embeddings.tok_embeddings.weight", vocabulary, width),
      norm: norm("embeddings.norm"),
    },
    layers: each(config.count("num_hidden_layers"), (i) => [
      branch(
        {
          kind: "attention",
          ...{ heads, keyHeads: heads, headWidth: width / heads },
          causal: false,
          window: types[i] === "sliding_attention" ? reach : undefined,
          rotary: rotaryOfLayer(config, width / heads, types[i]),
          qkv: linear(`layers.${i}.attn.Wqkv`, 3 * width, width, attentionBias),
          out: linear(`layers.${i}.attn.Wo`, width, width, attentionBias),
        },
        { before: i === 0 ? undefined : norm(`layers.${i}.attn_norm`) },
      ),
      branch(
        {
          kind: "feed",
          gated: true,
          activation: activation(config.text("hidden_activation", "gelu")),
          up: linear(`layers.${i}.mlp.Wi`, 2 * inner, width, feedBias),
          down: linear(`layers.${i}.mlp.Wo`, width, inner, feedBias),
        },
        { before: norm(`layers.${i}.mlp_norm`) },
      ),
    ]),
    norm: norm("final_norm"),
  };
}

/** Older files give the two bases by names of their own. */
function rotaryOfLayer(config: Config, headWidth: number, type: string | undefined): Rotary {
  if (config.has("rope_parameters")) return rotaryOf(config, headWidth, 160000, type);
  return rotaryOf(
    config,
    headWidth,
    type === "sliding_attention"
      ? config.number("local_rope_theta", 10000)
      : config.number("global_rope_theta", 160000),
  );
}
