import type { Config } from "../config.ts";
import type { Plan } from "../plan.ts";
import { rotaryOf } from "../rotary.ts";
import { vector } from "../weights.ts";
import { layerTypes } from "./layer-types.ts";
import { decoder, type Variant } from "./llama.ts";

/** Gemma 2: every other layer has a window; caps on scores and logits; norms before and after each branch. */
export function gemma2(config: Config): Plan {
  const types = layerTypes(config, (i) => (i % 2 === 0 ? "sliding_attention" : "full_attention"));
  const cap = config.has("attn_logit_softcapping") ? config.number("attn_logit_softcapping") : undefined;
  return decoder(config, {
    ...common(config),
    attention: (layer) => ({ ...scaleOf(config), window: windowOf(config, types[layer]), cap }),
  });
}

/** Gemma 3: five layers with a window, each with rotary positions of its own, to one without; norms on queries and keys. */
export function gemma3(config: Config): Plan {
  const every = config.count("sliding_window_pattern", 6);
  const types = layerTypes(config, (i) => ((i + 1) % every ? "sliding_attention" : "full_attention"));
  const headWidth = config.count("head_dim", 256);
  const epsilon = config.number("rms_norm_eps", 1e-6);
  const far = rotaryOf(config, headWidth, 1e6, "full_attention");
  const near = config.has("rope_parameters")
    ? rotaryOf(config, headWidth, 10000, "sliding_attention")
    : { ...far, frequencies: plainFrequencies(config, headWidth) };
  const headNorm = (name: string) =>
    ({ kind: "rms", epsilon, weight: { ...vector(`${name}.weight`, headWidth), plus: 1 } }) as const;
  return decoder(config, {
    ...common(config),
    attention: (layer, name) => ({
      ...scaleOf(config),
      window: windowOf(config, types[layer]),
      rotary: types[layer] === "sliding_attention" ? near : far,
      queryNorm: headNorm(`${name}.q_norm`),
      keyNorm: headNorm(`${name}.k_norm`),
    }),
  });
}

const common = (config: Config): Variant => ({
  normPlus: 1,
  scale: Math.sqrt(config.count("hidden_size")),
  tied: true,
  cap: config.has("final_logit_softcapping") ? config.number("final_logit_softcapping") : undefined,
  norms: {
    before: ["input_layernorm", "pre_feedforward_layernorm"],
    after: ["post_attention_layernorm", "post_feedforward_layernorm"],
  },
});

const scaleOf = (config: Config) => ({ scale: config.number("query_pre_attn_scalar", 256) ** -0.5 });

const windowOf = (config: Config, type: string | undefined): number | undefined =>
  type === "sliding_attention" ? config.count("sliding_window", 4096) : undefined;

/** Older files give the base of the layers with a window by a name of its own, and scale only the others. */
const plainFrequencies = (config: Config, headWidth: number): readonly number[] => {
  const base = config.number("rope_local_base_freq", 10000);
  return Array.from({ length: headWidth / 2 }, (_, i) => base ** ((-2 * i) / headWidth));
};
