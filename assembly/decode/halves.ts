/** float16 keys and values, none of them infinite or NaN, times one query a key head. */
import { madd } from "../lanes";
import { deal, lanes } from "./keys";
import { signless, tinyHigh, tinyLow } from "./narrow";
import { rowBytes, SCORES } from "./scratch";

/** One query, 2^112 times too large, times four keys of float16, none of them infinite or NaN. */
@inline
function score(k0: usize, k1: usize, k2: usize, k3: usize, q: usize, width: i32, mask: v128): v128 {
  let x0 = f32x4.splat(0);
  let x1 = x0;
  let x2 = x0;
  let x3 = x0;
  let at: usize = 0;
  const end = (<usize>width) << 1;
  for (; at + 16 <= end; at += 16) {
    const a = v128.load(q);
    const b = v128.load(q, 16);
    const y0 = v128.load(k0 + at);
    x0 = madd(a, tinyLow(y0, mask), x0);
    x0 = madd(b, tinyHigh(y0, mask), x0);
    const y1 = v128.load(k1 + at);
    x1 = madd(a, tinyLow(y1, mask), x1);
    x1 = madd(b, tinyHigh(y1, mask), x1);
    const y2 = v128.load(k2 + at);
    x2 = madd(a, tinyLow(y2, mask), x2);
    x2 = madd(b, tinyHigh(y2, mask), x2);
    const y3 = v128.load(k3 + at);
    x3 = madd(a, tinyLow(y3, mask), x3);
    x3 = madd(b, tinyHigh(y3, mask), x3);
    q += 32;
  }
  // In the same order as floats are added up, so that it does not matter which way is taken.
  if (at + 8 <= end) {
    const a = v128.load(q);
    x0 = madd(a, tinyLow(v128.load64_zero(k0 + at), mask), x0);
    x1 = madd(a, tinyLow(v128.load64_zero(k1 + at), mask), x1);
    x2 = madd(a, tinyLow(v128.load64_zero(k2 + at), mask), x2);
    x3 = madd(a, tinyLow(v128.load64_zero(k3 + at), mask), x3);
    q += 16;
    at += 8;
  }
  for (; at < end; at += 2) {
    const a = v128.load32_zero(q);
    x0 = madd(a, tinyLow(v128.load16_splat(k0 + at), mask), x0);
    x1 = madd(a, tinyLow(v128.load16_splat(k1 + at), mask), x1);
    x2 = madd(a, tinyLow(v128.load16_splat(k2 + at), mask), x2);
    x3 = madd(a, tinyLow(v128.load16_splat(k3 + at), mask), x3);
    q += 4;
  }
  return lanes(x0, x1, x2, x3);
}

/**
 * Scores of four keys of `heads` heads, `kHead` bytes apart: a row of scores for each.
 */
export function scoreHalves(
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  kHead: usize,
  q: usize,
  heads: i32,
  width: i32,
  target: usize,
  apart: usize,
): void {
  const mask = signless();
  for (let j = 0; j < heads; j++) {
    deal(score(k0, k1, k2, k3, q, width, mask), target, apart);
    k0 += kHead;
    k1 += kHead;
    k2 += kHead;
    k3 += kHead;
    q += rowBytes(width);
    target += SCORES;
  }
}

/** One query's sums, and four values of float16, none of them infinite or NaN; its probabilities are 2^112 times too large. */
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
  mask: v128,
): void {
  const p0 = v128.load32_splat(probabilities);
  const p1 = v128.load32_splat(probabilities + apart);
  const p2 = v128.load32_splat(probabilities + 2 * apart);
  const p3 = v128.load32_splat(probabilities + 3 * apart);
  let at: usize = 0;
  const end = (<usize>width) << 1;
  for (; at + 16 <= end; at += 16) {
    let x = v128.load(sums);
    let y = v128.load(sums, 16);
    const z0 = v128.load(v0 + at);
    x = madd(p0, tinyLow(z0, mask), x);
    y = madd(p0, tinyHigh(z0, mask), y);
    const z1 = v128.load(v1 + at);
    x = madd(p1, tinyLow(z1, mask), x);
    y = madd(p1, tinyHigh(z1, mask), y);
    const z2 = v128.load(v2 + at);
    x = madd(p2, tinyLow(z2, mask), x);
    y = madd(p2, tinyHigh(z2, mask), y);
    const z3 = v128.load(v3 + at);
    v128.store(sums, madd(p3, tinyLow(z3, mask), x));
    v128.store(sums, madd(p3, tinyHigh(z3, mask), y), 16);
    sums += 32;
  }
  for (; at < end; at += 2) {
    let x = v128.load32_zero(sums);
    x = madd(p0, tinyLow(v128.load16_splat(v0 + at), mask), x);
    x = madd(p1, tinyLow(v128.load16_splat(v1 + at), mask), x);
    x = madd(p2, tinyLow(v128.load16_splat(v2 + at), mask), x);
    x = madd(p3, tinyLow(v128.load16_splat(v3 + at), mask), x);
    store<f32>(sums, f32x4.extract_lane(x, 0));
    sums += 4;
  }
}

/** Adds four values of `heads` heads, `vHead` bytes apart, to the sums of each. */
export function addHalves(
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  vHead: usize,
  probabilities: usize,
  apart: usize,
  heads: i32,
  width: i32,
  sums: usize,
): void {
  const mask = signless();
  for (let j = 0; j < heads; j++) {
    add(v0, v1, v2, v3, probabilities, apart, width, sums, mask);
    v0 += vHead;
    v1 += vHead;
    v2 += vHead;
    v3 += vHead;
    probabilities += SCORES;
    sums += rowBytes(width);
  }
}
