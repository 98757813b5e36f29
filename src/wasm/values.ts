/** What stands around the kernels in layers, value by value or row by row, computed in double precision. */
import type { Floats } from "./tensor.ts";

/** f of every value; `i` is its place in the data. */
export const mapped = ({ shape, data }: Floats, f: (value: number, i: number) => number): Floats => ({
  shape,
  data: Float32Array.from(data, f),
});

/** Values of a new tensor, by their place in the data. */
export const filled = (shape: readonly number[], f: (i: number) => number): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, (_, i) => f(i)),
});

/** The same values with other axes. */
export const reshaped = ({ data }: Floats, ...shape: number[]): Floats => ({ shape, data });

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

/** Each row of the first axis with the one before it, and `last` before the first: x_{t−1}. */
export function shifted(x: Floats, last: Floats | undefined): Floats {
  const width = x.data.length / x.shape[0]!;
  return filled(x.shape, (i) => (i < width ? (last?.data[i] ?? 0) : x.data[i - width]!));
}
