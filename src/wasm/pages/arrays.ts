/** Small things that pages do to whole arrays beside the kernels. */
import type { Floats } from "../tensor.ts";

export const tensorOf = (shape: readonly number[], value: (i: number) => number): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, (_, i) => value(i)),
});
export const zeros = (...shape: number[]): Floats => tensorOf(shape, () => 0);

export const map = ({ shape, data }: Floats, f: (x: number, i: number) => number): Floats => ({
  shape,
  data: data.map(f),
});
export const times = (a: Floats, b: Floats): Floats => map(a, (x, i) => x * b.data[i]!);

/** The sum of those that are given; undefined if none is. */
export const plus = (...terms: (Floats | undefined)[]): Floats | undefined =>
  terms
    .filter((term) => term !== undefined)
    .reduce<Floats | undefined>((sum, term) => (sum ? map(sum, (x, i) => x + term.data[i]!) : term), undefined);

/** Rows side by side. */
export function beside(...parts: Floats[]): Floats {
  const rows = parts[0]!.shape[0]!;
  const widths = parts.map(({ shape }) => shape[1]!);
  const width = widths.reduce((sum, w) => sum + w, 0);
  const data = new Float32Array(rows * width);
  let at = 0;
  parts.forEach((part, i) => {
    for (let t = 0; t < rows; t++) data.set(part.data.subarray(t * widths[i]!, (t + 1) * widths[i]!), t * width + at);
    at += widths[i]!;
  });
  return { shape: [rows, width], data };
}

/** Some columns of rows, with axes of their own. */
export function columns(x: Floats, from: number, ...axes: number[]): Floats {
  const [rows, width] = [x.shape[0]!, axes.reduce((size, length) => size * length, 1)];
  const all = x.data.length / rows;
  const data = new Float32Array(rows * width);
  for (let t = 0; t < rows; t++) data.set(x.data.subarray(t * all + from, t * all + from + width), t * width);
  return { shape: [rows, ...axes], data };
}

/** The last `count` rows of those before (zeros if not given) and these. */
export function lastRows(before: Floats | undefined, x: Floats, count: number): Floats {
  const [rows, width] = x.shape as [number, number];
  return tensorOf([count, width], (i) => {
    const t = rows - count + Math.floor(i / width);
    const there = t < 0 ? (before?.data ?? []) : x.data;
    const place = t < 0 ? (before ? before.shape[0]! + t : 0) : t;
    return there[place * width + (i % width)] ?? 0;
  });
}

/** Rows in the other order. */
export function backwards(x: Floats): Floats {
  const [rows, width] = [x.shape[0]!, x.data.length / x.shape[0]!];
  return tensorOf(x.shape, (i) => x.data[(rows - 1 - Math.floor(i / width)) * width + (i % width)]!);
}

/** A matrix turned over. */
export function turned(x: Floats): Floats {
  const [rows, width] = x.shape as [number, number];
  return tensorOf([width, rows], (i) => x.data[(i % rows) * width + Math.floor(i / rows)]!);
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
