import { loadEdge } from "./edge";
import { largest } from "./softmax";

/** A float as an integer in the same order: the zeros are equal, NaN is above all. */
@inline
function rank(x: f32): i32 {
  if (x !== x) return i32.MAX_VALUE;
  const bits = reinterpret<i32>(x + 0);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

@inline
function rankAt(source: usize, index: i32): i32 {
  return rank(load<f32>(source + ((<usize>index) << 2)));
}

/** Whether the value at index i comes after that at j: it is smaller, or equal and later. */
@inline
function after(source: usize, i: i32, j: i32): bool {
  const a = rankAt(source, i);
  const b = rankAt(source, j);
  return a < b || (a === b && i > j);
}

/** Lets the index at `hole` of a heap sink below those that come after it; the last of all stands on top. */
function sink(source: usize, heap: usize, count: i32, hole: i32, index: i32): void {
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= count) break;
    let other = load<i32>(heap + ((<usize>child) << 2));
    if (child + 1 < count) {
      const right = load<i32>(heap + ((<usize>child) << 2), 4);
      if (after(source, right, other)) {
        other = right;
        child++;
      }
    }
    if (!after(source, other, index)) break;
    store<i32>(heap + ((<usize>hole) << 2), other);
    hole = child;
  }
  store<i32>(heap + ((<usize>hole) << 2), index);
}

/**
 * The `count` (1 to width) largest values of each row, largest first, and their indices; of equal ones the earlier comes
 * first. NaN counts as larger than all.
 */
export function top(source: usize, values: usize, indices: usize, rows: i32, width: i32, count: i32): void {
  const row = (<usize>width) << 2;
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < count; i++) store<i32>(indices + ((<usize>i) << 2), i);
    for (let i = (count >> 1) - 1; i >= 0; i--)
      sink(source, indices, count, i, load<i32>(indices + ((<usize>i) << 2)));
    replace(source, indices, width, count);
    for (let i = count - 1; i > 0; i--) {
      const place = indices + ((<usize>i) << 2);
      const index = load<i32>(place);
      store<i32>(place, load<i32>(indices));
      sink(source, indices, i, 0, index);
    }
    for (let i: usize = 0; i < (<usize>count) << 2; i += 4)
      store<f32>(values + i, load<f32>(source + ((<usize>load<i32>(indices + i)) << 2)));
    source += row;
    values += (<usize>count) << 2;
    indices += (<usize>count) << 2;
  }
}

/** Takes those beyond the first `count` that come before the last of the heap; four at a time are seldom any. */
function replace(source: usize, heap: usize, width: i32, count: i32): void {
  let last = load<i32>(heap);
  let bound = f32x4.splat(load<f32>(source + ((<usize>last) << 2)));
  for (let i = count; i < width; i += 4) {
    const at = source + ((<usize>i) << 2);
    const left = min(width - i, 4);
    const x = left === 4 ? v128.load(at) : loadEdge(at, left, -Infinity);
    // Where the bound is NaN nothing is above it, yet all comparisons say so.
    if (!v128.any_true(v128.not(f32x4.le(x, bound)))) continue;
    for (let j = i; j < i + left; j++)
      if (rankAt(source, j) > rankAt(source, last)) {
        sink(source, heap, count, 0, j);
        last = load<i32>(heap);
        bound = f32x4.splat(load<f32>(source + ((<usize>last) << 2)));
      }
  }
}

/** The index of the largest value of each row, the earliest of equal ones; NaN counts as larger than all. */
export function argmax(source: usize, indices: usize, rows: i32, width: i32): void {
  for (let r = 0; r < rows; r++) {
    const most = largest(source, width);
    let index = 0;
    const isNumber = most === most;
    const wanted = f32x4.splat(most);
    // Four at a time as far as they go: the place itself is looked for one by one.
    for (; index + 4 <= width; index += 4) {
      const x = v128.load(source + ((<usize>index) << 2));
      if (v128.any_true(isNumber ? f32x4.eq(x, wanted) : f32x4.ne(x, x))) break;
    }
    for (; ; index++) {
      const x = load<f32>(source + ((<usize>index) << 2));
      if (isNumber ? x === most : x !== x) break;
    }
    store<i32>(indices, index);
    source += (<usize>width) << 2;
    indices += 4;
  }
}
