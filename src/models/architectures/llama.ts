import { activation } from "../activations.ts";
import type { Config } from "../config.ts";
import { type Attention, branch, each, type Feed, type Mixer, type Norm, type Plan } from "../plan.ts";
import { contextOf, rotaryOf } from "../rotary.ts";
import { matrix, stacked, vector } from "../weights.ts";

/** What the relatives of llama change. */
export interface Variant {
  readonly attention?: (layer: number, name: string) => Partial<Attention>;
  /** What stands in place of llama's feed-forward block. */
  readonly feed?: (name: string, feed: Feed) => Mixer;
  /** Added to the weights of norms. */
  readonly normPlus?: number;
  readonly qkvBias?: boolean;
  readonly base?: number;
  /** Norms around the two branches, by name; default before each. */
  readonly norms?: { readonly before: readonly string[]; readonly after: readonly string[] };
  readonly scale?: number;
  readonly cap?: number | undefined;
  readonly tied?: boolean;
}

/** Llama (and SmolLM2): RMS norms before grouped-query attention with rotary positions and a gated feed-forward block. */
export const llama = (config: Config): Plan => decoder(config);

/** A decoder of llama's kind. */
export function decoder(config: Config, variant: Variant = {}): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const keyHeads = config.count("num_key_value_heads", heads);
  const headWidth = config.count("head_dim", width / heads);
  const inner = config.count("intermediate_size");
  const vocabulary = config.count("vocab_size");
  const epsilon = config.number("rms_norm_eps", 1e-6);
  const rotary = rotaryOf(config, headWidth, variant.base);
  const attentionBias = config.flag("attention_bias", variant.qkvBias ?? false);
  const outBias = attentionBias && !variant.qkvBias;
  const feedBias = config.flag("mlp_bias", false);
  const { before, after } = variant.norms ?? { before: ["input_layernorm", "post_attention_layernorm"], after: [] };
  const norm = (name: string, length = width): Norm => ({
    kind: "rms",
    epsilon,
    weight: { ...vector(`${name}.weight`, length), ...(variant.normPlus && { plus: variant.normPlus }) },
  });
  const attention = (name: string, layer: number): Attention => {
    const project = ["q_proj", "k_proj", "v_proj"].map(
      (part, i) => [`${name}.${part}`, (i === 0 ? heads : keyHeads) * headWidth] as const,
    );
    return {
      kind: "attention",
      ...{ heads, keyHeads, headWidth, rotary },
      causal: true,
      qkv: {
        weight: stacked(...project.map(([part, rows]) => matrix(`${part}.weight`, rows, width))),
        bias: attentionBias ? stacked(...project.map(([part, rows]) => vector(`${part}.bias`, rows))) : undefined,
      },
      out: {
        weight: matrix(`${name}.o_proj.weight`, width, heads * headWidth),
        bias: outBias ? vector(`${name}.o_proj.bias`, width) : undefined,
      },
      ...variant.attention?.(layer, name),
    };
  };
  const feed = (name: string): Feed => ({
    kind: "feed",
    gated: true,
    activation: activation(config.text(config.has("hidden_activation") ? "hidden_activation" : "hidden_act", "silu")),
    up: {
      weight: stacked(matrix(`${name}.gate_proj.weight`, inner, width), matrix(`${name}.up_proj.weight`, inner, width)),
      bias: feedBias
        ? stacked(vector(`${name}.gate_proj.bias`, inner), vector(`${name}.up_proj.bias`, inner))
        : undefined,
    },
    down: {
      weight: matrix(`${name}.down_proj.weight`, width, inner),
      bias: feedBias ? vector(`${name}.down_proj.bias`, width) : undefined,
    },
  });
  const table = matrix("model.embed_tokens.weight", vocabulary, width);
  const tied = config.flag("tie_word_embeddings", variant.tied ?? false);
  return {
    ...{ width, vocabulary },
    context: contextOf(config, 2048),
    embedding: { kind: "tokens", table, scale: variant.scale },
    layers: each(config.count("num_hidden_layers"), (i) => {
      const name = `model.layers.${i}`;
      const around = (at: number) => ({
        before: norm(`${name}.${before[at]}`),
        after: after[at] ? norm(`${name}.${after[at]}`) : undefined,
      });
      return [
        branch(attention(`${name}.self_attn`, i), around(0)),
        branch(variant.feed?.(`${name}.mlp`, feed(`${name}.mlp`)) ?? feed(`${name}.mlp`), around(1)),
      ];
    }),
    norm: norm("model.norm"),
    head: { weight: tied ? table : matrix("lm_head.weight", vocabulary, width), at: "each", cap: variant.cap },
  };
}
