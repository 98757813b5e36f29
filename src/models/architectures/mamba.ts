import type { Config } from "../config.ts";
import { branch, each, type Linear, type Mamba2, type Norm, type Plan } from "../plan.ts";
import { matrix, reshaped, vector } from "../weights.ts";

/** Mamba: selective state-space layers, nothing else. */
export function mamba(config: Config): Plan {
  const width = config.count("hidden_size");
  const inner = config.count("intermediate_size", config.count("expand", 2) * width);
  const state = config.count("state_size", 16);
  const rank = config.count("time_step_rank", Math.ceil(width / 16));
  const bias = config.flag("use_bias", false);
  return stack(config, (name) => {
    const linear = linearOf(bias);
    return {
      kind: "mamba",
      ...{ inner, state, rank },
      input: linear(`${name}.in_proj`, 2 * inner, width),
      convolution: convolutionOf(config, `${name}.conv1d`, inner, "conv_kernel", "use_conv_bias"),
      selection: { weight: matrix(`${name}.x_proj.weight`, rank + 2 * state, inner) },
      step: { weight: matrix(`${name}.dt_proj.weight`, inner, rank), bias: vector(`${name}.dt_proj.bias`, inner) },
      decay: { ...matrix(`${name}.A_log`, inner, state), minusExp: true },
      skip: vector(`${name}.D`, inner),
      out: linear(`${name}.out_proj`, width, inner),
    };
  });
}

/** Mamba 2: a scalar decay for each head. */
export function mamba2(config: Config): Plan {
  const width = config.count("hidden_size");
  const heads = config.count("num_heads");
  const headWidth = config.count("head_dim");
  const [groups, state] = [config.count("n_groups", 8), config.count("state_size", 128)];
  const inner = heads * headWidth;
  const bias = config.flag("use_bias", false);
  const epsilon = config.number("layer_norm_epsilon", 1e-5);
  const norm = (name: string): Mamba2["norm"] => ({
    kind: "rms",
    epsilon,
    weight: vector(`${name}.norm.weight`, inner),
    groups,
    beforeGate: false,
  });
  return stack(config, (name) => ({
    kind: "mamba2",
    ...{ heads, headWidth, groups, state },
    input: linearOf(bias)(`${name}.in_proj`, 2 * inner + 2 * groups * state + heads, width),
    convolution: convolutionOf(config, `${name}.conv1d`, inner + 2 * groups * state, "conv_kernel", "use_conv_bias"),
    stepBias: vector(`${name}.dt_bias`, heads),
    stepLimit: stepLimitOf(config),
    decay: { ...vector(`${name}.A_log`, heads), minusExp: true },
    skip: vector(`${name}.D`, heads),
    norm: norm(name),
    out: linearOf(bias)(`${name}.out_proj`, width, inner),
  }));
}

const linearOf =
  (bias: boolean) =>
  (name: string, rows: number, columns: number): Linear => ({
    weight: matrix(`${name}.weight`, rows, columns),
    bias: bias ? vector(`${name}.bias`, rows) : undefined,
  });

/** A causal convolution of each channel with a filter of its own. */
export function convolutionOf(config: Config, name: string, channels: number, taps: string, bias: string): Linear {
  const length = config.count(taps, 4);
  return {
    weight: reshaped(`${name}.weight`, [channels, length], [channels, 1, length]),
    bias: config.flag(bias, true) ? vector(`${name}.bias`, channels) : undefined,
  };
}

/** Bounds of the step; JSON has no infinity. */
export function stepLimitOf(config: Config): readonly number[] {
  const value = config.values.time_step_limit;
  const limit = Array.isArray(value) ? value.map(limitOf) : [0, Infinity];
  if (limit.length !== 2 || limit.some(Number.isNaN))
    config.fail("time_step_limit", `must be a pair of numbers, got ${JSON.stringify(value)}`);
  return limit;
}

const limitOf = (value: unknown): number => {
  if (typeof value === "object" && value !== null && "__float__" in value) return Number(value.__float__);
  return value === null ? Infinity : Number(value);
};

function stack(config: Config, mixer: (name: string) => Plan["layers"][0][0]["mixers"][0]["mixer"]): Plan {
  const width = config.count("hidden_size");
  const vocabulary = config.count("vocab_size");
  const norm = (name: string): Norm => ({
    kind: "rms",
    epsilon: config.number("layer_norm_epsilon", 1e-5),
    weight: vector(`${name}.weight`, width),
  });
  const table = matrix("backbone.embeddings.weight", vocabulary, width);
  return {
    ...{ width, vocabulary },
    context: Number.MAX_SAFE_INTEGER,
    embedding: { kind: "tokens", table },
    layers: each(config.count("num_hidden_layers"), (i) => {
      const name = `backbone.layers.${i}`;
      return [branch(mixer(`${name}.mixer`), { before: norm(`${name}.norm`) })];
    }),
    norm: norm("backbone.norm_f"),
    head: {
      weight: config.flag("tie_word_embeddings", true) ? table : matrix("lm_head.weight", vocabulary, width),
      at: "each",
    },
  };
}
