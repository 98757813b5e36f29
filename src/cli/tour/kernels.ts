/** Two float32 kernels for the tour to judge: online softmax over blocks of keys, and the same with one line missing. */
import type { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import type { KernelInputs, KernelOptions } from "../../oracle/kernel.ts";

const f = Math.fround;
const block = 4;

function attend(rescales: boolean) {
  return (
    { q, k, v, mask, bias }: KernelInputs<typeof scaledDotProductAttention>,
    { scale, causal, causalAlign }: KernelOptions<typeof scaledDotProductAttention>,
  ) => {
    const [queries = 0, features = 0] = q.shape;
    const [keys = 0, width = 0] = v.shape;
    const out = new Float32Array(queries * width);
    const offset = causalAlign === "top-left" ? 0 : keys - queries;
    for (let t = 0; t < queries; t++) {
      let top = Number.NEGATIVE_INFINITY;
      let total = 0;
      const sums = new Float32Array(width);
      for (let first = 0; first < keys; first += block) {
        const scores: [key: number, score: number][] = [];
        for (let s = first; s < Math.min(keys, first + block); s++) {
          if ((causal && s > t + offset) || (mask && !mask.data[t * keys + s])) continue;
          let dot = 0;
          for (let d = 0; d < features; d++) dot = f(dot + f(q.data[t * features + d]! * k.data[s * features + d]!));
          scores.push([s, f(f(dot * f(scale)) + (bias ? bias.data[t * keys + s]! : 0))]);
        }
        const before = top;
        for (const [, score] of scores) top = Math.max(top, score);
        const shrink = top === Number.NEGATIVE_INFINITY ? 1 : f(Math.exp(f(before - top)));
        total = f(total * shrink);
        if (rescales) for (let e = 0; e < width; e++) sums[e] = f(sums[e]! * shrink);
        for (const [s, score] of scores) {
          const power = f(Math.exp(f(score - top)));
          total = f(total + power);
          for (let e = 0; e < width; e++) sums[e] = f(sums[e]! + f(power * v.data[s * width + e]!));
        }
      }
      for (let e = 0; e < width; e++) out[t * width + e] = total ? f(sums[e]! / total) : 0;
    }
    return { out };
  };
}

/** Online softmax as it should be. */
export const right = attend(true);
/** Forgets to shrink what it has gathered when a later block raises the maximum: right while all keys fit one block. */
export const wrong = attend(false);
