/** Rotary positions: the frequencies a configuration means, and the turns of positions. */
import type { Config } from "./config.ts";

export interface Rotary {
  /** Radians a position, of each pair (i, i + D/2) of the first D = 2 · frequencies features of a head. */
  readonly frequencies: readonly number[];
  /** Factor on cosine and sine. */
  readonly growth: number;
  /** What stands in place of the frequencies in a text of more than `beyond` tokens. */
  readonly long?: { readonly beyond: number; readonly frequencies: readonly number[] } | undefined;
  /** What stands in place of the frequencies while a text of more than `beyond` tokens grows: tokens keep what they had. */
  readonly growing?: { readonly beyond: number; frequencies(length: number): readonly number[] } | undefined;
}

/** The rotary positions of a model; `type` chooses among those of several layer types. */
export function rotaryOf(config: Config, headWidth: number, base = 10000, type?: string): Rotary {
  const parameters = parametersOf(config, type);
  const theta = parameters.number("rope_theta", config.number("rope_theta", base));
  const share = parameters.number("partial_rotary_factor", config.number("partial_rotary_factor", 1));
  const width = Math.floor(headWidth * share);
  const plain = Array.from({ length: width / 2 }, (_, i) => theta ** ((-2 * i) / width));
  const kind = parameters.text("rope_type", parameters.text("type", "default"));
  const scaling = Object.hasOwn(scalings, kind) ? scalings[kind] : undefined;
  if (!scaling)
    return parameters.fail(
      "rope_type",
      `${kind} is not supported; supported are default, linear, dynamic, llama3, yarn, longrope`,
    );
  return scaling(plain, parameters, theta, config);
}

/** Newer files have one object, `rope_parameters`, older ones `rope_theta` and `rope_scaling`. */
function parametersOf(config: Config, type: string | undefined): Config {
  const found = config.part(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
  return type !== undefined && found.has(type) ? found.part(type) : found;
}

/** Tokens of the longest text: what the configuration says, and as many times more as dynamic scaling makes of it. */
export function contextOf(config: Config, otherwise: number): number {
  const trained = config.count("max_position_embeddings", otherwise);
  const parameters = parametersOf(config, undefined);
  const kind = parameters.text("rope_type", parameters.text("type", "default"));
  return kind === "dynamic" ? Math.floor(trained * Math.max(1, parameters.number("factor"))) : trained;
}

type Scaling = (plain: readonly number[], parameters: Config, theta: number, config: Config) => Rotary;

const scalings: Readonly<Record<string, Scaling>> = {
  default: (plain) => ({ frequencies: plain, growth: 1 }),
  linear: (plain, parameters) => {
    const factor = parameters.number("factor");
    return { frequencies: plain.map((f) => f / factor), growth: 1 };
  },
  dynamic,
  llama3,
  yarn,
  longrope,
  su: longrope,
  // Not of Hugging Face: GGUF files hold what to divide each frequency by.
  divided: (plain, parameters) => {
    const divisors = parameters.numbers("divisors");
    if (divisors.length !== plain.length)
      parameters.fail("divisors", `are ${divisors.length}, expected ${plain.length}`);
    return { frequencies: plain.map((f, i) => f / divisors[i]!), growth: 1 };
  },
};

/** A base that grows with the text once it is longer than those it was trained on (dynamic NTK). */
function dynamic(plain: readonly number[], parameters: Config, theta: number, config: Config): Rotary {
  const beyond = config.count("max_position_embeddings", 2048);
  const factor = parameters.number("factor");
  if (factor < 1) parameters.fail("factor", `is ${factor}, expected 1 or more`);
  const width = 2 * plain.length;
  const frequencies = (length: number): readonly number[] => {
    const base = theta * ((factor * length) / beyond - (factor - 1)) ** (width / (width - 2));
    return plain.map((_, i) => base ** ((-2 * i) / width));
  };
  return { frequencies: plain, growth: 1, growing: { beyond, frequencies } };
}

/** Pairs that turn often within the trained length keep their frequency, slow ones are slowed, those between mixed. */
function llama3(plain: readonly number[], parameters: Config): Rotary {
  const factor = parameters.number("factor");
  const [low, high] = [parameters.number("low_freq_factor"), parameters.number("high_freq_factor")];
  const trained = parameters.count("original_max_position_embeddings");
  const scaled = (f: number): number => {
    const turns = (trained * f) / (2 * Math.PI);
    if (turns > high) return f;
    if (turns < low) return f / factor;
    const smooth = (turns - low) / (high - low);
    return ((1 - smooth) * f) / factor + smooth * f;
  };
  return { frequencies: plain.map(scaled), growth: 1 };
}

/** The same with a ramp over pair numbers, and a growth with the logarithm of the factor. */
function yarn(plain: readonly number[], parameters: Config, theta: number, config: Config): Rotary {
  const width = 2 * plain.length;
  const trained = parameters.count("original_max_position_embeddings", config.count("max_position_embeddings", 2048));
  const factor = parameters.number("factor", config.number("max_position_embeddings", trained) / trained);
  const pairTurning = (turns: number) => (width * Math.log(trained / (2 * Math.PI * turns))) / (2 * Math.log(theta));
  const whole = parameters.flag("truncate", true);
  const [first, last] = [
    pairTurning(parameters.number("beta_fast", 32)),
    pairTurning(parameters.number("beta_slow", 1)),
  ];
  const low = Math.max(whole ? Math.floor(first) : first, 0);
  const high = Math.min(whole ? Math.ceil(last) : last, width - 1);
  const ramp = (i: number) => Math.min(1, Math.max(0, (i - low) / (low === high ? 0.001 : high - low)));
  const gain = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const [some, all] = [parameters.number("mscale", 0), parameters.number("mscale_all_dim", 0)];
  const growth = parameters.number("attention_factor", some && all ? gain(some) / gain(all) : gain(1));
  return { frequencies: plain.map((f, i) => (f / factor) * ramp(i) + f * (1 - ramp(i))), growth };
}

/**
 * A divisor for each frequency, others in texts longer than those it was trained on, and a growth with the logarithm of
 * how much longer they may be (LongRoPE, Phi 3). `su` is an older name of it.
 */
function longrope(plain: readonly number[], parameters: Config, _theta: number, config: Config): Rotary {
  const context = config.count("max_position_embeddings", 2048);
  const name = "original_max_position_embeddings";
  const beyond = config.has(name) ? config.count(name) : parameters.count(name, context);
  const factor = parameters.number("factor", context / beyond);
  const growth = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(beyond));
  const divided = (divisors: string): readonly number[] => {
    const by = parameters.numbers(divisors);
    if (by.length !== plain.length) parameters.fail(divisors, `are ${by.length}, expected ${plain.length}`);
    return plain.map((f, i) => f / by[i]!);
  };
  return {
    frequencies: divided("short_factor"),
    growth: parameters.number("attention_factor", growth),
    long: { beyond, frequencies: divided("long_factor") },
  };
}

