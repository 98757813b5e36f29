import type { Config } from "../config.ts";
import type { Plan } from "../plan.ts";
import { matrix, reshaped, vector } from "../weights.ts";
import { layerTypes } from "./layer-types.ts";
import { decoder } from "./llama.ts";

/** gpt-oss: sinks in attention, every other layer with a window, and experts of which each token takes a few. */
export function gptOss(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const headWidth = config.count("head_dim", width / heads);
  const inner = config.count("intermediate_size");
  const count = config.count("num_local_experts");
  const types = layerTypes(config, (i) => (i % 2 === 0 ? "sliding_attention" : "full_attention"));
  return decoder(config, {
    base: 150000,
    attention: (layer, name) => ({
      window: types[layer] === "sliding_attention" ? config.count("sliding_window") : undefined,
      sinks: vector(`${name}.sinks`, heads),
      out: {
        weight: matrix(`${name}.o_proj.weight`, width, heads * headWidth),
        bias: vector(`${name}.o_proj.bias`, width),
      },
    }),
    qkvBias: true,
    feed: (name) => ({
      kind: "experts",
      count,
      chosen: config.count("num_experts_per_tok"),
      limit: config.number("swiglu_limit", 7),
      alpha: config.number("swiglu_alpha", 1.702),
      router: { weight: matrix(`${name}.router.weight`, count, width), bias: vector(`${name}.router.bias`, count) },
      up: {
        weight: {
          shape: [count * 2 * inner, width],
          parts: [{ name: `${name}.experts.gate_up_proj`, shape: [count, width, 2 * inner] }],
          transposed: true,
        },
        bias: reshaped(`${name}.experts.gate_up_proj_bias`, [count * 2 * inner], [count, 2 * inner]),
      },
      down: {
        weight: {
          shape: [count * width, inner],
          parts: [{ name: `${name}.experts.down_proj`, shape: [count, inner, width] }],
          transposed: true,
        },
        bias: reshaped(`${name}.experts.down_proj_bias`, [count * width], [count, width]),
      },
    }),
  });
}
