/** Activations rounded to whole numbers of 8 bits, as the integer products take them. */
import { largestLane, loadEdge, total } from "../rows/edge";
import { blocksOf, Format } from "./layout";

/** Below this (2^−120) the largest of a group counts as 0: 127 over it would not be finite. */
export const NOTHING: f32 = 7.52316384526264e-37;

/** Whether they are kept in single bytes, for the relaxed product, and not in two. */
@inline
export function inBytes(format: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && format === Format.q4;
}

/** Bytes of one row of whole numbers. */
@inline
export function activationBytes(format: i32, depth: i32): usize {
  return <usize>blocksOf(depth) << (inBytes(format) ? 5 : 6);
}

/** The largest size of a row's values from one column on, `count` of them; NaN if any is. */
function largestSize(source: usize, count: i32): f32 {
  const whole = source + ((<usize>(count & ~3)) << 2);
  let top = f32x4.splat(0);
  for (; source < whole; source += 16) top = f32x4.max(top, f32x4.abs(v128.load(source)));
  if (count & 3) top = f32x4.max(top, f32x4.abs(loadEdge(source, count & 3, 0)));
  return largestLane(top);
}

/**
 * Each value over the scale of its group, rounded to the nearest whole number, halves to even: a group is 32 columns, or the
 * whole row for weights with one scale a row. The scale is the largest size of the group over 127, `scales` holds those of a
 * row's groups one after the other; `sums` gets eight times the sum of each 32 whole numbers. In float32: inverse = 127 /
 * largest, number = nearest(x · inverse).
 */
export function quantiseActivations(
  format: i32,
  source: usize,
  rows: i32,
  depth: i32,
  numbers: usize,
  scales: usize,
  sums: usize,
): void {
  const blocks = blocksOf(depth);
  for (let row = 0; row < rows; row++) {
    let inverse: f32 = 0;
    for (let block = 0; block < blocks; block++) {
      const left = depth - (block << 5);
      if (block === 0 || format !== Format.int8) {
        const largest = largestSize(source + ((<usize>block) << 7), format === Format.int8 ? depth : min(left, 32));
        const tiny = largest < NOTHING;
        inverse = tiny ? 0 : 127 / largest;
        store<f32>(scales, tiny ? 0 : largest / 127);
        scales += 4;
      }
      let sum = i32x4.splat(0);
      for (let d = 0; d < 32; d += 4) {
        const at = source + ((<usize>((block << 5) + d)) << 2);
        const here = left - d;
        const x = here >= 4 ? v128.load(at) : here > 0 ? loadEdge(at, here, 0) : f32x4.splat(0);
        const n = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(x, f32x4.splat(inverse))));
        sum = i32x4.add(sum, n);
        if (inBytes(format)) {
          const short = i16x8.narrow_i32x4_s(n, n);
          v128.store32_lane(numbers, i8x16.narrow_i16x8_s(short, short), 0);
          numbers += 4;
        } else {
          // The plain product of half bytes meets every second number first.
          const ordered = format === Format.q4 ? v128.shuffle<i32>(n, n, 0, 2, 1, 3) : n;
          v128.store64_lane(numbers, i16x8.narrow_i32x4_s(ordered, ordered), 0);
          numbers += 8;
        }
      }
      store<i32>(sums, <i32>total(f32x4.convert_i32x4_s(sum)) << 3);
      sums += 4;
    }
    source += (<usize>depth) << 2;
  }
}
