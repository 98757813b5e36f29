/** Quantised weights times float32 activations, for a few rows: weights are turned into floats on the way, and not kept. */
import { madd } from "../lanes";
import { storeEdge } from "../rows/edge";
import { blockBytes, blocksOf, Format, scalesAt } from "./layout";

/** Four floats of one row (0 to 3) out of a word of each of four. */
@inline
export function rowOf(words: v128, row: i32): v128 {
  const half = row < 2 ? i16x8.extend_low_i8x16_s(words) : i16x8.extend_high_i8x16_s(words);
  return f32x4.convert_i32x4_s(row & 1 ? i32x4.extend_high_i16x8_s(half) : i32x4.extend_low_i16x8_s(half));
}

/** The sum of each of four vectors. */
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** Four rows of bytes times one row of floats; a scale a block if `scaled`, else none. */
@inline
function bytes(w: usize, a: usize, blocks: i32, scaled: bool): v128 {
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  const step: usize = scaled ? 136 : 128;
  for (const end = w + <usize>blocks * step; w < end; w += step - 128) {
    let x0 = f32x4.splat(0);
    let x1 = x0;
    let x2 = x0;
    let x3 = x0;
    for (const last = w + 128; w < last; w += 16) {
      const words = v128.load(w);
      const x = v128.load(a);
      x0 = madd(rowOf(words, 0), x, x0);
      x1 = madd(rowOf(words, 1), x, x1);
      x2 = madd(rowOf(words, 2), x, x2);
      x3 = madd(rowOf(words, 3), x, x3);
      a += 16;
    }
    if (scaled) {
      const s = scalesAt(w);
      t0 = madd(v128.shuffle<f32>(s, s, 0, 0, 0, 0), x0, t0);
      t1 = madd(v128.shuffle<f32>(s, s, 1, 1, 1, 1), x1, t1);
      t2 = madd(v128.shuffle<f32>(s, s, 2, 2, 2, 2), x2, t2);
      t3 = madd(v128.shuffle<f32>(s, s, 3, 3, 3, 3), x3, t3);
    } else {
      t0 = f32x4.add(t0, x0);
      t1 = f32x4.add(t1, x1);
      t2 = f32x4.add(t2, x2);
      t3 = f32x4.add(t3, x3);
    }
  }
  return sums(t0, t1, t2, t3);
}

function halfBytes(w: usize, a: usize, blocks: i32): v128 {
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  const eight = i8x16.splat(8);
  for (const end = w + <usize>blocks * 72; w < end; w += 8) {
    let x0 = f32x4.splat(0);
    let x1 = x0;
    let x2 = x0;
    let x3 = x0;
    for (const last = w + 64; w < last; w += 16) {
      const n = v128.load(w);
      const below = i8x16.sub(v128.and(n, i8x16.splat(15)), eight);
      const above = i8x16.sub(i8x16.shr_u(n, 4), eight);
      const x = v128.load(a);
      x0 = madd(rowOf(below, 0), x, x0);
      x1 = madd(rowOf(below, 1), x, x1);
      x2 = madd(rowOf(below, 2), x, x2);
      x3 = madd(rowOf(below, 3), x, x3);
      const y = v128.load(a, 64);
      x0 = madd(rowOf(above, 0), y, x0);
      x1 = madd(rowOf(above, 1), y, x1);
      x2 = madd(rowOf(above, 2), y, x2);
      x3 = madd(rowOf(above, 3), y, x3);
      a += 16;
    }
    a += 64;
    const s = scalesAt(w);
    t0 = madd(v128.shuffle<f32>(s, s, 0, 0, 0, 0), x0, t0);
    t1 = madd(v128.shuffle<f32>(s, s, 1, 1, 1, 1), x1, t1);
    t2 = madd(v128.shuffle<f32>(s, s, 2, 2, 2, 2), x2, t2);
    t3 = madd(v128.shuffle<f32>(s, s, 3, 3, 3, 3), x3, t3);
  }
  return sums(t0, t1, t2, t3);
}

/** C = A · Wᵀ + bias with the rows of A padded with zeros to whole blocks; the rest as for `integerProduct`. */
export function directProduct(
  format: i32,
  w: usize,
  rowScales: usize,
  a: usize,
  bias: usize,
  c: usize,
  rows: i32,
  columns: i32,
  depth: i32,
): void {
  const blocks = blocksOf(depth);
  const aRow = (<usize>blocks) << 7;
  const cRow = (<usize>columns) << 2;
  for (let column = 0; column < columns; column += 4) {
    const at = (<usize>column) << 2;
    for (let row = 0; row < rows; row++) {
      const x = a + <usize>row * aRow;
      let y: v128;
      if (format === Format.q8) y = bytes(w, x, blocks, true);
      else if (format === Format.q4) y = halfBytes(w, x, blocks);
      else y = f32x4.mul(bytes(w, x, blocks, false), v128.load(rowScales + at));
      if (bias) y = f32x4.add(y, v128.load(bias + at));
      const to = c + <usize>row * cRow + at;
      if (columns - column >= 4) v128.store(to, y);
      else storeEdge(to, columns - column, y);
    }
    w += <usize>blocks * blockBytes(format);
  }
}
