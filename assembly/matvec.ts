/** Products of one to three rows: each value of B is loaded once and used once, so that memory alone sets the pace. */
import { madd } from "./lanes";
import { copyFloats } from "./pack";
import { loadEdge, storeEdge } from "./rows/edge";

/** Columns that are brought on together, so that their sums (16 KiB) stay in the first cache. */
const COLUMNS = 4096;

/** C = A · B + bias, or A · Bᵀ + bias, for few rows; arguments as for `matmul`. */
export function matvec(
  a: usize,
  aRow: usize,
  b: usize,
  bRow: usize,
  transposed: bool,
  bias: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  columns: i32,
  depth: i32,
): void {
  if (transposed) {
    byRows(a, aRow, b, bRow, bias, c, cRow, rows, columns, depth);
    return;
  }
  for (let column = 0; column < columns; column += COLUMNS) {
    const wide = min(columns - column, COLUMNS);
    const at = (<usize>column) << 2;
    for (let row = 0; row < rows; row++) {
      const target = c + <usize>row * cRow + at;
      if (bias) copyFloats(bias + at, wide, target);
      else memory.fill(target, 0, (<usize>wide) << 2);
    }
    for (let d = 0; d < depth; d += 8) {
      const from = b + <usize>d * bRow + at;
      // The second and third row find these rows of B in the caches.
      for (let row = 0; row < rows; row++) {
        const factors = a + <usize>row * aRow + ((<usize>d) << 2);
        const target = c + <usize>row * cRow + at;
        if (depth - d >= 8) addEight(factors, from, bRow, target, wide);
        else for (let i = 0; i < depth - d; i++) addOne(factors + (i << 2), from + <usize>i * bRow, target, wide);
      }
    }
  }
}

/** Adds eight rows of B, each times its factor, to `count` sums. */
function addEight(factors: usize, b: usize, bRow: usize, target: usize, count: i32): void {
  const whole = target + ((<usize>(count & ~3)) << 2);
  const f0 = v128.load32_splat(factors);
  const f1 = v128.load32_splat(factors, 4);
  const f2 = v128.load32_splat(factors, 8);
  const f3 = v128.load32_splat(factors, 12);
  const f4 = v128.load32_splat(factors, 16);
  const f5 = v128.load32_splat(factors, 20);
  const f6 = v128.load32_splat(factors, 24);
  const f7 = v128.load32_splat(factors, 28);
  for (; target < whole; target += 16) {
    let row = b;
    let x = madd(f0, v128.load(row), v128.load(target));
    row += bRow;
    let y = f32x4.mul(f1, v128.load(row));
    row += bRow;
    x = madd(f2, v128.load(row), x);
    row += bRow;
    y = madd(f3, v128.load(row), y);
    row += bRow;
    x = madd(f4, v128.load(row), x);
    row += bRow;
    y = madd(f5, v128.load(row), y);
    row += bRow;
    x = madd(f6, v128.load(row), x);
    row += bRow;
    y = madd(f7, v128.load(row), y);
    v128.store(target, f32x4.add(x, y));
    b += 16;
  }
  for (let i = 0; i < (count & 3); i++) {
    let x = load<f32>(target);
    for (let d: usize = 0; d < 8; d++) x += load<f32>(factors + (d << 2)) * load<f32>(b + d * bRow);
    store<f32>(target, x);
    target += 4;
    b += 4;
  }
}

function addOne(factor: usize, b: usize, target: usize, count: i32): void {
  const f = v128.load32_splat(factor);
  const whole = target + ((<usize>(count & ~3)) << 2);
  for (; target < whole; target += 16) {
    v128.store(target, madd(f, v128.load(b), v128.load(target)));
    b += 16;
  }
  const left = count & 3;
  if (left) storeEdge(target, left, madd(f, loadEdge(b, left, 0), loadEdge(target, left, 0)));
}

/** A · Bᵀ: four rows of B at a time, each against all rows of A. */
function byRows(
  a: usize,
  aRow: usize,
  b: usize,
  bRow: usize,
  bias: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  columns: i32,
  depth: i32,
): void {
  for (let column = 0; column < columns; column += 4) {
    const left = columns - column;
    const b0 = b + <usize>column * bRow;
    // Rows that are missing repeat the last one; their sums are not stored.
    const b1 = left > 1 ? b0 + bRow : b0;
    const b2 = left > 2 ? b1 + bRow : b1;
    const b3 = left > 3 ? b2 + bRow : b2;
    const at = (<usize>column) << 2;
    for (let row = 0; row < rows; row++) {
      let y = dots(a + <usize>row * aRow, b0, b1, b2, b3, depth);
      const target = c + <usize>row * cRow + at;
      if (left >= 4) {
        if (bias) y = f32x4.add(y, v128.load(bias + at));
        v128.store(target, y);
      } else {
        if (bias) y = f32x4.add(y, loadEdge(bias + at, left, 0));
        storeEdge(target, left, y);
      }
    }
  }
}

/** The products of one row with four others. */
function dots(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, depth: i32): v128 {
  let x0 = f32x4.splat(0);
  let x1 = x0;
  let x2 = x0;
  let x3 = x0;
  let y0 = x0;
  let y1 = x0;
  let y2 = x0;
  let y3 = x0;
  let at: usize = 0;
  for (const end = (<usize>(depth & ~7)) << 2; at < end; at += 32) {
    const p = v128.load(a + at);
    x0 = madd(p, v128.load(b0 + at), x0);
    x1 = madd(p, v128.load(b1 + at), x1);
    x2 = madd(p, v128.load(b2 + at), x2);
    x3 = madd(p, v128.load(b3 + at), x3);
    const q = v128.load(a + at, 16);
    y0 = madd(q, v128.load(b0 + at, 16), y0);
    y1 = madd(q, v128.load(b1 + at, 16), y1);
    y2 = madd(q, v128.load(b2 + at, 16), y2);
    y3 = madd(q, v128.load(b3 + at, 16), y3);
  }
  for (let left = depth & 7; left > 0; left -= 4) {
    const count = min(left, 4);
    const p = count === 4 ? v128.load(a + at) : loadEdge(a + at, count, 0);
    x0 = madd(p, count === 4 ? v128.load(b0 + at) : loadEdge(b0 + at, count, 0), x0);
    x1 = madd(p, count === 4 ? v128.load(b1 + at) : loadEdge(b1 + at, count, 0), x1);
    x2 = madd(p, count === 4 ? v128.load(b2 + at) : loadEdge(b2 + at, count, 0), x2);
    x3 = madd(p, count === 4 ? v128.load(b3 + at) : loadEdge(b3 + at, count, 0), x3);
    at += 16;
  }
  x0 = f32x4.add(x0, y0);
  x1 = f32x4.add(x1, y1);
  x2 = f32x4.add(x2, y2);
  x3 = f32x4.add(x3, y3);
  const low = f32x4.add(v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), v128.shuffle<f32>(x0, x1, 2, 6, 3, 7));
  const high = f32x4.add(v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), v128.shuffle<f32>(x2, x3, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(low, high, 0, 1, 4, 5), v128.shuffle<f32>(low, high, 2, 3, 6, 7));
}
