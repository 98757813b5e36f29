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
          const p = f(Math.exp(f(score - top)));
          total = f(total + p);
          for (let e = 0; e < E; e++) sums[e] = f(sums[e]! + f(p * v.data[s * E + e]!));
        }
      }
      for (let e = 0; e < E; e++) out[t * E + e] = total ? f(sums[e]! / total) : 0;
      lse[t] = total ? f(top + f(Math.log(total))) : Number.NEGATIVE_INFINITY;
    }
    return { out, lse };
  };
