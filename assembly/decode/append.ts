/** Rows of floats written to a cache. */
import { copyFloats } from "../pack";
import { hasSpecial } from "./narrow";

/**
 * Writes `count` rows of each of `heads` heads as float32, float16 (nearest, ties to even; 65520 and more become
 * infinite) or int8 with a scale each. Strides are in bytes. Returns whether a float16 came out infinite or NaN.
 */
export function appendRows(
  type: i32,
  source: usize,
  sourceHead: usize,
  sourceRow: usize,
  heads: i32,
  count: i32,
  width: i32,
  target: usize,
  targetHead: usize,
  targetRow: usize,
  scales: usize,
  scaleHead: usize,
  scaleRow: usize,
): bool {
  let special = false;
  for (let row = 0; row < count; row++)
    for (let head = 0; head < heads; head++) {
      const from = source + <usize>head * sourceHead + <usize>row * sourceRow;
      const to = target + <usize>head * targetHead + <usize>row * targetRow;
      if (type === 0) copyFloats(from, width, to);
      else if (type === 1) {
        toHalves(from, width, to);
        special = hasSpecial(to, (<usize>width) << 1) || special;
      } else store<f32>(scales + <usize>head * scaleHead + <usize>row * scaleRow, toIntegers(from, width, to));
    }
  return special;
}

function toHalves(source: usize, width: i32, target: usize): void {
  let i = 0;
  for (; i + 4 <= width; i += 4) {
    const x = halves(v128.load(source));
    v128.store64_lane(target, i16x8.narrow_i32x4_u(x, x), 0);
    source += 16;
    target += 8;
  }
  for (; i < width; i++) {
    store<u16>(target, <u16>i32x4.extract_lane(halves(v128.load32_zero(source)), 0));
    source += 4;
    target += 2;
  }
}

/** The bits of the nearest float16 of four floats, each in 32 bits. */
@inline
function halves(x: v128): v128 {
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  const size = f32x4.abs(x);
  // The exponent counts from 15 instead of 127; what is cut off rounds up from a half on, at a half if that makes it even.
  const odd = v128.and(i32x4.shr_u(size, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(size, i32x4.splat(0xc8000fff)), odd), 13);
  // Beside ½ the last place of a float is that of a subnormal.
  const tiny = i32x4.sub(f32x4.add(size, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  let bits = v128.bitselect(tiny, normal, f32x4.lt(size, f32x4.splat(6.103515625e-5)));
  bits = v128.bitselect(i32x4.splat(0x7c00), bits, f32x4.ge(size, f32x4.splat(65520)));
  bits = v128.bitselect(i32x4.splat(0x7e00), bits, f32x4.ne(x, x));
  return v128.or(bits, sign);
}

/**
 * A row in steps of its largest over 127, to the nearest, ties to even; returns the step. A row with an infinity or NaN
 * has the step NaN, and so reads as NaN throughout.
 */
function toIntegers(source: usize, width: i32, target: usize): f32 {
  let largest: f32 = 0;
  for (let i = 0; i < width; i++) largest = max(largest, abs(load<f32>(source + (i << 2))));
  const finite = largest < Infinity;
  const step: f32 = finite ? largest / 127 : NaN;
  const factor: f64 = step > 0 ? 1 / <f64>step : 0;
  for (let i = 0; i < width; i++) {
    const x = finite ? nearest<f64>(<f64>load<f32>(source + (i << 2)) * factor) : 0;
    store<i8>(target + i, <i8>(<i32>min<f64>(max<f64>(x, -127), 127)));
  }
  return step;
}
