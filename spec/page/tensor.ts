import { lower, precision } from "./precision.ts";

/** Numbers in row-major order: `data` holds the product of `shape` values. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}
/** A tensor the library made. */
export interface Float64Tensor extends Tensor {
  readonly data: Float64Array;
}

/** One number for every axis of a shape. */
export type Index<S extends readonly unknown[]> = { [K in keyof S]: number };

/** How many values a shape holds. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Calls `f` at every index of `shape` in row-major order; the results as one array, a Float64Array if they are numbers. */
export function cellsOf<V>(shape: readonly number[], f: (...index: number[]) => V): ArrayLike<V> {
  const size = sizeOf(shape);
  const index = shape.map(() => 0);
  const [A = 1, B = 1, C = 1] = shape;
  let cells: V[] | Float64Array = [];
  for (let flat = 0; flat < size; flat++) {
    const value =
      shape.length === 1
        ? f(flat)
        : shape.length === 2
          ? f((flat / B) | 0, flat % B)
          : shape.length === 3
            ? f((flat / (B * C)) | 0, ((flat / C) | 0) % B, flat % C)
            : f(...index);
    if (flat === 0 && typeof value === "number") cells = new Float64Array(size);
    if (typeof value !== "number" && cells instanceof Float64Array) cells = Array.from(cells.subarray(0, flat)) as V[];
    cells[flat] = lower && typeof value === "number" ? precision().store(value) : (value as never);
    if (shape.length > 3) for (let a = shape.length - 1; a >= 0 && ++index[a]! === shape[a]; a--) index[a] = 0;
  }
  void A;
  return cells as ArrayLike<V>;
}

function outside(name: string, shape: readonly number[], index: readonly number[]): never {
  throw new RangeError(`${name} has no index [${index.join(", ")}]; its shape is [${shape.join(", ")}]`);
}

/**
 * Reads numbers laid out in row-major order; an index outside the shape is an error, never another cell. One closure a
 * rank, over Float64Array alone: that is what lets the engine inline it into a sum.
 */
export function reader(name: string, shape: readonly number[], cells: Float64Array): (...index: number[]) => number {
  const [A = 1, B = 1, C = 1, D = 1] = shape;
  const bad = (...index: number[]) => outside(name, shape, index);
  switch (shape.length) {
    case 0:
      return () => cells[0]!;
    case 1:
      return (a) => (a! >>> 0 === a && a < A ? cells[a]! : bad(a!));
    case 2:
      return (a, b) => (a! >>> 0 === a && a < A && b! >>> 0 === b && b < B ? cells[a * B + b]! : bad(a!, b!));
    case 3:
      return (a, b, c) =>
        a! >>> 0 === a && a < A && b! >>> 0 === b && b < B && c! >>> 0 === c && c < C
          ? cells[(a * B + b) * C + c]!
          : bad(a!, b!, c!);
    case 4:
      return (a, b, c, d) =>
        a! >>> 0 === a && a < A && b! >>> 0 === b && b < B && c! >>> 0 === c && c < C && d! >>> 0 === d && d < D
          ? cells[((a * B + b) * C + c) * D + d]!
          : bad(a!, b!, c!, d!);
    default:
      return (...index) => cells[offset(name, shape, index)]!;
  }
}

/** Reads cells of any kind laid out in row-major order. */
export const cellReader =
  <V>(name: string, shape: readonly number[], cells: ArrayLike<V>): ((...index: number[]) => V) =>
  (...index) =>
    cells[offset(name, shape, index)]!;

/** The place of an index in row-major order. */
export function offset(name: string, shape: readonly number[], index: readonly number[]): number {
  let at = 0;
  for (let k = 0; k < shape.length; k++) {
    const i = index[k]!;
    if (i >>> 0 !== i || i >= shape[k]!) outside(name, shape, index);
    at = at * shape[k]! + i;
  }
  return at;
}

/** A tensor whose value at each index is `f` of that index. */
export function tensor(shape: readonly number[], f: (...index: number[]) => number): Float64Tensor {
  return { shape, data: Float64Array.from(cellsOf(shape, f)) };
}

/** The value of a tensor at an index. */
export const at = (t: Tensor, ...index: number[]): number => t.data[offset("the tensor", t.shape, index)]!;

/** The index of a flat place. */
export function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let a = shape.length - 1, rest = flat; a >= 0; a--) {
    index[a] = rest % shape[a]!;
    rest = Math.floor(rest / shape[a]!);
  }
  return index;
}
