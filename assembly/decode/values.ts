/** sums += probabilities · values: four keys at a time, each read once for all queries; their probabilities are `apart` bytes apart. */
import { madd } from "../lanes";
import { rowBytes, SCORES } from "./scratch";

/** One query's sums, and four values of floats. */
@inline
function add(
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  probabilities: usize,
  apart: usize,
  width: i32,
  sums: usize,
): void {
  const p0 = v128.load32_splat(probabilities);
  const p1 = v128.load32_splat(probabilities + apart);
  const p2 = v128.load32_splat(probabilities + 2 * apart);
  const p3 = v128.load32_splat(probabilities + 3 * apart);
  let at: usize = 0;
  const end = (<usize>width) << 2;
  for (; at + 16 <= end; at += 16) {
    let x = v128.load(sums + at);
    x = madd(p0, v128.load(v0 + at), x);
    x = madd(p1, v128.load(v1 + at), x);
    x = madd(p2, v128.load(v2 + at), x);
    v128.store(sums + at, madd(p3, v128.load(v3 + at), x));
  }
  for (; at < end; at += 4) {
    let x = v128.load32_zero(sums + at);
    x = madd(p0, v128.load32_zero(v0 + at), x);
    x = madd(p1, v128.load32_zero(v1 + at), x);
    x = madd(p2, v128.load32_zero(v2 + at), x);
    x = madd(p3, v128.load32_zero(v3 + at), x);
    store<f32>(sums + at, f32x4.extract_lane(x, 0));
  }
}

/** The sums of `rows` queries, and four values of floats. */
export function addAll(
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  probabilities: usize,
  apart: usize,
  rows: i32,
  width: i32,
  sums: usize,
): void {
  const row = rowBytes(width);
  const end = (<usize>width) << 2;
  let r = 0;
  for (; r + 2 <= rows; r += 2) {
    const below = sums + row;
    const p0 = v128.load32_splat(probabilities);
    const p1 = v128.load32_splat(probabilities + apart);
    const p2 = v128.load32_splat(probabilities + 2 * apart);
    const p3 = v128.load32_splat(probabilities + 3 * apart);
    probabilities += SCORES;
    const r0 = v128.load32_splat(probabilities);
    const r1 = v128.load32_splat(probabilities + apart);
    const r2 = v128.load32_splat(probabilities + 2 * apart);
    const r3 = v128.load32_splat(probabilities + 3 * apart);
    probabilities += SCORES;
    let at: usize = 0;
    for (; at + 16 <= end; at += 16) {
      let x = v128.load(sums + at);
      let y = v128.load(below + at);
      const z0 = v128.load(v0 + at);
      x = madd(p0, z0, x);
      y = madd(r0, z0, y);
      const z1 = v128.load(v1 + at);
      x = madd(p1, z1, x);
      y = madd(r1, z1, y);
      const z2 = v128.load(v2 + at);
      x = madd(p2, z2, x);
      y = madd(r2, z2, y);
      const z3 = v128.load(v3 + at);
      v128.store(sums + at, madd(p3, z3, x));
      v128.store(below + at, madd(r3, z3, y));
    }
    for (; at < end; at += 4) {
      let x = v128.load32_zero(sums + at);
      let y = v128.load32_zero(below + at);
      const z0 = v128.load32_zero(v0 + at);
      x = madd(p0, z0, x);
      y = madd(r0, z0, y);
      const z1 = v128.load32_zero(v1 + at);
      x = madd(p1, z1, x);
      y = madd(r1, z1, y);
      const z2 = v128.load32_zero(v2 + at);
      x = madd(p2, z2, x);
      y = madd(r2, z2, y);
      const z3 = v128.load32_zero(v3 + at);
      store<f32>(sums + at, f32x4.extract_lane(madd(p3, z3, x), 0));
      store<f32>(below + at, f32x4.extract_lane(madd(r3, z3, y), 0));
    }
    sums = below + row;
  }
  if (r < rows) add(v0, v1, v2, v3, probabilities, apart, width, sums);
}

/**
 * The sums of `rows` queries, and one value of floats, which reaches only those whose probability is not 0: 0 · ∞ would
 * be NaN.
 */
export function addSeen(value: usize, probabilities: usize, rows: i32, width: i32, sums: usize): void {
  const row = rowBytes(width);
  const end = (<usize>width) << 2;
  for (let r = 0; r < rows; r++) {
    const p = load<f32>(probabilities);
    if (p !== 0) {
      const weight = f32x4.splat(p);
      let at: usize = 0;
      for (; at + 16 <= end; at += 16)
        v128.store(sums + at, madd(weight, v128.load(value + at), v128.load(sums + at)));
      // Rounded as whole vectors are, so that it does not matter which way is taken.
      for (; at < end; at += 4)
        store<f32>(
          sums + at,
          f32x4.extract_lane(madd(weight, v128.load32_zero(value + at), v128.load32_zero(sums + at)), 0),
        );
    }
    probabilities += SCORES;
    sums += row;
  }
}
