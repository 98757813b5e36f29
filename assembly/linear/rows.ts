/** Rows of floats as the recurrences use them. `width` is padded to whole vectors, beyond which rows hold zeros. */
import { madd } from "../lanes";

/** Floats of a row, padded to whole vectors. */
@inline
export function padded(width: i32): i32 {
  return (width + 3) & ~3;
}

/** 2^−40. Below it a factor counts as 0, so that no product of three is a slow denormal number. */
const LEAST: f32 = reinterpret<f32>(0x2b800000);

/** Factors, with 0 for those below 2^−40 in size. */
@inline
export function flush(x: v128): v128 {
  // One instruction where f32x4.abs is three.
  const size = v128.and(x, i32x4.splat(0x7fffffff));
  return v128.andnot(x, f32x4.lt(size, f32x4.splat(LEAST)));
}

/** The same of one factor. */
@inline
export function flushOne(x: f32): f32 {
  return abs(x) < LEAST ? 0 : x;
}

/** Copies rows into rows of `padded(width)` floats. */
export function padRows(source: usize, stride: usize, rows: i32, width: i32, target: usize): void {
  const whole = (<usize>(width & ~3)) << 2;
  const rest = width & 3;
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < whole; at += 16) v128.store(target + at, v128.load(source + at));
    target += whole;
    if (rest) {
      const from = source + whole;
      v128.store(target, f32x4.splat(0));
      store<f32>(target, load<f32>(from));
      if (rest > 1) store<f32>(target, load<f32>(from, 4), 4);
      if (rest > 2) store<f32>(target, load<f32>(from, 8), 8);
      target += 16;
    }
    source += stride;
  }
}

/** target = factor · source, `bytes` (a multiple of 16). */
export function scaleRow(source: usize, factor: f32, target: usize, bytes: usize): void {
  const by = f32x4.splat(factor);
  for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, f32x4.mul(by, v128.load(source + at)));
}

/** row *= factors, value by value, `bytes` (a multiple of 16). */
export function fadeRow(row: usize, factors: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16)
    v128.store(row + at, f32x4.mul(v128.load(factors + at), v128.load(row + at)));
}

/** Σ a · b over `width` floats. */
export function dot(a: usize, b: usize, width: i32): f32 {
  let sums = f32x4.splat(0);
  let d = 0;
  for (; d + 4 <= width; d += 4) {
    sums = madd(v128.load(a), v128.load(b), sums);
    a += 16;
    b += 16;
  }
  let sum = sumOf(sums);
  for (; d < width; d++) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

/** row += factor · source over `width` floats. */
export function addRow(row: usize, factor: f32, source: usize, width: i32): void {
  const by = f32x4.splat(factor);
  let d = 0;
  for (; d + 4 <= width; d += 4) {
    v128.store(row, madd(by, v128.load(source), v128.load(row)));
    row += 16;
    source += 16;
  }
  for (; d < width; d++) {
    store<f32>(row, load<f32>(row) + factor * load<f32>(source));
    row += 4;
    source += 4;
  }
}

/** Σ a · b · c over `width` floats. */
export function dotThree(a: usize, b: usize, c: usize, width: i32): f32 {
  let sums = f32x4.splat(0);
  let d = 0;
  let at: usize = 0;
  for (; d + 4 <= width; d += 4) {
    sums = madd(f32x4.mul(v128.load(a + at), v128.load(b + at)), v128.load(c + at), sums);
    at += 16;
  }
  let sum = sumOf(sums);
  for (; d < width; d++) {
    sum += load<f32>(a + at) * load<f32>(b + at) * load<f32>(c + at);
    at += 4;
  }
  return sum;
}

@inline
function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}
