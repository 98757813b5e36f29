/**
 * int8 keys and values times one query, as integers: the numbers they meet are written as multiples of a unit, a power
 * of two of which the largest has 2^28 to 2^29, in two parts of 16 bits: 2^15 · high + low. Products of 16 bits add up exactly.
 */
import { deal } from "./keys";
import { rowBytes, SCORES } from "./scratch";

/** Bytes from one unit to the next; behind each stand what sums of high and of low parts are too large by. */
export const UNITS: usize = 16;

/**
 * The parts of `count` floats, and eight at a time: `high` and `low` reach to the next multiple of eight, as do the
 * floats. Returns the unit; 0 if all are 0, NaN if there is no such unit.
 */
export function split(floats: usize, count: i32, high: usize, low: usize): f32 {
  const end = floats + (<usize>((count + 7) & ~7) << 2);
  let most = f32x4.splat(0);
  // Floats without a sign are in order as integers are, with NaN at the end.
  for (let at = floats; at < end; at += 16) most = i32x4.max_u(most, f32x4.abs(v128.load(at)));
  const half = i32x4.max_u(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  const largest = f32x4.extract_lane(i32x4.max_u(half, v128.shuffle<f32>(half, half, 1, 0, 3, 2)), 0);
  // Beyond these the unit or its inverse is no normal number.
  if (!(largest < 1e30)) return NaN;
  if (largest < 1e-25) return largest === 0 ? 0 : NaN;
  // A power of two, so that the largest is below 2^29 units and nothing is rounded but what is far smaller.
  const exponent = reinterpret<i32>(largest) & 0x7f800000;
  const unit = reinterpret<f32>(exponent - (28 << 23));
  const inverse = f32x4.splat(reinterpret<f32>((282 << 23) - exponent));
  for (let at = floats; at < end; at += 32) {
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), inverse)));
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 16), inverse)));
    const aHigh = i32x4.shr_s(i32x4.add(a, i32x4.splat(1 << 14)), 15);
    const bHigh = i32x4.shr_s(i32x4.add(b, i32x4.splat(1 << 14)), 15);
    v128.store(high, i16x8.narrow_i32x4_s(aHigh, bHigh));
    v128.store(low, i16x8.narrow_i32x4_s(i32x4.sub(a, i32x4.shl(aHigh, 15)), i32x4.sub(b, i32x4.shl(bHigh, 15))));
    high += 16;
    low += 16;
  }
  return unit;
}

/** The sums of the lanes of four vectors of integers. */
@inline
export function lanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** 2^15 · high + low in units. */
@inline
export function joined(high: v128, low: v128, unit: v128): v128 {
  const h = f32x4.mul(f32x4.convert_i32x4_s(high), f32x4.mul(f32x4.splat(32768), unit));
  return f32x4.add(h, f32x4.mul(f32x4.convert_i32x4_s(low), unit));
}

/** `count` parts of one kind times four keys. */
@inline
export function partial(k0: usize, k1: usize, k2: usize, k3: usize, parts: usize, count: i32): v128 {
  let x0 = i32x4.splat(0);
  let x1 = x0;
  let x2 = x0;
  let x3 = x0;
  let at: usize = 0;
  for (const end: usize = count & ~7; at < end; at += 8) {
    const p = v128.load(parts);
    x0 = i32x4.add(x0, i32x4.dot_i16x8_s(v128.load_ext<i8>(k0 + at), p));
    x1 = i32x4.add(x1, i32x4.dot_i16x8_s(v128.load_ext<i8>(k1 + at), p));
    x2 = i32x4.add(x2, i32x4.dot_i16x8_s(v128.load_ext<i8>(k2 + at), p));
    x3 = i32x4.add(x3, i32x4.dot_i16x8_s(v128.load_ext<i8>(k3 + at), p));
    parts += 16;
  }
  let sum = lanes(x0, x1, x2, x3);
  for (; at < <usize>count; at++) {
    const x = i32x4(<i32>load<i8>(k0 + at), <i32>load<i8>(k1 + at), <i32>load<i8>(k2 + at), <i32>load<i8>(k3 + at));
    sum = i32x4.add(sum, i32x4.mul(x, i32x4.splat(<i32>load<i16>(parts))));
    parts += 2;
  }
  return sum;
}

