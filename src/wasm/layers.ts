/** What stands around a recurrence in a layer: over rows of numbers, in JavaScript, but for the products of matrices. */
import type { sigmoid, silu } from "../../spec/page.ts";
import type { Kernels } from "./load.ts";
import type { Floats } from "./tensor.ts";

type Numbers = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/** f of each value and its place. */
export const each = ({ shape, data }: Numbers, f: (value: number, i: number) => number): Floats => ({
  shape,
  data: Float32Array.from(data, f),
});

/** The same values with other axes. */
export const shaped = ({ data }: Floats, ...shape: number[]): Floats => ({ shape, data });

/** x · w with the last axis split into heads: [T, heads, …]. */
export function projected(kernels: Kernels, x: Floats, w: Floats, heads: number): Floats {
  const { data, shape } = kernels.matmul(x, w);
  return { shape: [shape[0]!, heads, shape[1]! / heads], data };
}

/** x behind the tokens that came before it, [Kp, M] or none. */
export function behind(past: Numbers | undefined, x: Floats, before: number): Floats {
  const [T, M] = x.shape as [number, number];
  const data = new Float32Array((before + T) * M);
  if (past) data.set(past.data);
  data.set(x.data, before * M);
  return { shape: [before + T, M], data };
}

/** The last `count` rows. */
export const lastRows = ({ shape, data }: Floats, count: number): Floats => ({
  shape: [count, shape[1]!],
  data: data.slice((shape[0]! - count) * shape[1]!),
});

/** f of each channel's last K values, weighted by its taps [C, K]: [K − 1 + T, C] gives [T, C]. */
export function convolved(x: Floats, taps: Floats, f: (y: number) => number): Floats {
  const [rows, C] = x.shape as [number, number];
  const K = taps.shape[1]!;
  const data = new Float32Array((rows - K + 1) * C);
  for (let i = 0; i < data.length; i++) {
    const c = i % C;
    let y = 0;
    for (let j = 0; j < K; j++) y += taps.data[c * K + j]! * x.data[i + j * C]!;
    data[i] = f(y);
  }
  return { shape: [rows - K + 1, C], data };
}

/** Each row of the last axis divided by what `size` makes of it; by nothing where that is 0. */
export function divided(x: Floats, size: (row: Float32Array) => number): Floats {
  const width = x.shape.at(-1)!;
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += width) {
    const row = x.data.subarray(start, start + width);
    const by = size(row) || Number.POSITIVE_INFINITY;
    for (let i = 0; i < width; i++) data[start + i] = row[i]! / by;
  }
  return { shape: x.shape, data };
}

/** Rows of length 1, or nearly: divided by √(|row|² + 10⁻⁶). */
export const unit = (x: Floats): Floats =>
  divided(x, (row) => Math.sqrt(row.reduce((sum, value) => sum + value * value, 1e-6)));

/** A norm of each head, weighted and gated, then the output projection: o [T, H, E]. */
export function readOut(
  kernels: Kernels,
  o: Floats,
  norm: Floats,
  eps: number,
  gate: Floats | undefined,
  act: typeof silu | typeof sigmoid,
  wO: Floats,
): Float32Array {
  const [T, H, E] = o.shape as [number, number, number];
  const size = (row: Float32Array) => Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / E + eps);
  const y = each(divided(o, size), (value, i) => value * norm.data[i % E]! * (gate ? act(gate.data[i]!) : 1));
  return kernels.matmul(shaped(y, T, H * E), wO).data;
}
