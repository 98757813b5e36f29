import type { Config } from "../config.ts";
import type { Plan } from "../plan.ts";
import { vector } from "../weights.ts";
import { layerTypes } from "./layer-types.ts";
import { decoder } from "./llama.ts";

/** Qwen 2 and 2.5: llama with biases on queries, keys and values. */
export const qwen2 = (config: Config): Plan =>
  decoder(config, { qkvBias: true, attention: (layer) => ({ window: windowOf(config, layer) }) });

/** Qwen 3: llama with norms on each head of the queries and keys. */
export function qwen3(config: Config): Plan {
  const headWidth = config.count("head_dim", 128);
  const epsilon = config.number("rms_norm_eps", 1e-6);
  return decoder(config, {
    attention: (layer, name) => ({
      window: windowOf(config, layer),
      queryNorm: { kind: "rms", epsilon, weight: vector(`${name}.q_norm.weight`, headWidth) },
      keyNorm: { kind: "rms", epsilon, weight: vector(`${name}.k_norm.weight`, headWidth) },
    }),
  });
}

/** The window of a layer, where the configuration uses windows at all. */
function windowOf(config: Config, layer: number): number | undefined {
  if (!config.flag("use_sliding_window", false) || !config.has("sliding_window")) return undefined;
  const first = config.number("max_window_layers", 28);
  const types = layerTypes(config, (i) => (i >= first ? "sliding_attention" : "full_attention"));
  return types[layer] === "sliding_attention" ? config.count("sliding_window") : undefined;
}
