import type { Config } from "../config.ts";
import type { Plan } from "../plan.ts";
import { decoder } from "./llama.ts";

/** Mistral: llama with a window. */
export function mistral(config: Config): Plan {
  const window = config.has("sliding_window") ? config.count("sliding_window") : undefined;
  return decoder(config, { attention: () => ({ window }) });
}
