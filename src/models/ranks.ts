/** Drawing one of many tokens without sorting them all. */

/** What is left of tokens that are sorted, the best one first. */
interface Left {
  readonly tokens: number;
  readonly mass: number;
}

/**
 * Tokens in bins by how far their scores are below the best one. Adding up the bins tells where a cut or a draw falls, and
 * only the bin there is sorted: sorting all of a large vocabulary takes as long as a small model does for the next token.
 */
export class Ranks {
  /** The exponential of each score, the best one's being 1. */
  readonly #powers: Float64Array;
  readonly #bins: Uint16Array;
  readonly #counts = new Uint32Array(bins);
  readonly #masses = new Float64Array(bins);
  /** Bins a unit of distance below the best score. */
  readonly #scale: number;
  /** Bins that were sorted. */
  readonly #sorted = new Map<number, readonly number[]>();

  constructor(scores: Float32Array, top: number, temperature: number) {
    const below = Float64Array.from(scores);
    let span = 0;
    for (let i = 0; i < below.length; i++) {
      const distance = (top - below[i]!) / temperature;
      below[i] = distance;
      if (distance > span) span = distance;
    }
    // What lies further below has no share worth telling apart, and some scores are −∞.
    this.#scale = bins / Math.min(span, 32);
    this.#bins = new Uint16Array(below.length);
    for (let i = 0; i < below.length; i++) {
      const bin = Math.min(bins - 1, Math.floor(below[i]! * this.#scale)) || 0;
      const power = Math.exp(-below[i]!);
      below[i] = power;
      this.#bins[i] = bin;
      this.#counts[bin]!++;
      this.#masses[bin]! += power;
    }
    this.#powers = below;
  }

  /** A token of those that the options leave. */
  draw({ topK, topP, minP }: Readonly<Record<"topK" | "topP" | "minP", number>>, random: () => number): number {
    const most = this.#left(topK, Infinity, 0);
    const left = topP === 1 && minP === 0 ? most : this.#left(topK, topP === 1 ? Infinity : topP * most.mass, minP);
    let [rest, count] = [random() * left.mass, left.tokens];
    for (let bin = 0; ; bin++) {
      const [mass, within] = [this.#masses[bin]!, this.#counts[bin]!];
      if (count > within && rest >= mass) {
        rest -= mass;
        count -= within;
        continue;
      }
      const tokens = this.#tokens(bin).slice(0, count);
      if (tokens.length) return tokens[place(this.#powersOf(tokens), rest)]!;
    }
  }

  /** At most `topK` of the best tokens, as many as it takes to add up to `reach`, none below `minP`; at least one. */
  #left(topK: number, reach: number, minP: number): Left {
    let [tokens, mass] = [0, 0];
    // Before the bin that minP falls into, or the one before that for rounding, all are above it.
    const above = -Math.log(minP) * this.#scale - 2;
    for (let bin = 0; bin < bins; bin++) {
      const count = this.#counts[bin]!;
      if (!count) continue;
      if (tokens + count <= topK && mass + this.#masses[bin]! < reach && bin <= above) {
        tokens += count;
        mass += this.#masses[bin]!;
        continue;
      }
      const powers = this.#powersOf(this.#tokens(bin)).slice(0, topK - tokens);
      const taken = cut(powers, reach - mass, minP);
      tokens += taken;
      mass += sum(powers.slice(0, taken));
      if (taken < count) break;
    }
    return tokens ? { tokens, mass } : { tokens: 1, mass: 1 };
  }

  /** The tokens of a bin, the best one first. */
  #tokens(bin: number): readonly number[] {
    const known = this.#sorted.get(bin);
    if (known) return known;
    const tokens: number[] = [];
    const of = this.#bins;
    for (let token = 0; token < of.length; token++) if (of[token] === bin) tokens.push(token);
    tokens.sort((a, b) => this.#powers[b]! - this.#powers[a]! || a - b);
    this.#sorted.set(bin, tokens);
    return tokens;
  }

  #powersOf(tokens: readonly number[]): number[] {
    return tokens.map((token) => this.#powers[token]!);
  }
}

/** Bins of {@link Ranks}. */
const bins = 2048;

/** How many of these powers, the largest first, it takes to add up to `reach`, leaving out those below `least`. */
export function cut(powers: readonly number[], reach: number, least: number): number {
  let [count, reached] = [0, 0];
  while (count < powers.length && powers[count]! >= least && reached < reach) reached += powers[count++]!;
  return count;
}

/** Where the sum of weights exceeds `rest`. */
export function place(weights: ArrayLike<number>, rest: number): number {
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return weights.length - 1;
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
