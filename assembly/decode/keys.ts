/** Products of queries and keys: four keys at a time, each read once for all queries. */
import { madd } from "../lanes";
import { rowBytes, SCORES } from "./scratch";

/** The sums of the lanes of four vectors. */
@inline
export function lanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** Stores the scores of four keys that are `apart` from one another. */
@inline
export function deal(four: v128, target: usize, apart: usize): void {
  v128.store_lane<f32>(target, four, 0);
  v128.store_lane<f32>(target + apart, four, 1);
  v128.store_lane<f32>(target + 2 * apart, four, 2);
  v128.store_lane<f32>(target + 3 * apart, four, 3);
}

/** One query times four keys of floats. */
@inline
function score(k0: usize, k1: usize, k2: usize, k3: usize, q: usize, width: i32): v128 {
  let x0 = f32x4.splat(0);
  let x1 = x0;
  let x2 = x0;
  let x3 = x0;
  let at: usize = 0;
  const end = (<usize>width) << 2;
  for (; at + 16 <= end; at += 16) {
    const a = v128.load(q + at);
    x0 = madd(a, v128.load(k0 + at), x0);
    x1 = madd(a, v128.load(k1 + at), x1);
    x2 = madd(a, v128.load(k2 + at), x2);
    x3 = madd(a, v128.load(k3 + at), x3);
  }
  for (; at < end; at += 4) {
    const a = v128.load32_zero(q + at);
    x0 = madd(a, v128.load32_zero(k0 + at), x0);
    x1 = madd(a, v128.load32_zero(k1 + at), x1);
    x2 = madd(a, v128.load32_zero(k2 + at), x2);
    x3 = madd(a, v128.load32_zero(k3 + at), x3);
  }
  return lanes(x0, x1, x2, x3);
}

/** `rows` queries times four keys of floats. */
export function scores(
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  q: usize,
  rows: i32,
  width: i32,
  target: usize,
  apart: usize,
): void {
  const row = rowBytes(width);
  const end = (<usize>width) << 2;
  let r = 0;
  for (; r + 2 <= rows; r += 2) {
    const p = q + row;
    let x0 = f32x4.splat(0);
    let x1 = x0;
    let x2 = x0;
    let x3 = x0;
    let y0 = x0;
    let y1 = x0;
    let y2 = x0;
    let y3 = x0;
    let at: usize = 0;
    for (; at + 16 <= end; at += 16) {
      const a = v128.load(q + at);
      const b = v128.load(p + at);
      const z0 = v128.load(k0 + at);
      x0 = madd(a, z0, x0);
      y0 = madd(b, z0, y0);
      const z1 = v128.load(k1 + at);
      x1 = madd(a, z1, x1);
      y1 = madd(b, z1, y1);
      const z2 = v128.load(k2 + at);
      x2 = madd(a, z2, x2);
      y2 = madd(b, z2, y2);
      const z3 = v128.load(k3 + at);
      x3 = madd(a, z3, x3);
      y3 = madd(b, z3, y3);
    }
    for (; at < end; at += 4) {
      const a = v128.load32_zero(q + at);
      const b = v128.load32_zero(p + at);
      const z0 = v128.load32_zero(k0 + at);
      x0 = madd(a, z0, x0);
      y0 = madd(b, z0, y0);
      const z1 = v128.load32_zero(k1 + at);
      x1 = madd(a, z1, x1);
      y1 = madd(b, z1, y1);
      const z2 = v128.load32_zero(k2 + at);
      x2 = madd(a, z2, x2);
      y2 = madd(b, z2, y2);
      const z3 = v128.load32_zero(k3 + at);
      x3 = madd(a, z3, x3);
      y3 = madd(b, z3, y3);
    }
    deal(lanes(x0, x1, x2, x3), target, apart);
    deal(lanes(y0, y1, y2, y3), target + SCORES, apart);
    q = p + row;
    target += 2 * SCORES;
  }
  if (r < rows) deal(score(k0, k1, k2, k3, q, width), target, apart);
}