/** One query times four keys. */
@inline
function score(
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  high: usize,
  low: usize,
  unit: v128,
  width: i32,
): v128 {
  let h0 = i32x4.splat(0);
  let h1 = h0;
  let h2 = h0;
  let h3 = h0;
  let l0 = h0;
  let l1 = h0;
  let l2 = h0;
  let l3 = h0;
  let at: usize = 0;
  for (const end: usize = width & ~7; at < end; at += 8) {
    const h = v128.load(high);
    const l = v128.load(low);
    const y0 = v128.load_ext<i8>(k0 + at);
    h0 = i32x4.add(h0, i32x4.dot_i16x8_s(y0, h));
    l0 = i32x4.add(l0, i32x4.dot_i16x8_s(y0, l));
    const y1 = v128.load_ext<i8>(k1 + at);
    h1 = i32x4.add(h1, i32x4.dot_i16x8_s(y1, h));
    l1 = i32x4.add(l1, i32x4.dot_i16x8_s(y1, l));
    const y2 = v128.load_ext<i8>(k2 + at);
    h2 = i32x4.add(h2, i32x4.dot_i16x8_s(y2, h));
    l2 = i32x4.add(l2, i32x4.dot_i16x8_s(y2, l));
    const y3 = v128.load_ext<i8>(k3 + at);
    h3 = i32x4.add(h3, i32x4.dot_i16x8_s(y3, h));
    l3 = i32x4.add(l3, i32x4.dot_i16x8_s(y3, l));
    high += 16;
    low += 16;
  }
  let h = lanes(h0, h1, h2, h3);
  let l = lanes(l0, l1, l2, l3);
  for (; at < <usize>width; at++) {
    const x = i32x4(<i32>load<i8>(k0 + at), <i32>load<i8>(k1 + at), <i32>load<i8>(k2 + at), <i32>load<i8>(k3 + at));
    h = i32x4.add(h, i32x4.mul(x, i32x4.splat(<i32>load<i16>(high))));
    l = i32x4.add(l, i32x4.mul(x, i32x4.splat(<i32>load<i16>(low))));
    high += 2;
    low += 2;
  }
  return joined(h, l, unit);
}

/**
 * Scores of four keys of `heads` heads, `kHead` bytes apart: a row of scores for each. For each head `parts` has a row of
 * high parts and one of low ones, and `units` the unit.
 */
export function scoreIntegers(
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  kHead: usize,
  parts: usize,
  units: usize,
  heads: i32,
  width: i32,
  target: usize,
  apart: usize,
): void {
  const row = rowBytes(width);
  for (let j = 0; j < heads; j++) {
    deal(score(k0, k1, k2, k3, parts, parts + (row >> 1), v128.load32_splat(units), width), target, apart);
    k0 += kHead;
    k1 += kHead;
    k2 += kHead;
    k3 += kHead;
    parts += row;
    units += UNITS;
    target += SCORES;
  }
}

/** Two parts, `apart` bytes from one another, again and again. */
@inline
function pair(part: usize, apart: usize): v128 {
  return v128.shuffle<i16>(v128.load16_splat(part), v128.load16_splat(part + apart), 0, 8, 1, 9, 2, 10, 3, 11);
}