/** The turns of positions up to here are kept, later ones made each time. */
const kept = 2 ** 15;

/** Cosines and sines of positions, [position, pair]. */
export class Turns {
  readonly #rotary: Rotary;
  readonly #tables = new Map<readonly number[], Table>();

  constructor(rotary: Rotary) {
    this.#rotary = rotary;
  }

  /** Those of `count` positions from `position` on, in a text of `length` tokens. */
  of(position: number, count: number, length: number): Table {
    const { frequencies, long, growing } = this.#rotary;
    if (growing && length > growing.beyond) return this.#table(growing.frequencies(length), position, count);
    const chosen = long && length > long.beyond ? long.frequencies : frequencies;
    const end = position + count;
    if (end > kept) return this.#table(chosen, position, count);
    let table = this.#tables.get(chosen);
    const known = (table?.cosines.length ?? 0) / chosen.length;
    if (!table || known < end) {
      table = this.#table(chosen, 0, Math.min(kept, Math.max(end, 64, 2 * known)));
      this.#tables.set(chosen, table);
    }
    const [from, to] = [position * chosen.length, end * chosen.length];
    return { cosines: table.cosines.subarray(from, to), sines: table.sines.subarray(from, to) };
  }

  #table(frequencies: readonly number[], position: number, count: number): Table {
    const { growth } = this.#rotary;
    const pairs = frequencies.length;
    const angle = (at: number) => (position + Math.floor(at / pairs)) * frequencies[at % pairs]!;
    return {
      cosines: Float32Array.from({ length: count * pairs }, (_, at) => growth * Math.cos(angle(at))),
      sines: Float32Array.from({ length: count * pairs }, (_, at) => growth * Math.sin(angle(at))),
    };
  }
}

interface Table {
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
}
