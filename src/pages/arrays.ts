/** What pages do to whole arrays beside the kernels, worked out in double precision. */
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";

type Numbers = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/** f of every value; `i` is its place in the data. */
export const mapped = ({ shape, data }: Numbers, f: (value: number, i: number) => number): Floats => ({
  shape,
  data: Float32Array.from(data, f),
});

/** Values of a new tensor, by their place in the data. */
export const filled = (shape: readonly number[], f: (i: number) => number): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, (_, i) => f(i)),
});

export const zeros = (...shape: number[]): Floats => filled(shape, () => 0);

/** The same real values with other axes. */
export const reshaped = ({ data }: KernelTensor, ...shape: number[]): Floats => ({ shape, data: data as Float32Array });

export const times = (a: Floats, b: Floats): Floats => mapped(a, (value, i) => value * b.data[i]!);

/** The sum of those that are given; undefined if none is. */
export const plus = (...terms: (Floats | undefined)[]): Floats | undefined =>
  terms
    .filter((term) => term !== undefined)
    .reduce<Floats | undefined>((sum, term) => (sum ? mapped(sum, (x, i) => x + term.data[i]!) : term), undefined);

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

/** Rows of the first axis. */
export function rows(x: Floats, from: number, to: number): Floats {
  const width = x.data.length / x.shape[0]!;
  return { shape: [to - from, ...x.shape.slice(1)], data: x.data.slice(from * width, to * width) };
}

/** The last `count` rows of x and those before it, which are zeros if not given. */
export function lastRows(x: Floats, count: number, before?: Floats): Floats {
  const [rows, width] = x.shape as [number, number];
  return filled([count, width], (i) => {
    const t = rows - count + Math.floor(i / width);
    const there = t < 0 ? (before?.data ?? []) : x.data;
    const place = t < 0 ? (before ? before.shape[0]! + t : 0) : t;
    return there[place * width + (i % width)] ?? 0;
  });
}

/** x behind the tokens that came before it, [count, M], which are zeros if not given. */
export function behind(past: Numbers | undefined, x: Floats, count: number): Floats {
  const [T, M] = x.shape as [number, number];
  const data = new Float32Array((count + T) * M);
  if (past) data.set(past.data);
  data.set(x.data, count * M);
  return { shape: [count + T, M], data };
}

/** Each row of the first axis with the one before it, and `last` before the first: x_{t−1}. */
export function shifted(x: Floats, last: Floats | undefined): Floats {
  const width = x.data.length / x.shape[0]!;
  return filled(x.shape, (i) => (i < width ? (last?.data[i] ?? 0) : x.data[i - width]!));
}

/** The rows of the first axis, last one first. */
export function reversed(x: Floats): Floats {
  const [count] = x.shape as [number];
  const width = x.data.length / count;
  return filled(x.shape, (i) => x.data[(count - 1 - Math.floor(i / width)) * width + (i % width)]!);
}

/** The last two axes exchanged. */
export function transposed(x: Floats): Floats {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const shape = [...x.shape.slice(0, -2), columns, rows];
  return filled(shape, (i) => {
    const [batch, at] = [Math.floor(i / (rows * columns)), i % (rows * columns)];
    return x.data[batch * rows * columns + (at % rows) * columns + Math.floor(at / rows)]!;
  });
}

/** Rows of the last axis turned plane by plane: `angle(row, i)` for the coordinates i and i + D/2, or 2i and 2i + 1. */
export function turned(x: Floats, layout: "half" | "interleaved", angle: (row: number, i: number) => number): Floats {
  const width = x.shape.at(-1)!;
  const data = new Float32Array(x.data.length);
  for (let row = 0; row * width < data.length; row++)
    for (let i = 0; i < width / 2; i++) {
      const [first, second] = layout === "half" ? [i, i + width / 2] : [2 * i, 2 * i + 1];
      const [a, b] = [row * width + first, row * width + second];
      const [cosine, sine] = [Math.cos(angle(row, i)), Math.sin(angle(row, i))];
      data[a] = x.data[a]! * cosine - x.data[b]! * sine;
      data[b] = x.data[a]! * sine + x.data[b]! * cosine;
    }
  return { shape: x.shape, data };
}

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

/** Each run of `width` values divided by the root of their mean square + ε, and centred first if asked for. */
export function normed(x: Floats, width: number, epsilon: number, centred = false): Floats {
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += width) {
    const row = Float64Array.from(x.data.subarray(start, start + width));
    const mean = centred ? row.reduce((total, value) => total + value, 0) / width : 0;
    const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / width;
    const size = Math.sqrt(variance + epsilon);
    row.forEach((value, i) => {
      data[start + i] = (value - mean) / size;
    });
  }
  return { shape: x.shape, data };
}

/** Each row of the last axis divided by what `size` makes of it; zeros where that is 0. */
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
