import { loadEdge, storeEdge } from "./edge";

/** What a row is divided by; `src/wasm/rows.ts` names them in the same order. */
export const enum Norm {
  /** √(mean of x² + ε). */
  rms,
  /** √(variance + ε), of x less its mean. */
  layer,
  /** max(√(sum of x²), ε). */
  l2,
}

@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 0, 1));
}

@inline
function lanes(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** target = a + b, `count` floats; all may be the same. */
export function sum(a: usize, b: usize, target: usize, count: i32): void {
  const whole = target + ((<usize>(count & ~3)) << 2);
  for (; target < whole; target += 16) {
    v128.store(target, f32x4.add(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
  if (count & 3) storeEdge(target, count & 3, f32x4.add(loadEdge(a, count & 3, 0), loadEdge(b, count & 3, 0)));
}

function meanOf(source: usize, width: i32): f64 {
  const whole = source + ((<usize>(width & ~3)) << 2);
  let a = f64x2.splat(0);
  let b = a;
  for (; source < whole; source += 16) {
    const x = v128.load(source);
    a = f64x2.add(a, f64x2.promote_low_f32x4(x));
    b = f64x2.add(b, high(x));
  }
  if (width & 3) {
    const x = loadEdge(source, width & 3, 0);
    a = f64x2.add(a, f64x2.promote_low_f32x4(x));
    b = f64x2.add(b, high(x));
  }
  return lanes(f64x2.add(a, b)) / <f64>width;
}

/** Σ (x − centre)². */
function spread(source: usize, width: i32, centre: f64): f64 {
  const whole = source + ((<usize>(width & ~3)) << 2);
  const middle = f64x2.splat(centre);
  let a = f64x2.splat(0);
  let b = a;
  for (; source < whole; source += 16) {
    const x = v128.load(source);
    const low = f64x2.sub(f64x2.promote_low_f32x4(x), middle);
    const other = f64x2.sub(high(x), middle);
    a = f64x2.add(a, f64x2.mul(low, low));
    b = f64x2.add(b, f64x2.mul(other, other));
  }
  let all = lanes(f64x2.add(a, b));
  for (let i = 0; i < (width & 3); i++) {
    const x = <f64>load<f32>(source + (i << 2)) - centre;
    all += x * x;
  }
  return all;
}

@inline
function normal(x: v128, centre: v128, factor: v128): v128 {
  const low = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(x), centre), factor);
  const other = f64x2.mul(f64x2.sub(high(x), centre), factor);
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(other), 0, 1, 4, 5);
}

/**
 * target = (x − centre) / size · (offset + weight) + bias for each row of x, sums in float64; without weight or bias (0)
 * they are left out. Target and source may be the same.
 */
export function normalise(
  which: i32,
  source: usize,
  weight: usize,
  bias: usize,
  target: usize,
  rows: i32,
  width: i32,
  epsilon: f64,
  offset: f32,
): void {
  const more = f32x4.splat(offset);
  const count = width & 3;
  for (let r = 0; r < rows; r++) {
    const mean = which === Norm.layer ? meanOf(source, width) : 0;
    const squares = spread(source, width, mean);
    const size = which === Norm.l2 ? max(sqrt(squares), epsilon) : sqrt(squares / <f64>width + epsilon);
    const centre = f64x2.splat(mean);
    const factor = f64x2.splat(1 / size);
    let at: usize = 0;
    for (const end = (<usize>(width & ~3)) << 2; at < end; at += 16) {
      let y = normal(v128.load(source + at), centre, factor);
      if (weight) y = f32x4.mul(y, f32x4.add(more, v128.load(weight + at)));
      if (bias) y = f32x4.add(y, v128.load(bias + at));
      v128.store(target + at, y);
    }
    if (count) {
      let y = normal(loadEdge(source + at, count, 0), centre, factor);
      if (weight) y = f32x4.mul(y, f32x4.add(more, loadEdge(weight + at, count, 0)));
      if (bias) y = f32x4.add(y, loadEdge(bias + at, count, 0));
      storeEdge(target + at, count, y);
    }
    source += (<usize>width) << 2;
    target += (<usize>width) << 2;
  }
}
