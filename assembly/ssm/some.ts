/** Vectors of fewer than four floats, for the channels that are left over, and what states need. */
import { exponential } from "../lanes";

/** The first `count` (1 to 4) floats; zeros beyond. */
@inline
export function read(at: usize, count: i32): v128 {
  return count >= 4 ? v128.load(at) : readPart(at, count);
}

function readPart(at: usize, count: i32): v128 {
  let x = v128.load32_zero(at);
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(at, 4));
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(at, 8));
  return x;
}

/** Stores the first `count` (1 to 4) floats. */
@inline
export function write(at: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(at, x);
  else writePart(at, x, count);
}

function writePart(at: usize, x: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(x, 2), 8);
}

/** Numbers below 2^−126 become 0: a state that fades away must not stay a slow denormal. NaN stays. */
@inline
export function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1.1754943508222875e-38)));
}

/** e^x, but never ∞, which would be NaN times a state of 0. */
@inline
export function decayOf(x: v128): v128 {
  return exponential(f32x4.pmin(x, f32x4.splat(88.7)));
}
