import { activation } from "../activations.ts";
import type { Config } from "../config.ts";
import { branch, each, type Linear, type Norm, type Plan } from "../plan.ts";
import { matrix, transposed, vector } from "../weights.ts";

/** GPT-2: learned positions, layer norms before each branch, matrices stored the other way round. */
export function gpt2(config: Config): Plan {
  const width = config.count("n_embd");
  const heads = config.count("n_head");
  const inner = config.count("n_inner", 4 * width);
  const vocabulary = config.count("vocab_size");
  const context = config.count("n_positions", 1024);
  const norm = (name: string): Norm => ({
    kind: "layer",
    epsilon: config.number("layer_norm_epsilon", 1e-5),
    weight: vector(`${name}.weight`, width),
    bias: vector(`${name}.bias`, width),
  });
  const linear = (name: string, rows: number, columns: number): Linear => ({
    weight: transposed(`${name}.weight`, rows, columns),
    bias: vector(`${name}.bias`, rows),
  });
  const table = matrix("wte.weight", vocabulary, width);
  return {
    ...{ width, vocabulary, context },
    prefixes: ["transformer."],
    embedding: { kind: "tokens", table, positions: matrix("wpe.weight", context, width) },
    layers: each(config.count("n_layer"), (i) => [
      branch(
        {
          kind: "attention",
          ...{ heads, keyHeads: heads, headWidth: width / heads },
          causal: true,
          qkv: linear(`h.${i}.attn.c_attn`, 3 * width, width),
          out: linear(`h.${i}.attn.c_proj`, width, width),
        },
        { before: norm(`h.${i}.ln_1`) },
      ),
      branch(
        {
          kind: "feed",
          gated: false,
          activation: activation(config.text("activation_function", "gelu_new")),
          up: linear(`h.${i}.mlp.c_fc`, inner, width),
          down: linear(`h.${i}.mlp.c_proj`, width, inner),
        },
        { before: norm(`h.${i}.ln_2`) },
      ),
    ]),
    norm: norm("ln_f"),
    head: { weight: table, at: "each" },
  };
}
