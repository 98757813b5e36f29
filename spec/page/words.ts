/** The words a formula is written in: sums, softmax, tables, recurrences and the sets they run over. */
import { lower, precision } from "./precision.ts";
import { cellReader, cellsOf, type Index, reader } from "./tensor.ts";

/** What a Σ, a max or a softmax runs over: `n` stands for 0 … n − 1. */
export type Over<T> = number | readonly T[];

/** The integers 0 … n − 1, or `from` … `to` − 1. */
export function range(from: number, to?: number): number[] {
  const first = to === undefined ? 0 : from;
  return Array.from({ length: Math.max(0, (to ?? from) - first) }, (_, i) => first + i);
}

/** `x`, or the nearer of `low` and `high` if it lies outside. */
export const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

const list = <T>(over: Over<T>): readonly T[] => (typeof over === "number" ? (range(over) as T[]) : over);

/** Non-negative weights on some indices; an index that is not listed weighs nothing. */
export class Weights<T> {
  constructor(
    readonly indices: readonly T[],
    readonly values: Float64Array,
    /** ln of the sum of the exponentiated scores; −∞ where nothing is seen. NaN for weights that are no softmax. */
    readonly logSumExp = Number.NaN,
  ) {}
  /** The weight of one index, 0 if it is not among them. */
  of(index: T): number {
    const at = this.indices.indexOf(index);
    return at < 0 ? 0 : this.values[at]!;
  }
}

/** Σ over `n` indices, over a list, or over weights, in which case the term is given the index and its weight. */
export function sum(over: number, term: (i: number) => number): number;
export function sum<T>(over: Weights<T>, term: (i: T, weight: number) => number): number;
export function sum<T>(over: readonly T[], term: (i: T) => number): number;
export function sum<T>(over: Over<T> | Weights<T>, term: (i: T, weight: number) => number): number {
  if (lower) return roundedSum(over, term);
  if (typeof over === "number") return countedSum(over, term as unknown as (i: number) => number);
  if (over instanceof Weights) return weightedSum(over.indices, over.values, term);
  return listedSum(over, term as (i: T) => number);
}

// Three small loops rather than one large one: each is small enough for the engine to inline, and its term with it.
function countedSum(n: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += term(i);
  return total;
}
function weightedSum<T>(indices: readonly T[], weights: Float64Array, term: (i: T, weight: number) => number): number {
  let total = 0;
  for (let j = 0; j < indices.length; j++) total += term(indices[j]!, weights[j]!);
  return total;
}
function listedSum<T>(indices: readonly T[], term: (i: T) => number): number {
  let total = 0;
  for (let j = 0; j < indices.length; j++) total += term(indices[j]!);
  return total;
}

function roundedSum<T>(over: Over<T> | Weights<T>, term: (i: T, weight: number) => number): number {
  const { accumulate } = precision();
  let total = 0;
  if (typeof over === "number") {
    const count = term as unknown as (i: number) => number;
    for (let i = 0; i < over; i++) total = accumulate(total + accumulate(count(i)));
    return total;
  }
  const indices = over instanceof Weights ? over.indices : over;
  const weights = over instanceof Weights ? over.values : undefined;
  for (let j = 0; j < indices.length; j++)
    total = accumulate(
      total + accumulate(weights ? term(indices[j]!, weights[j]!) : (term as (i: T) => number)(indices[j]!)),
    );
  return total;
}

/** Π over `n` indices or a list; 1 over nothing. */
export function product<T = number>(over: Over<T>, term: (i: T) => number): number {
  let total = 1;
  for (const i of list(over)) total = precision().accumulate(total * term(i));
  return total;
}

/** The mean of the terms; 0 over nothing. */
export function mean<T = number>(over: Over<T>, term: (i: T) => number): number {
  const all = list(over);
  return all.length ? sum(all, term) / all.length : 0;
}

/** The largest term; −∞ over nothing. */
export function maximum<T = number>(over: Over<T>, term: (i: T) => number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const i of list(over)) top = Math.max(top, term(i));
  return top;
}

