/**
 * int8 keys and values times one query by the engine's own dot product of bytes: the parts of `split` are written as
 * 256 · upper + lower, two bytes with a sign, so that a number is four digits. Sums of whole numbers are exact in any
 * order: a digit's are below 2^7 · 2^7 · 256 times, and put together they are the sums of the parts that `integers.ts`
 * gives, bit for bit.
 *
 * Keys and values are xored with `flip`: 0x80 where the instruction takes them without a sign, which then are 128 more
 * than they are, else 0. What that adds to the sums of the parts, 128 times the parts, is taken off at the end.
 */
import { dot } from "../quantised/dot";
import { joined, lanes, partial, UNITS } from "./integers";
import { deal } from "./keys";
import { KEYS, rowBytes, SCORES } from "./scratch";

/** Bytes from one digit of a block's probabilities to the next. */
const PLANE: usize = KEYS + 8;

/** What the sums are too large by, for each part. */
function more(flip: i32): i32 {
  return flip ? 128 : 0;
}

/** The digits of a query's parts, for {@link scoreDigits}, and behind the unit what its sums are too large by. */
export function queryDigits(parts: usize, width: i32, flip: i32, digits: usize, unit: usize): void {
  const low = parts + (rowBytes(width) >> 1);
  const whole = width & ~15;
  cut(parts, whole, digits, 16, 64);
  cut(low, whole, digits + 32, 16, 64);
  store<i32>(unit, more(flip) * total(parts, whole), 4);
  store<i32>(unit, more(flip) * total(low, whole), 8);
}

