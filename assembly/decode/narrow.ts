/** Rows of float16 and int8 as floats. T is f32, u16 (the bits of a float16) or i8. */
import { copyFloats } from "../pack";

/** What {@link tinyLow} and {@link tinyHigh} are too small by. */
export const TINY: f32 = 5.192296858534828e33;

/** A mask for {@link tinyLow} and {@link tinyHigh}: all but the bits that a sign leaves in an exponent moved by three. */
@inline
export function signless(): v128 {
  return i16x8.splat(<i16>0x8fff);
}

/**
 * The first four of eight float16 as floats of 2^−112 their value, provided none is infinite or NaN: their exponents
 * counted as a float's. Subnormals become a float's subnormals, which are exact, if slow.
 */
@inline
export function tinyLow(x: v128, mask: v128): v128 {
  const high = v128.and(i16x8.shr_s(x, 3), mask);
  return v128.shuffle<i16>(i16x8.shl(x, 13), high, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The last four. */
@inline
export function tinyHigh(x: v128, mask: v128): v128 {
  const high = v128.and(i16x8.shr_s(x, 3), mask);
  return v128.shuffle<i16>(i16x8.shl(x, 13), high, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** 2^112 times that; infinities and NaN, which then have an exponent of 16, get the largest one. */
@inline
function grown(x: v128): v128 {
  const y = f32x4.mul(x, f32x4.splat(TINY));
  return v128.or(y, v128.and(f32x4.ge(f32x4.abs(y), f32x4.splat(65536)), i32x4.splat(0x7f800000)));
}

/** A row of float16, none of them infinite or NaN, as floats of 2^−112 their value. */
export function widenTiny(source: usize, width: i32, target: usize): void {
  const end = target + ((<usize>width) << 2);
  for (; target + 32 <= end; target += 32) {
    const x = v128.load(source);
    v128.store(target, tinyLow(x, signless()));
    v128.store(target, tinyHigh(x, signless()), 16);
    source += 16;
  }
  for (; target < end; target += 4) {
    store<f32>(target, f32x4.extract_lane(tinyLow(v128.load16_splat(source), signless()), 0));
    source += 2;
  }
}

/** A row as floats. */
export function widen<T>(source: usize, width: i32, target: usize): void {
  if (isFloat<T>()) return copyFloats(source, width, target);
  const end = target + ((<usize>width) << 2);
  for (; target + 32 <= end; target += 32) {
    if (sizeof<T>() === 2) {
      const x = v128.load(source);
      v128.store(target, grown(tinyLow(x, signless())));
      v128.store(target, grown(tinyHigh(x, signless())), 16);
    } else {
      const x = v128.load_ext<i8>(source);
      v128.store(target, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(x)));
      v128.store(target, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(x)), 16);
    }
    source += 8 * sizeof<T>();
  }
  for (; target < end; target += 4) {
    store<f32>(target, one<T>(source));
    source += sizeof<T>();
  }
}

/** One value as a float. */
@inline
export function one<T>(at: usize): f32 {
  if (isFloat<T>()) return load<f32>(at);
  if (sizeof<T>() === 2) return f32x4.extract_lane(grown(tinyLow(v128.load16_splat(at), signless())), 0);
  return <f32>load<i8>(at);
}

/** Whether any of the float16 in `bytes` bytes is infinite or NaN. */
export function hasSpecial(source: usize, bytes: usize): bool {
  const end = source + bytes;
  let most = i16x8.splat(0);
  for (; source + 16 <= end; source += 16) most = i16x8.max_u(most, i16x8.shl(v128.load(source), 1));
  for (; source < end; source += 2) most = i16x8.max_u(most, i16x8.shl(v128.load16_splat(source), 1));
  return v128.any_true(i16x8.ge_u(most, i16x8.splat(<i16>0xf800)));
}
