import type { Config } from "../config.ts";
import type { Plan } from "../plan.ts";
import { matrix } from "../weights.ts";
import { decoder } from "./llama.ts";

/** Phi 3: llama whose projections are stored as one, perhaps with a window. */
export function phi3(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const keyHeads = config.count("num_key_value_heads", heads);
  const inner = config.count("intermediate_size");
  const rows = (heads + 2 * keyHeads) * (width / heads);
  const window = config.has("sliding_window") ? config.count("sliding_window") : undefined;
  return decoder(config, {
    attention: (_, name) => ({ window, qkv: { weight: matrix(`${name}.qkv_proj.weight`, rows, width) } }),
    feed: (name, feed) => ({ ...feed, up: { weight: matrix(`${name}.gate_up_proj.weight`, 2 * inner, width) } }),
  });
}
