/** Choosing the next token from logits. */
import { ModelError } from "./error.ts";
import { cut, place, Ranks, sum } from "./ranks.ts";

export interface SamplingOptions {
  /** Divides the logits; 0 takes the best token. Default: 0, or what generation_config.json says where it samples. */
  readonly temperature?: number | undefined;
  /** Only the k best. Default Infinity. */
  readonly topK?: number | undefined;
  /** Only the best whose probabilities add up to p. Default 1. */
  readonly topP?: number | undefined;
  /** Only those at least this share of the best one's probability. Default 0. */
  readonly minP?: number | undefined;
  /** Divides positive logits of tokens that occurred, multiplies negative ones. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** The same seed gives the same choices. Default: another one each time. */
  readonly seed?: number | undefined;
}

/** Chooses token after token; keeps those that occurred. */
export class Sampler {
  readonly #options: Required<{ readonly [K in keyof Omit<SamplingOptions, "seed">]: number }>;
  readonly #random: () => number;
  readonly #seen: Set<number>;

  constructor(options: SamplingOptions, prompt: readonly number[]) {
    const { temperature = 0, topK = Infinity, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
    const { seed = Math.floor(Math.random() * 2 ** 32) } = options;
    const need = (name: string, value: number, fits: boolean, what: string) => {
      if (!fits) throw new ModelError(name, `must be ${what}, got ${value}`);
    };
    need("temperature", temperature, temperature >= 0 && temperature < Infinity, "a number ≥ 0");
    need("topK", topK, topK === Infinity || (Number.isInteger(topK) && topK >= 1), "a whole number ≥ 1 or Infinity");
    need("topP", topP, topP > 0 && topP <= 1, "above 0 and at most 1");
    need("minP", minP, minP >= 0 && minP <= 1, "from 0 to 1");
    need("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty < Infinity, "above 0");
    need("seed", seed, Number.isSafeInteger(seed), "a whole number");
    this.#options = { temperature, topK, topP, minP, repetitionPenalty };
    this.#random = randomOf(seed);
    this.#seen = new Set(prompt);
  }

  /** The next token; ties go to the lower one. */
  choose(logits: Float32Array): number {
    const { temperature } = this.#options;
    const scores = this.#penalised(logits);
    const token = temperature === 0 ? best(scores) : this.#draw(scores);
    this.#seen.add(token);
    return token;
  }

  #penalised(logits: Float32Array): Float32Array {
    const { repetitionPenalty } = this.#options;
    if (repetitionPenalty === 1) return logits;
    const scores = logits.slice();
    for (const token of this.#seen) {
      const score = scores[token]!;
      scores[token] = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
    }
    return scores;
  }

  #draw(scores: Float32Array): number {
    const { temperature, topK, topP, minP } = this.#options;
    const top = scores[best(scores)]!;
    const power = (score: number) => Math.exp((score - top) / temperature);
    if (topK >= scores.length && topP === 1 && minP === 0) {
      const powers = Float64Array.from(scores);
      for (let i = 0; i < powers.length; i++) powers[i] = power(scores[i]!);
      return place(powers, this.#random() * sum(powers));
    }
    if (topK > few) return new Ranks(scores, top, temperature).draw(this.#options, this.#random);
    const tokens = leading(scores, topK);
    const powers = tokens.map((token) => power(scores[token]!));
    const left = powers.slice(0, Math.max(1, cut(powers, topP === 1 ? Infinity : topP * sum(powers), minP)));
    return tokens[place(left, this.#random() * sum(left))]!;
  }
}

/** The best token. */
export function best(scores: Float32Array): number {
  let top = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[top]!) top = i;
  return top;
}

/** How many tokens are found faster by keeping the best than by sorting all. */
const few = 256;

/** The `count` best tokens, the best one first; ties go to the lower one. */
function leading(scores: Float32Array, count: number): number[] {
  if (count > few)
    return Array.from(scores, (_, token) => token)
      .sort((a, b) => scores[b]! - scores[a]! || a - b)
      .slice(0, count);
  const tokens: number[] = [];
  for (let token = 0; token < scores.length; token++) {
    const score = scores[token]!;
    if (tokens.length === count) {
      if (!(score > scores[tokens.at(-1)!]!)) continue;
      tokens.pop();
    }
    const at = tokens.findLastIndex((other) => scores[other]! >= score);
    tokens.splice(at + 1, 0, token);
  }
  return tokens;
}

/** The natural logarithm of the probability of each of some tokens. */
export function logProbabilities(logits: Float32Array, tokens: readonly number[]): number[] {
  const top = logits[best(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - top);
  return tokens.map((token) => logits[token]! - top - Math.log(sum));
}

/** The tokens of highest probability with its logarithm. */
export function likeliest(logits: Float32Array, count: number): { token: number; logProbability: number }[] {
  const tokens = leading(logits, count);
  const values = logProbabilities(logits, tokens);
  return tokens.map((token, i) => ({ token, logProbability: values[i]! }));
}

/** Numbers in [0, 1) of a counter, mixed (splitmix32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