/** Eight times `eighth` parts, so many bytes of which follow one another, as the first of each eight, then the second. */
function turn(parts: usize, eighth: usize, target: usize): void {
  if (eighth === 8) {
    // Interleaved three times, a table of eight by eight is turned.
    const a0 = v128.load(parts);
    const a1 = v128.load(parts, 16);
    const a2 = v128.load(parts, 32);
    const a3 = v128.load(parts, 48);
    const a4 = v128.load(parts, 64);
    const a5 = v128.load(parts, 80);
    const a6 = v128.load(parts, 96);
    const a7 = v128.load(parts, 112);
    const b0 = v128.shuffle<i16>(a0, a4, 0, 8, 1, 9, 2, 10, 3, 11);
    const b1 = v128.shuffle<i16>(a0, a4, 4, 12, 5, 13, 6, 14, 7, 15);
    const b2 = v128.shuffle<i16>(a1, a5, 0, 8, 1, 9, 2, 10, 3, 11);
    const b3 = v128.shuffle<i16>(a1, a5, 4, 12, 5, 13, 6, 14, 7, 15);
    const b4 = v128.shuffle<i16>(a2, a6, 0, 8, 1, 9, 2, 10, 3, 11);
    const b5 = v128.shuffle<i16>(a2, a6, 4, 12, 5, 13, 6, 14, 7, 15);
    const b6 = v128.shuffle<i16>(a3, a7, 0, 8, 1, 9, 2, 10, 3, 11);
    const b7 = v128.shuffle<i16>(a3, a7, 4, 12, 5, 13, 6, 14, 7, 15);
    const c0 = v128.shuffle<i16>(b0, b4, 0, 8, 1, 9, 2, 10, 3, 11);
    const c1 = v128.shuffle<i16>(b0, b4, 4, 12, 5, 13, 6, 14, 7, 15);
    const c2 = v128.shuffle<i16>(b1, b5, 0, 8, 1, 9, 2, 10, 3, 11);
    const c3 = v128.shuffle<i16>(b1, b5, 4, 12, 5, 13, 6, 14, 7, 15);
    const c4 = v128.shuffle<i16>(b2, b6, 0, 8, 1, 9, 2, 10, 3, 11);
    const c5 = v128.shuffle<i16>(b2, b6, 4, 12, 5, 13, 6, 14, 7, 15);
    const c6 = v128.shuffle<i16>(b3, b7, 0, 8, 1, 9, 2, 10, 3, 11);
    const c7 = v128.shuffle<i16>(b3, b7, 4, 12, 5, 13, 6, 14, 7, 15);
    v128.store(target, v128.shuffle<i16>(c0, c4, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(target, v128.shuffle<i16>(c0, c4, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    v128.store(target, v128.shuffle<i16>(c1, c5, 0, 8, 1, 9, 2, 10, 3, 11), 32);
    v128.store(target, v128.shuffle<i16>(c1, c5, 4, 12, 5, 13, 6, 14, 7, 15), 48);
    v128.store(target, v128.shuffle<i16>(c2, c6, 0, 8, 1, 9, 2, 10, 3, 11), 64);
    v128.store(target, v128.shuffle<i16>(c2, c6, 4, 12, 5, 13, 6, 14, 7, 15), 80);
    v128.store(target, v128.shuffle<i16>(c3, c7, 0, 8, 1, 9, 2, 10, 3, 11), 96);
    v128.store(target, v128.shuffle<i16>(c3, c7, 4, 12, 5, 13, 6, 14, 7, 15), 112);
    return;
  }
  const apart = eighth << 1;
  for (const end = parts + apart; parts < end; parts += 2)
    for (let i: usize = 0; i < 8; i++) {
      store<i16>(target, load<i16>(parts + i * apart));
      target += 2;
    }
}

/**
 * The digits of the probabilities of eight times `eighth` values, for {@link addDigits}, in the order in which it reads
 * them: those of values an eighth apart together. Notes by what these make the sums too large. `turned` is scratch.
 */
export function weightDigits(
  parts: usize,
  eighth: i32,
  flip: i32,
  heads: i32,
  digits: usize,
  units: usize,
  turned: usize,
): void {
  const count = eighth << 3;
  for (let j = 0; j < heads; j++) {
    turn(parts, eighth, turned);
    cut(turned, count, digits, PLANE, 16);
    store<i32>(units, load<i32>(units, 4) + more(flip) * total(turned, count), 4);
    turn(parts + (SCORES >> 1), eighth, turned);
    cut(turned, count, digits + 2 * PLANE, PLANE, 16);
    store<i32>(units, load<i32>(units, 8) + more(flip) * total(turned, count), 8);
    parts += SCORES;
    digits += SCORES;
    units += UNITS;
  }
}

/** Makes of a query's sums of digits sums of parts, and adds them to those: a row of high ones, then one of low ones. */
export function mergeDigits(digits: usize, width: i32, unit: usize, integers: usize): void {
  const row = rowBytes(width);
  const high = v128.load32_splat(unit, 4);
  const low = v128.load32_splat(unit, 8);
  for (const end = integers + ((<usize>(width & ~15)) << 2); integers < end; integers += 64) {
    for (let at: usize = 0; at < 64; at += 16) {
      const from = digits + at;
      const h = i32x4.add(i32x4.shl(v128.load(from), 8), v128.load(from, 64));
      const l = i32x4.add(i32x4.shl(v128.load(from, 128), 8), v128.load(from, 192));
      const target = integers + at;
      v128.store(target, i32x4.add(v128.load(target), i32x4.sub(h, high)));
      v128.store(target + row, i32x4.add(v128.load(target + row), i32x4.sub(l, low)));
    }
    digits += 256;
  }
}

/** Writes the digits of `count` parts, sixteen at a time: the upper ones to `target`, the lower ones `plane` bytes on. */
function cut(parts: usize, count: i32, target: usize, plane: usize, step: usize): void {
  for (const end = parts + ((<usize>count) << 1); parts < end; parts += 32) {
    const a = v128.load(parts);
    const b = v128.load(parts, 16);
    const half = i16x8.splat(128);
    v128.store(target, i8x16.narrow_i16x8_s(i16x8.shr_s(i16x8.add(a, half), 8), i16x8.shr_s(i16x8.add(b, half), 8)));
    const lower = v128.shuffle<i8>(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    v128.store(target + plane, lower);
    target += step;
  }
}

/** The sum of `count` parts, a multiple of eight. */
function total(parts: usize, count: i32): i32 {
  let x = i32x4.splat(0);
  for (const end = parts + ((<usize>count) << 1); parts < end; parts += 16)
    x = i32x4.add(x, i32x4.dot_i16x8_s(v128.load(parts), i16x8.splat(1)));
  const half = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.extract_lane(half, 0) + i32x4.extract_lane(half, 1);
}

/** One query times two keys: the sums of its high parts, then of its low ones. */
@inline
function two(k0: usize, k1: usize, digits: usize, width: i32, flip: v128): v128 {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  for (const end = k0 + <usize>width; k0 < end; k0 += 16) {
    const y = v128.xor(v128.load(k0), flip);
    const z = v128.xor(v128.load(k1), flip);
    let d = v128.load(digits);
    a0 = dot(d, y, a0);
    b0 = dot(d, z, b0);
    d = v128.load(digits, 16);
    a1 = dot(d, y, a1);
    b1 = dot(d, z, b1);
    d = v128.load(digits, 32);
    a2 = dot(d, y, a2);
    b2 = dot(d, z, b2);
    d = v128.load(digits, 48);
    a3 = dot(d, y, a3);
    b3 = dot(d, z, b3);
    k1 += 16;
    digits += 64;
  }
  return lanes(
    i32x4.add(i32x4.shl(a0, 8), a1),
    i32x4.add(i32x4.shl(b0, 8), b1),
    i32x4.add(i32x4.shl(a2, 8), a3),
    i32x4.add(i32x4.shl(b2, 8), b3),
  );
}

/**
 * Scores of four keys of `heads` heads, `kHead` bytes apart: a row of scores for each. For each head `parts` has a row of
 * high parts and one of low ones, `digits` as much, and `units` the unit and what the sums are too large by.
 */
export function scoreDigits(
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  kHead: usize,
  parts: usize,
  digits: usize,
  units: usize,
  heads: i32,
  width: i32,
  flip: i32,
  target: usize,
  apart: usize,
): void {
  const by = i8x16.splat(<i8>flip);
  const row = rowBytes(width);
  const whole = width & ~15;
  for (let j = 0; j < heads; j++) {
    const a = two(k0, k1, digits, whole, by);
    const b = two(k2, k3, digits, whole, by);
    let h = i32x4.sub(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.load32_splat(units, 4));
    let l = i32x4.sub(v128.shuffle<i32>(a, b, 2, 3, 6, 7), v128.load32_splat(units, 8));
    if (whole < width) {
      const high = parts + ((<usize>whole) << 1);
      h = i32x4.add(h, partial(k0 + whole, k1 + whole, k2 + whole, k3 + whole, high, width - whole));
      l = i32x4.add(l, partial(k0 + whole, k1 + whole, k2 + whole, k3 + whole, high + (row >> 1), width - whole));
    }
    deal(joined(h, l, v128.load32_splat(units)), target, apart);
    k0 += kHead;
    k1 += kHead;
    k2 += kHead;
    k3 += kHead;
    parts += row;
    digits += row;
    units += UNITS;
    target += SCORES;
  }
}

/**
 * Adds eight values that are `apart` bytes apart, of `heads` heads, `vHead` bytes apart, to the integer sums of each,
 * `integers` bytes apart.
 */
export function addDigits(
  v: usize,
  apart: usize,
  vHead: usize,
  digits: usize,
  heads: i32,
  width: i32,
  flip: i32,
  sums: usize,
  integers: usize,
): void {
  const by = i8x16.splat(<i8>flip);
  const thrice: usize = 3 * apart;
  let w = v + 4 * apart;
  const whole = (<usize>width) & ~15;
  vHead -= whole;
  integers -= whole << 4;
  for (let j = 0; j < heads; j++) {
    for (const end = v + whole; v < end; v += 16) {
      const v0 = v128.xor(v128.load(v), by);
      const v1 = v128.xor(v128.load(v + apart), by);
      const v2 = v128.xor(v128.load(v + 2 * apart), by);
      const v3 = v128.xor(v128.load(v + thrice), by);
      const a = v128.shuffle<i8>(v0, v1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const b = v128.shuffle<i8>(v2, v3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const c = v128.shuffle<i8>(v0, v1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const d = v128.shuffle<i8>(v2, v3, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const a0 = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
      const a1 = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
      const a2 = v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
      const a3 = v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
      const w0 = v128.xor(v128.load(w), by);
      const w1 = v128.xor(v128.load(w + apart), by);
      const w2 = v128.xor(v128.load(w + 2 * apart), by);
      const w3 = v128.xor(v128.load(w + thrice), by);
      const e = v128.shuffle<i8>(w0, w1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const f = v128.shuffle<i8>(w2, w3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const g = v128.shuffle<i8>(w0, w1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const h = v128.shuffle<i8>(w2, w3, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const b0 = v128.shuffle<i16>(e, f, 0, 8, 1, 9, 2, 10, 3, 11);
      const b1 = v128.shuffle<i16>(e, f, 4, 12, 5, 13, 6, 14, 7, 15);
      const b2 = v128.shuffle<i16>(g, h, 0, 8, 1, 9, 2, 10, 3, 11);
      const b3 = v128.shuffle<i16>(g, h, 4, 12, 5, 13, 6, 14, 7, 15);
      let p = v128.load32_splat(digits);
      let r = v128.load32_splat(digits, 4);
      v128.store(sums, dot(p, a0, dot(r, b0, v128.load(sums))));
      v128.store(sums, dot(p, a1, dot(r, b1, v128.load(sums, 16))), 16);
      v128.store(sums, dot(p, a2, dot(r, b2, v128.load(sums, 32))), 32);
      v128.store(sums, dot(p, a3, dot(r, b3, v128.load(sums, 48))), 48);
      p = v128.load32_splat(digits, PLANE);
      r = v128.load32_splat(digits, PLANE + 4);
      v128.store(sums, dot(p, a0, dot(r, b0, v128.load(sums, 64))), 64);
      v128.store(sums, dot(p, a1, dot(r, b1, v128.load(sums, 80))), 80);
      v128.store(sums, dot(p, a2, dot(r, b2, v128.load(sums, 96))), 96);
      v128.store(sums, dot(p, a3, dot(r, b3, v128.load(sums, 112))), 112);
      p = v128.load32_splat(digits, 2 * PLANE);
      r = v128.load32_splat(digits, 2 * PLANE + 4);
      v128.store(sums, dot(p, a0, dot(r, b0, v128.load(sums, 128))), 128);
      v128.store(sums, dot(p, a1, dot(r, b1, v128.load(sums, 144))), 144);
      v128.store(sums, dot(p, a2, dot(r, b2, v128.load(sums, 160))), 160);
      v128.store(sums, dot(p, a3, dot(r, b3, v128.load(sums, 176))), 176);
      p = v128.load32_splat(digits, 3 * PLANE);
      r = v128.load32_splat(digits, 3 * PLANE + 4);
      v128.store(sums, dot(p, a0, dot(r, b0, v128.load(sums, 192))), 192);
      v128.store(sums, dot(p, a1, dot(r, b1, v128.load(sums, 208))), 208);
      v128.store(sums, dot(p, a2, dot(r, b2, v128.load(sums, 224))), 224);
      v128.store(sums, dot(p, a3, dot(r, b3, v128.load(sums, 240))), 240);
      w += 16;
      sums += 256;
    }
    v += vHead;
    w += vHead;
    digits += SCORES;
    sums += integers;
  }
}