/** The smallest term; +∞ over nothing. */
export const minimum = <T = number>(over: Over<T>, term: (i: T) => number): number =>
  -maximum(over, (i: T) => -term(i));

/** The `n` indices with the largest `by`, largest first; of equal ones the earlier comes first. All of them if there are fewer. */
export function largest<T = number>(n: number, over: Over<T>, by: (i: T) => number): T[] {
  const scored = list(over).map((i) => ({ i, score: by(i) }));
  return scored
    .sort((a, b) => (a.score < b.score ? 1 : a.score > b.score ? -1 : 0))
    .slice(0, n)
    .map(({ i }) => i);
}

/** ln Σ exp of the terms, without overflow; −∞ over nothing. */
export function logSumExp<T = number>(over: Over<T>, term: (i: T) => number): number {
  const all = list(over);
  const top = maximum(all, term);
  return Number.isFinite(top) ? top + Math.log(sum(all, (i) => Math.exp(term(i) - top))) : top;
}

/** Weights given one by one; indices of weight 0 are kept. */
export function weigh<T = number>(over: Over<T>, weight: (i: T) => number): Weights<T> {
  const { store } = precision();
  const indices = list(over);
  return new Weights(
    indices,
    Float64Array.from(indices, (i) => store(weight(i))),
  );
}

/**
 * Softmax of `score` over what is seen. A score of −∞ is not seen. Where nothing is seen there are no weights, so that a
 * sum over them is 0 and never NaN. `sink` is the score of one more place that takes its share and is then left out.
 */
export function softmax<T = number>(
  seen: Over<T>,
  score: (i: T) => number,
  sink = Number.NEGATIVE_INFINITY,
): Weights<T> {
  const { store } = precision();
  const indices: T[] = [];
  const powers: number[] = [];
  let top = sink;
  for (const i of list(seen)) {
    const s = store(score(i));
    if (s === Number.NEGATIVE_INFINITY) continue;
    if (s > top) top = s;
    indices.push(i);
    powers.push(s);
  }
  if (!indices.length) return new Weights<T>([], new Float64Array(0), sink);
  for (let j = 0; j < powers.length; j++) powers[j] = store(Math.exp(powers[j]! - top));
  const total = sum(powers, (p) => p) + (sink === Number.NEGATIVE_INFINITY ? 0 : store(Math.exp(sink - top)));
  return new Weights(
    indices,
    Float64Array.from(powers, (p) => store(p / total)),
    top + Math.log(total),
  );
}

/** Computes `f` once at every index of `shape`, in row-major order, and is that function thereafter. */
export function table<const S extends readonly number[], V>(
  shape: S,
  f: (...index: Index<S>) => V,
): (...index: Index<S>) => V {
  const cells = cellsOf(shape, f as (...index: number[]) => V);
  const read = cells instanceof Float64Array ? reader("a table", shape, cells) : cellReader("a table", shape, cells);
  return read as (...index: Index<S>) => V;
}

/** The states of a recurrence: `after(0)` is `first`, `after(t + 1)` is `step(after(t), t)`. */
export function scan<S>(steps: number, first: S, step: (before: S, t: number) => S): (t: number) => S {
  const after = [first];
  for (let t = 0; t < steps; t++) after.push(step(after[t]!, t));
  return (t) => {
    if (!(t in after)) throw new RangeError(`a scan of ${steps} steps has no state ${t}`);
    return after[t]!;
  };
}

/** A matrix as a function of row and column. */
export type Matrix = (i: number, j: number) => number;

/** The n × m table of Σ_c a(i, c) b(c, j), c < `inner`. For pages that iterate on matrices; elsewhere write the sum. */
export const matrixProduct = (n: number, inner: number, m: number, a: Matrix, b: Matrix): Matrix =>
  table([n, m], (i, j) => sum(inner, (c) => a(i, c) * b(c, j)));
