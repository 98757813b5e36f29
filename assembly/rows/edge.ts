/** The last one to three floats of a row. */

/** `count` (1 to 3) floats, and `filler` in the other lanes. */
@inline
export function loadEdge(source: usize, count: i32, filler: f32): v128 {
  let x = v128.load32_lane(source, f32x4.splat(filler), 0);
  if (count > 1) x = v128.load32_lane(source, x, 1, 4);
  if (count > 2) x = v128.load32_lane(source, x, 2, 8);
  return x;
}

/** The first `count` (1 to 3) lanes. */
@inline
export function storeEdge(target: usize, count: i32, x: v128): void {
  v128.store32_lane(target, x, 0);
  if (count > 1) v128.store32_lane(target, x, 1, 4);
  if (count > 2) v128.store32_lane(target, x, 2, 8);
}

@inline
export function largestLane(x: v128): f32 {
  const pairs = f32x4.max(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** The sum of four lanes, in float64. */
@inline
export function total(x: v128): f64 {
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  const both = f64x2.add(low, high);
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
}
