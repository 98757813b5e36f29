/** Straight loops in JavaScript: what a page's formula costs without kernels. */
import type { Floats } from "../../wasm/tensor.ts";

/** A call with copies of tensors as plain arrays, so that the loops read no accessor. */
export function straight<X extends readonly Floats[]>(
  body: (...inputs: X) => Float32Array,
  ...inputs: X
): () => Float32Array {
  const copies = inputs.map(({ shape, data }) => ({ shape, data: data.slice() })) as readonly Floats[] as X;
  return () => body(...copies);
}

export function matmulLoops({ shape: [M, K], data: a }: Floats, { shape: [, N], data: b }: Floats): Float32Array {
  const out = new Float32Array(M! * N!);
  for (let i = 0; i < M!; i++)
    for (let d = 0; d < K!; d++) {
      const x = a[i * K! + d]!;
      for (let j = 0; j < N!; j++) out[i * N! + j]! += x * b[d * N! + j]!;
    }
  return out;
}

export function attentionLoops(causal: boolean) {
  return ({ shape, data: q }: Floats, { data: k }: Floats, { data: v }: Floats): Float32Array => {
    const [H, T, D] = shape as [number, number, number];
    const out = new Float32Array(q.length);
    const weights = new Float32Array(T);
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const end = causal ? t + 1 : T;
        let top = Number.NEGATIVE_INFINITY;
        for (let s = 0; s < end; s++) {
          let score = 0;
          for (let d = 0; d < D; d++) score += q[(h * T + t) * D + d]! * k[(h * T + s) * D + d]!;
          weights[s] = score / Math.sqrt(D);
          top = Math.max(top, weights[s]!);
        }
        let total = 0;
        for (let s = 0; s < end; s++) {
          weights[s] = Math.exp(weights[s]! - top);
          total += weights[s]!;
        }
        for (let s = 0; s < end; s++) {
          const p = weights[s]! / total;
          for (let d = 0; d < D; d++) out[(h * T + t) * D + d]! += p * v[(h * T + s) * D + d]!;
        }
      }
    return out;
  };
}
