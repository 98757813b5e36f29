/** Float32 attention kernels of several makes, right and wrong, for judging the judge. */

import type { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import type { KernelInputs, KernelOptions, KernelTensor } from "../../src/oracle/kernel.ts";

type Inputs = KernelInputs<typeof scaledDotProductAttention>;
type Options = KernelOptions<typeof scaledDotProductAttention>;
const f = Math.fround;

/** How scores are added up: from the front, from the back, in four lanes, or pair by pair. */
export type Order = "forward" | "backward" | "lanes" | "pairwise";

function dot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, D: number, order: Order): number {
  const term = (d: number) => f(a[i + d]! * b[j + d]!);
  if (order === "pairwise") {
    const add = (from: number, to: number): number =>
      to - from === 1 ? term(from) : f(add(from, (from + to) >> 1) + add((from + to) >> 1, to));
    return D ? add(0, D) : 0;
  }
  if (order === "lanes") {
    const lanes = [0, 0, 0, 0];
    for (let d = 0; d < D; d++) lanes[d % 4] = f(lanes[d % 4]! + term(d));
    return f(f(lanes[0]! + lanes[1]!) + f(lanes[2]! + lanes[3]!));
  }
  let total = 0;
  for (let d = 0; d < D; d++) total = f(total + term(order === "forward" ? d : D - 1 - d));
  return total;
}

export interface Slips {
  /** Visible keys end one early (−1) or one late (+1). */
  readonly causal?: number;
  readonly scale?: (D: number, E: number) => number;
  /** A relative slip in the rescaling of what was accumulated. */
  readonly rescale?: number;
  /** Leaves out the running maximum. */
  readonly noMaximum?: boolean;
  /** Forgets the bias. */
  readonly noBias?: boolean;
  /** Rounds what is kept (weights and outputs) to a narrower format; float32 if absent. */
  readonly keep?: (x: number) => number;
}

/** Online softmax over blocks of keys, in float32 throughout. */
export const onlineSoftmax =
  (block: number, order: Order, slips: Slips = {}) =>
  ({ q, k, v, mask, bias }: Inputs, { scale, causal, causalAlign }: Options) => {
    const [Tq, D] = q.shape as [number, number];
    const [Tk, E] = v.shape as [number, number];
    const out = new Float32Array(Tq * E);
    const lse = new Float32Array(Tq);
    const factor = f(slips.scale ? slips.scale(D, E) : scale);
    const keep = slips.keep ?? f;
    const present = (t: KernelTensor | undefined): t is KernelTensor => t !== undefined;
    for (let t = 0; t < Tq; t++) {
      const end = causal ? Math.min(Tk, t + 1 + (causalAlign === "top-left" ? 0 : Tk - Tq) + (slips.causal ?? 0)) : Tk;
      let top = slips.noMaximum ? 0 : Number.NEGATIVE_INFINITY;
      let total = 0;
      const sums = new Float32Array(E);
      for (let first = 0; first < end; first += block) {
        const scores: [number, number][] = [];
        for (let s = first; s < Math.min(end, first + block); s++) {
          if (present(mask) && !mask.data[t * Tk + s]) continue;
          const score = f(
            f(dot(q.data, t * D, k.data, s * D, D, order) * factor) +
              (present(bias) && !slips.noBias ? bias.data[t * Tk + s]! : 0),
          );
          if (score > Number.NEGATIVE_INFINITY) scores.push([s, score]);
        }
        const before = top;
        if (!slips.noMaximum) for (const [, score] of scores) top = Math.max(top, score);
        const shrink =
          before === Number.NEGATIVE_INFINITY ? 0 : f(f(Math.exp(f(before - top))) * f(1 + (slips.rescale ?? 0)));
        total = f(total * shrink);
        for (let e = 0; e < E; e++) sums[e] = f(sums[e]! * shrink);
        for (const [s, score] of scores) {
          const p = keep(Math.exp(f(score - top)));
          total = f(total + p);
          for (let e = 0; e < E; e++) sums[e] = f(sums[e]! + f(p * v.data[s * E + e]!));
        }
      }
      for (let e = 0; e < E; e++) out[t * E + e] = total ? keep(sums[e]! / total) : 0;
      lse[t] = total ? keep(top + f(Math.log(total))) : Number.NEGATIVE_INFINITY;
    }
    return { out, lse };
  };

export interface BackwardSlips {
  /** Leaves out Σ_s p dp, which every row of the scores' gradient is short of. */
  readonly noRowSum?: boolean;
  /** Forgets the scale in the gradient of the keys. */
  readonly unscaledKeys?: boolean;
}

/** The gradients of softmax attention in float32: the weights once more, then the chain rule row by row. */
export const backwardSoftmax =
  (slips: BackwardSlips = {}) =>
  (
    { q, k, v, mask, bias }: Inputs,
    { scale, causal, causalAlign }: Options,
    upstream: Readonly<Record<string, KernelTensor>>,
  ) => {
    const [Tq, D] = q.shape as [number, number];
    const [Tk, E] = v.shape as [number, number];
    const factor = f(scale);
    const present = (t: KernelTensor | undefined): t is KernelTensor => t !== undefined;
    const gradient = {
      q: new Float32Array(Tq * D),
      k: new Float32Array(Tk * D),
      v: new Float32Array(Tk * E),
      bias: new Float32Array(Tq * Tk),
    };
    const [dOut, dLse] = [upstream.out!.data, upstream.lse!.data];
    for (let t = 0; t < Tq; t++) {
      const end = causal ? Math.min(Tk, t + 1 + (causalAlign === "top-left" ? 0 : Tk - Tq)) : Tk;
      const seen = Array.from({ length: Math.max(0, end) }, (_, s) => s).filter(
        (s) => !(present(mask) && !mask.data[t * Tk + s]),
      );
      const scores = seen.map((s) =>
        f(f(dot(q.data, t * D, k.data, s * D, D, "forward") * factor) + (present(bias) ? bias.data[t * Tk + s]! : 0)),
      );
      const top = Math.max(...scores);
      const powers = scores.map((score) => f(Math.exp(f(score - top))));
      const total = powers.reduce((sum, p) => f(sum + p), 0);
      const weights = powers.map((p) => f(p / total));
      const dWeights = seen.map((s) => dot(dOut, t * E, v.data, s * E, E, "forward"));
      const rowSum = slips.noRowSum ? 0 : weights.reduce((sum, p, j) => f(sum + f(p * dWeights[j]!)), 0);
      for (const [j, s] of seen.entries()) {
        const p = weights[j]!;
        const dScore = f(p * f(f(dWeights[j]! - rowSum) + dLse[t]!));
        gradient.bias[t * Tk + s] = dScore;
        const scaled = f(dScore * factor);
        for (let d = 0; d < D; d++) {
          gradient.q[t * D + d]! += f(scaled * k.data[s * D + d]!);
          gradient.k[s * D + d]! += f((slips.unscaledKeys ? dScore : scaled) * q.data[t * D + d]!);
        }
        for (let e = 0; e < E; e++) gradient.v[s * E + e]! += f(p * dOut[t * E + e]!);
      }
    }
    const { bias: dBias, ...others } = gradient;
    return present(bias) ? { ...others, bias: dBias } : others;
  };
