/** Small words for writing examples and laws. */

import { offset } from "../../spec/page/tensor.ts";
import { type Float64Tensor, type Tensor, tensor } from "../../spec/page.ts";

export type Nested = number | readonly Nested[];

/** Nested arrays as a tensor; all rows of a level must be of one length. */
export function tensorOf(nested: Nested): Float64Tensor {
  const shape: number[] = [];
  for (let level = nested; typeof level !== "number"; level = level[0]!) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const data: number[] = [];
  const walk = (part: Nested, depth: number): void => {
    if (typeof part === "number" ? depth !== shape.length : part.length !== shape[depth])
      throw new RangeError("tensorOf: the nested arrays are ragged");
    if (typeof part === "number") data.push(part);
    else for (const next of part) walk(next, depth + 1);
  };
  walk(nested, 0);
  return { shape, data: Float64Array.from(data) };
}

/** `t` with each value replaced by `f(value, ...index)`. */
export const edit = (t: Tensor, f: (value: number, ...index: number[]) => number): Float64Tensor =>
  tensor(t.shape, (...index) => f(Number(t.data[offset("the tensor", t.shape, index)]), ...index));

/** `t` read through `from` along one axis, which then has `size` places. */
export const pick = (t: Tensor, axis: number, size: number, from: (i: number) => number): Float64Tensor =>
  tensor(
    t.shape.map((n, a) => (a === axis ? size : n)),
    (...index) =>
      Number(
        t.data[
          offset(
            "the tensor",
            t.shape,
            index.map((i, a) => (a === axis ? from(i) : i)),
          )
        ],
      ),
  );

/** The places `from` … `to` − 1 of one axis. */
export const span = (t: Tensor, axis: number, from: number, to: number): Float64Tensor =>
  pick(t, axis, to - from, (i) => from + i);

/** Tensors one after the other along an axis. */
export function join(axis: number, ...parts: readonly Tensor[]): Float64Tensor {
  const places = parts.flatMap((t, p) => Array.from({ length: t.shape[axis]! }, (_, i) => [p, i] as const));
  return tensor(
    parts[0]!.shape.map((n, a) => (a === axis ? places.length : n)),
    (...index) => {
      const [p, i] = places[index[axis]!]!;
      return Number(
        parts[p]!.data[
          offset(
            "the tensor",
            parts[p]!.shape,
            index.map((v, a) => (a === axis ? i : v)),
          )
        ],
      );
    },
  );
}

/** The same values under another shape. */
export function reshape(t: Tensor, ...shape: readonly number[]): Float64Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== t.data.length)
    throw new RangeError(
      `reshape: [${t.shape.join(", ")}] holds ${t.data.length} values, [${shape.join(", ")}] would hold ${size}`,
    );
  return { shape, data: Float64Array.from(t.data, Number) };
}
