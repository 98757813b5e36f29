import { activation } from "../activations.ts";
import type { Config } from "../config.ts";
import { each, type Linear, type Norm, type Plan } from "../plan.ts";
import { contextOf, rotaryOf } from "../rotary.ts";
import { matrix, stacked, vector } from "../weights.ts";
import { convolutionOf, stepLimitOf } from "./mamba.ts";

/** Falcon-H1: attention and Mamba 2 side by side in every layer, with fixed factors on everything. */
export function falconH1(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const keyHeads = config.count("num_key_value_heads", heads);
  const headWidth = config.count("head_dim", width / heads);
  const inner = config.count("intermediate_size");
  const vocabulary = config.count("vocab_size");
  const ssmHeads = config.count("mamba_n_heads");
  const ssmInner = config.count("mamba_d_ssm", config.count("mamba_expand", 2) * width);
  const ssmWidth = ssmInner / ssmHeads;
  const [groups, state] = [config.count("mamba_n_groups", 1), config.count("mamba_d_state", 256)];
  const epsilon = config.number("rms_norm_eps", 1e-5);
  const [gateScale, feedScale] = config.numbers("mlp_multipliers", [1, 1]) as [number, number];
  const factor = (name: string) => config.number(name, 1);
  const norm = (name: string): Norm => ({ kind: "rms", epsilon, weight: vector(`${name}.weight`, width) });
  const linear = (name: string, rows: number, columns: number, bias: boolean): Linear => ({
    weight: matrix(`${name}.weight`, rows, columns),
    bias: bias ? vector(`${name}.bias`, rows) : undefined,
  });
  const both = (names: readonly string[], rows: readonly number[], columns: number, bias: boolean): Linear => ({
    weight: stacked(...names.map((name, i) => matrix(`${name}.weight`, rows[i]!, columns))),
    bias: bias ? stacked(...names.map((name, i) => vector(`${name}.bias`, rows[i]!))) : undefined,
  });
  const [attentionBias, feedBias] = [config.flag("attention_bias", false), config.flag("mlp_bias", false)];
  const [ssmBias, outBias] = [config.flag("mamba_proj_bias", false), config.flag("projectors_bias", false)];
  const table = matrix("model.embed_tokens.weight", vocabulary, width);
  return {
    ...{ width, vocabulary },
    context: contextOf(config, 8192),
    embedding: { kind: "tokens", table, scale: factor("embedding_multiplier") },
    layers: each(config.count("num_hidden_layers"), (i) => {
      const name = `model.layers.${i}`;
      const [self, ssm, feed] = [`${name}.self_attn`, `${name}.mamba`, `${name}.feed_forward`];
      return [
        {
          before: norm(`${name}.input_layernorm`),
          mixers: [
            {
              input: factor("ssm_in_multiplier"),
              output: factor("ssm_out_multiplier"),
              mixer: {
                kind: "mamba2",
                ...{ heads: ssmHeads, headWidth: ssmWidth, groups, state },
                input: linear(`${ssm}.in_proj`, 2 * ssmInner + 2 * groups * state + ssmHeads, width, ssmBias),
                inputScales: config.numbers("ssm_multipliers", [1, 1, 1, 1, 1]),
                convolution: convolutionOf(
                  config,
                  `${ssm}.conv1d`,
                  ssmInner + 2 * groups * state,
                  "mamba_d_conv",
                  "mamba_conv_bias",
                ),
                stepBias: vector(`${ssm}.dt_bias`, ssmHeads),
                stepLimit: stepLimitOf(config),
                decay: { ...vector(`${ssm}.A_log`, ssmHeads), minusExp: true },
                skip: vector(`${ssm}.D`, ssmHeads),
                norm: config.flag("mamba_rms_norm", false)
                  ? {
                      kind: "rms",
                      epsilon,
                      weight: vector(`${ssm}.norm.weight`, ssmInner),
                      groups,
                      beforeGate: config.flag("mamba_norm_before_gate", true),
                    }
                  : undefined,
                out: linear(`${ssm}.out_proj`, width, ssmInner, outBias),
              },
            },
            {
              input: factor("attention_in_multiplier"),
              output: factor("attention_out_multiplier"),
              mixer: {
                kind: "attention",
                ...{ heads, keyHeads, headWidth },
                causal: true,
                // The factor on keys is one on scores.
                scale: factor("key_multiplier") / Math.sqrt(headWidth),
                rotary: rotaryOf(config, headWidth),
                qkv: both(
                  [`${self}.q_proj`, `${self}.k_proj`, `${self}.v_proj`],
                  [heads * headWidth, keyHeads * headWidth, keyHeads * headWidth],
                  width,
                  attentionBias,
                ),
                out: linear(`${self}.o_proj`, width, heads * headWidth, attentionBias),
              },
            },
          ],
        },
        {
          before: norm(`${name}.pre_ff_layernorm`),
          mixers: [
            {
              output: feedScale,
              mixer: {
                kind: "feed",
                gated: true,
                gateScale,
                activation: activation(config.text("hidden_act", "silu")),
                up: both([`${feed}.gate_proj`, `${feed}.up_proj`], [inner, inner], width, feedBias),
                down: linear(`${feed}.down_proj`, width, inner, feedBias),
              },
            },
          ],
        },
      ];
    }),
    norm: norm("model.final_layernorm"),
    head: {
      weight: config.flag("tie_word_embeddings", false) ? table : matrix("lm_head.weight", vocabulary, width),
      at: "each",
      scale: factor("lm_head_multiplier"),
    },
  };
}