/** One query's sums, and four values `step` bytes apart. */
@inline
function add(
  v0: usize,
  step: usize,
  high: usize,
  apart: usize,
  width: i32,
  sums: usize,
  row: usize,
): void {
  const low = high + (SCORES >> 1);
  const h01 = pair(high, apart);
  const h23 = pair(high + 2 * apart, apart);
  const l01 = pair(low, apart);
  const l23 = pair(low + 2 * apart, apart);
  const v1 = v0 + step;
  const v2 = v1 + step;
  const v3 = v2 + step;
  let lows = sums + row;
  let at: usize = 0;
  for (const end: usize = width & ~7; at < end; at += 8) {
    const y0 = v128.load_ext<i8>(v0 + at);
    const y1 = v128.load_ext<i8>(v1 + at);
    const y2 = v128.load_ext<i8>(v2 + at);
    const y3 = v128.load_ext<i8>(v3 + at);
    const a = v128.shuffle<i16>(y0, y1, 0, 8, 1, 9, 2, 10, 3, 11);
    const b = v128.shuffle<i16>(y2, y3, 0, 8, 1, 9, 2, 10, 3, 11);
    v128.store(sums, i32x4.add(v128.load(sums), i32x4.add(i32x4.dot_i16x8_s(a, h01), i32x4.dot_i16x8_s(b, h23))));
    v128.store(lows, i32x4.add(v128.load(lows), i32x4.add(i32x4.dot_i16x8_s(a, l01), i32x4.dot_i16x8_s(b, l23))));
    const c = v128.shuffle<i16>(y0, y1, 4, 12, 5, 13, 6, 14, 7, 15);
    const d = v128.shuffle<i16>(y2, y3, 4, 12, 5, 13, 6, 14, 7, 15);
    v128.store(
      sums,
      i32x4.add(v128.load(sums, 16), i32x4.add(i32x4.dot_i16x8_s(c, h01), i32x4.dot_i16x8_s(d, h23))),
      16,
    );
    v128.store(
      lows,
      i32x4.add(v128.load(lows, 16), i32x4.add(i32x4.dot_i16x8_s(c, l01), i32x4.dot_i16x8_s(d, l23))),
      16,
    );
    sums += 32;
    lows += 32;
  }
  for (; at < <usize>width; at++) {
    const x = i32x4(<i32>load<i8>(v0 + at), <i32>load<i8>(v1 + at), <i32>load<i8>(v2 + at), <i32>load<i8>(v3 + at));
    store<i32>(sums, load<i32>(sums) + inner(x, h01, h23));
    store<i32>(lows, load<i32>(lows) + inner(x, l01, l23));
    sums += 4;
    lows += 4;
  }
}

/**
 * Adds four values that are `step` bytes apart, of `heads` heads, `vHead` bytes apart, to the integer sums of each: a row
 * of the high ones, then, `row` bytes on, one of the low ones. The values' parts are `apart` bytes apart.
 */
export function addIntegers(
  v: usize,
  step: usize,
  vHead: usize,
  high: usize,
  apart: usize,
  heads: i32,
  width: i32,
  sums: usize,
  row: usize,
): void {
  for (let j = 0; j < heads; j++) {
    add(v, step, high, apart, width, sums, row);
    v += vHead;
    high += SCORES;
    sums += 6 * row;
  }
}

/** Four integers times four parts. */
@inline
function inner(x: v128, first: v128, second: v128): i32 {
  const parts = v128.shuffle<i32>(i32x4.extend_low_i16x8_s(first), i32x4.extend_low_i16x8_s(second), 0, 1, 4, 5);
  const y = i32x4.mul(x, parts);
  return (
    i32x4.extract_lane(y, 0) + i32x4.extract_lane(y, 1) + i32x4.extract_lane(y, 2) + i32x4.extract_lane(y, 3)
  );
}

/** Adds the integer sums to sums of floats. */
export function flushIntegers(integers: usize, unit: f32, width: i32, sums: usize): void {
  const row = rowBytes(width);
  const by = f32x4.splat(unit);
  for (let at: usize = 0; at < row; at += 16) {
    const high = integers + at;
    v128.store(sums + at, f32x4.add(v128.load(sums + at), joined(v128.load(high), v128.load(high + row), by)));
  }
}
