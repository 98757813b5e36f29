/**
 * Products of whole numbers, exact in 32 bits: a block of 32 columns adds up to at most 32 · 127 · 128 in size, a row of 2^17
 * columns of int8 to 2^17 · 127 · 128 < 2^31.
 */
import { storeEdge } from "../rows/edge";
import { madd } from "../lanes";
import { activationBytes } from "./activations";
import { blockBytes, blocksOf, Format, scalesAt } from "./layout";

/** Lanes 0 and 1 of `low` and of `high` hold halves of one row, lanes 2 and 3 of the next: the four rows' sums. */
@inline
function rows(low: v128, high: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7));
}

/** What a block adds: its sums times the scales of the weights and of the activations. */
@inline
function scaled(sums: v128, scales: v128, activation: usize, total: v128): v128 {
  return madd(f32x4.convert_i32x4_s(sums), f32x4.mul(scales, v128.load32_splat(activation)), total);
}

@inline
function dot(a: v128, b: v128, sum: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(a, b), sum);
}

/** Adds the products of pairs of bytes, `b` below 2^7, to 16-bit sums. */
@inline
function relaxedDot(a: v128, b: v128, sum: v128): v128 {
  return i16x8.add(i16x8.relaxed_dot_i8x16_i7x16_s(a, b), sum);
}

/**
 * Twice four rows of bytes with a scale a block, times one row of activations: two streams, since memory answers several
 * faster than one. 32 bytes to `out`.
 */
function bytesOnce(w0: usize, w1: usize, a: usize, scales: usize, blocks: i32, out: usize): void {
  let total0 = f32x4.splat(0);
  let total1 = total0;
  for (const end = w0 + <usize>blocks * 136; w0 < end; w0 += 136) {
    let low0 = i32x4.splat(0);
    let high0 = low0;
    let low1 = low0;
    let high1 = low0;
    const a0 = v128.load64_splat(a);
    low0 = dot(v128.load8x8_s(w0), a0, low0);
    high0 = dot(v128.load8x8_s(w0, 8), a0, high0);
    low1 = dot(v128.load8x8_s(w1), a0, low1);
    high1 = dot(v128.load8x8_s(w1, 8), a0, high1);
    const a1 = v128.load64_splat(a, 8);
    low0 = dot(v128.load8x8_s(w0, 16), a1, low0);
    high0 = dot(v128.load8x8_s(w0, 24), a1, high0);
    low1 = dot(v128.load8x8_s(w1, 16), a1, low1);
    high1 = dot(v128.load8x8_s(w1, 24), a1, high1);
    const a2 = v128.load64_splat(a, 16);
    low0 = dot(v128.load8x8_s(w0, 32), a2, low0);
    high0 = dot(v128.load8x8_s(w0, 40), a2, high0);
    low1 = dot(v128.load8x8_s(w1, 32), a2, low1);
    high1 = dot(v128.load8x8_s(w1, 40), a2, high1);
    const a3 = v128.load64_splat(a, 24);
    low0 = dot(v128.load8x8_s(w0, 48), a3, low0);
    high0 = dot(v128.load8x8_s(w0, 56), a3, high0);
    low1 = dot(v128.load8x8_s(w1, 48), a3, low1);
    high1 = dot(v128.load8x8_s(w1, 56), a3, high1);
    const a4 = v128.load64_splat(a, 32);
    low0 = dot(v128.load8x8_s(w0, 64), a4, low0);
    high0 = dot(v128.load8x8_s(w0, 72), a4, high0);
    low1 = dot(v128.load8x8_s(w1, 64), a4, low1);
    high1 = dot(v128.load8x8_s(w1, 72), a4, high1);
    const a5 = v128.load64_splat(a, 40);
    low0 = dot(v128.load8x8_s(w0, 80), a5, low0);
    high0 = dot(v128.load8x8_s(w0, 88), a5, high0);
    low1 = dot(v128.load8x8_s(w1, 80), a5, low1);
    high1 = dot(v128.load8x8_s(w1, 88), a5, high1);
    const a6 = v128.load64_splat(a, 48);
    low0 = dot(v128.load8x8_s(w0, 96), a6, low0);
    high0 = dot(v128.load8x8_s(w0, 104), a6, high0);
    low1 = dot(v128.load8x8_s(w1, 96), a6, low1);
    high1 = dot(v128.load8x8_s(w1, 104), a6, high1);
    const a7 = v128.load64_splat(a, 56);
    low0 = dot(v128.load8x8_s(w0, 112), a7, low0);
    high0 = dot(v128.load8x8_s(w0, 120), a7, high0);
    low1 = dot(v128.load8x8_s(w1, 112), a7, low1);
    high1 = dot(v128.load8x8_s(w1, 120), a7, high1);
    a += 64;
    total0 = scaled(rows(low0, high0), scalesAt(w0 + 128), scales, total0);
    total1 = scaled(rows(low1, high1), scalesAt(w1 + 128), scales, total1);
    w1 += 136;
    scales += 4;
  }
  v128.store(out, total0);
  v128.store(out, total1, 16);
}

/** The same with one scale a row, left to the caller: the sums themselves. */
function rowOnce(w0: usize, w1: usize, a: usize, blocks: i32, out: usize): void {
  let low0 = i32x4.splat(0);
  let high0 = low0;
  let low1 = low0;
  let high1 = low0;
  for (const end = w0 + <usize>blocks * 128; w0 < end; w0 += 128) {
    const a0 = v128.load64_splat(a);
    low0 = dot(v128.load8x8_s(w0), a0, low0);
    high0 = dot(v128.load8x8_s(w0, 8), a0, high0);
    low1 = dot(v128.load8x8_s(w1), a0, low1);
    high1 = dot(v128.load8x8_s(w1, 8), a0, high1);
    const a1 = v128.load64_splat(a, 8);
    low0 = dot(v128.load8x8_s(w0, 16), a1, low0);
    high0 = dot(v128.load8x8_s(w0, 24), a1, high0);
    low1 = dot(v128.load8x8_s(w1, 16), a1, low1);
    high1 = dot(v128.load8x8_s(w1, 24), a1, high1);
    const a2 = v128.load64_splat(a, 16);
    low0 = dot(v128.load8x8_s(w0, 32), a2, low0);
    high0 = dot(v128.load8x8_s(w0, 40), a2, high0);
    low1 = dot(v128.load8x8_s(w1, 32), a2, low1);
    high1 = dot(v128.load8x8_s(w1, 40), a2, high1);
    const a3 = v128.load64_splat(a, 24);
    low0 = dot(v128.load8x8_s(w0, 48), a3, low0);
    high0 = dot(v128.load8x8_s(w0, 56), a3, high0);
    low1 = dot(v128.load8x8_s(w1, 48), a3, low1);
    high1 = dot(v128.load8x8_s(w1, 56), a3, high1);
    const a4 = v128.load64_splat(a, 32);
    low0 = dot(v128.load8x8_s(w0, 64), a4, low0);
    high0 = dot(v128.load8x8_s(w0, 72), a4, high0);
    low1 = dot(v128.load8x8_s(w1, 64), a4, low1);
    high1 = dot(v128.load8x8_s(w1, 72), a4, high1);
    const a5 = v128.load64_splat(a, 40);
    low0 = dot(v128.load8x8_s(w0, 80), a5, low0);
    high0 = dot(v128.load8x8_s(w0, 88), a5, high0);
    low1 = dot(v128.load8x8_s(w1, 80), a5, low1);
    high1 = dot(v128.load8x8_s(w1, 88), a5, high1);
    const a6 = v128.load64_splat(a, 48);
    low0 = dot(v128.load8x8_s(w0, 96), a6, low0);
    high0 = dot(v128.load8x8_s(w0, 104), a6, high0);
    low1 = dot(v128.load8x8_s(w1, 96), a6, low1);
    high1 = dot(v128.load8x8_s(w1, 104), a6, high1);
    const a7 = v128.load64_splat(a, 56);
    low0 = dot(v128.load8x8_s(w0, 112), a7, low0);
    high0 = dot(v128.load8x8_s(w0, 120), a7, high0);
    low1 = dot(v128.load8x8_s(w1, 112), a7, low1);
    high1 = dot(v128.load8x8_s(w1, 120), a7, high1);
    a += 64;
    w1 += 128;
  }
  v128.store(out, rows(low0, high0));
  v128.store(out, rows(low1, high1), 16);
}

/**
 * Half bytes n with the value n − 8, so that eight times the sum of the activations is taken off. The relaxed product asks
 * for one operand below 2^7, as n is, and for sums of two within 16 bits; here all sixteen of a block that a lane meets fit,
 * 16 · 15 · 127 < 2^15: it is exact. (The relaxed product that also adds is left alone: the baseline compiler of V8 11.3
 * loses its sum where registers are short.) The plain one takes every fourth half byte of 16-bit lanes where it stands, 1,
 * 16 or 256 times itself.
 */
function halfBytesOnce(
  w0: usize,
  w1: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  out: usize,
): void {
  let total0 = f32x4.splat(0);
  let total1 = total0;
  for (const end = w0 + <usize>blocks * 72; w0 < end; w0 += 72) {
    let sum0 = i32x4.splat(0);
    let sum1 = sum0;
    if (ASC_FEATURE_RELAXED_SIMD) {
      const lowest = i8x16.splat(15);
      let part0 = i16x8.splat(0);
      let part1 = part0;
      const below0 = v128.load32_splat(a);
      const above0 = v128.load32_splat(a, 16);
      const n00 = v128.load(w0);
      part0 = relaxedDot(below0, v128.and(n00, lowest), part0);
      part0 = relaxedDot(above0, i8x16.shr_u(n00, 4), part0);
      const n01 = v128.load(w1);
      part1 = relaxedDot(below0, v128.and(n01, lowest), part1);
      part1 = relaxedDot(above0, i8x16.shr_u(n01, 4), part1);
      const below1 = v128.load32_splat(a, 4);
      const above1 = v128.load32_splat(a, 20);
      const n10 = v128.load(w0, 16);
      part0 = relaxedDot(below1, v128.and(n10, lowest), part0);
      part0 = relaxedDot(above1, i8x16.shr_u(n10, 4), part0);
      const n11 = v128.load(w1, 16);
      part1 = relaxedDot(below1, v128.and(n11, lowest), part1);
      part1 = relaxedDot(above1, i8x16.shr_u(n11, 4), part1);
      const below2 = v128.load32_splat(a, 8);
      const above2 = v128.load32_splat(a, 24);
      const n20 = v128.load(w0, 32);
      part0 = relaxedDot(below2, v128.and(n20, lowest), part0);
      part0 = relaxedDot(above2, i8x16.shr_u(n20, 4), part0);
      const n21 = v128.load(w1, 32);
      part1 = relaxedDot(below2, v128.and(n21, lowest), part1);
      part1 = relaxedDot(above2, i8x16.shr_u(n21, 4), part1);
      const below3 = v128.load32_splat(a, 12);
      const above3 = v128.load32_splat(a, 28);
      const n30 = v128.load(w0, 48);
      part0 = relaxedDot(below3, v128.and(n30, lowest), part0);
      part0 = relaxedDot(above3, i8x16.shr_u(n30, 4), part0);
      const n31 = v128.load(w1, 48);
      part1 = relaxedDot(below3, v128.and(n31, lowest), part1);
      part1 = relaxedDot(above3, i8x16.shr_u(n31, 4), part1);
      sum0 = i32x4.extadd_pairwise_i16x8_s(part0);
      sum1 = i32x4.extadd_pairwise_i16x8_s(part1);
      a += 32;
    } else {
      const first = i16x8.splat(0x000f);
      const second = i16x8.splat(0x0f00);
      const third = i16x8.splat(0x00f0);
      let by16 = sum0;
      let by256 = sum0;
      let last = sum0;
      const n00 = v128.load(w0);
      sum0 = dot(v128.and(n00, first), v128.load32_splat(a), sum0);
      by256 = dot(v128.and(n00, second), v128.load32_splat(a, 4), by256);
      by16 = dot(v128.and(n00, third), v128.load32_splat(a, 32), by16);
      last = dot(i16x8.shr_u(n00, 12), v128.load32_splat(a, 36), last);
      const n10 = v128.load(w0, 16);
      sum0 = dot(v128.and(n10, first), v128.load32_splat(a, 8), sum0);
      by256 = dot(v128.and(n10, second), v128.load32_splat(a, 12), by256);
      by16 = dot(v128.and(n10, third), v128.load32_splat(a, 40), by16);
      last = dot(i16x8.shr_u(n10, 12), v128.load32_splat(a, 44), last);
      const n20 = v128.load(w0, 32);
      sum0 = dot(v128.and(n20, first), v128.load32_splat(a, 16), sum0);
      by256 = dot(v128.and(n20, second), v128.load32_splat(a, 20), by256);
      by16 = dot(v128.and(n20, third), v128.load32_splat(a, 48), by16);
      last = dot(i16x8.shr_u(n20, 12), v128.load32_splat(a, 52), last);
      const n30 = v128.load(w0, 48);
      sum0 = dot(v128.and(n30, first), v128.load32_splat(a, 24), sum0);
      by256 = dot(v128.and(n30, second), v128.load32_splat(a, 28), by256);
      by16 = dot(v128.and(n30, third), v128.load32_splat(a, 56), by16);
      last = dot(i16x8.shr_u(n30, 12), v128.load32_splat(a, 60), last);
      sum0 = i32x4.add(i32x4.add(sum0, last), i32x4.add(i32x4.shr_s(by16, 4), i32x4.shr_s(by256, 8)));
      by16 = i32x4.splat(0);
      by256 = by16;
      last = by16;
      const n01 = v128.load(w1);
      sum1 = dot(v128.and(n01, first), v128.load32_splat(a), sum1);
      by256 = dot(v128.and(n01, second), v128.load32_splat(a, 4), by256);
      by16 = dot(v128.and(n01, third), v128.load32_splat(a, 32), by16);
      last = dot(i16x8.shr_u(n01, 12), v128.load32_splat(a, 36), last);
      const n11 = v128.load(w1, 16);
      sum1 = dot(v128.and(n11, first), v128.load32_splat(a, 8), sum1);
      by256 = dot(v128.and(n11, second), v128.load32_splat(a, 12), by256);
      by16 = dot(v128.and(n11, third), v128.load32_splat(a, 40), by16);
      last = dot(i16x8.shr_u(n11, 12), v128.load32_splat(a, 44), last);
      const n21 = v128.load(w1, 32);
      sum1 = dot(v128.and(n21, first), v128.load32_splat(a, 16), sum1);
      by256 = dot(v128.and(n21, second), v128.load32_splat(a, 20), by256);
      by16 = dot(v128.and(n21, third), v128.load32_splat(a, 48), by16);
      last = dot(i16x8.shr_u(n21, 12), v128.load32_splat(a, 52), last);
      const n31 = v128.load(w1, 48);
      sum1 = dot(v128.and(n31, first), v128.load32_splat(a, 24), sum1);
      by256 = dot(v128.and(n31, second), v128.load32_splat(a, 28), by256);
      by16 = dot(v128.and(n31, third), v128.load32_splat(a, 56), by16);
      last = dot(i16x8.shr_u(n31, 12), v128.load32_splat(a, 60), last);
      sum1 = i32x4.add(i32x4.add(sum1, last), i32x4.add(i32x4.shr_s(by16, 4), i32x4.shr_s(by256, 8)));
      a += 64;
    }
    const eights = v128.load32_splat(sums);
    total0 = scaled(i32x4.sub(sum0, eights), scalesAt(w0 + 64), scales, total0);
    total1 = scaled(i32x4.sub(sum1, eights), scalesAt(w1 + 64), scales, total1);
    w1 += 72;
    scales += 4;
    sums += 4;
  }
  v128.store(out, total0);
  v128.store(out, total1, 16);
}

/** Four rows of bytes times four rows of activations, `aRow` bytes apart, their scales `sRow`; 16 bytes a row to `out`. */
function bytesFour(w: usize, a: usize, aRow: usize, scales: usize, sRow: usize, blocks: i32, out: usize): void {
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (const end = w + <usize>blocks * 136; w < end; w += 8) {
    let l0 = i32x4.splat(0);
    let h0 = l0;
    let l1 = l0;
    let h1 = l0;
    let l2 = l0;
    let h2 = l0;
    let l3 = l0;
    let h3 = l0;
    for (const last = w + 128; w < last; w += 16) {
      const low = v128.load8x8_s(w);
      const high = v128.load8x8_s(w, 8);
      let at = a;
      let x = v128.load64_splat(at);
      l0 = dot(low, x, l0);
      h0 = dot(high, x, h0);
      at += aRow;
      x = v128.load64_splat(at);
      l1 = dot(low, x, l1);
      h1 = dot(high, x, h1);
      at += aRow;
      x = v128.load64_splat(at);
      l2 = dot(low, x, l2);
      h2 = dot(high, x, h2);
      at += aRow;
      x = v128.load64_splat(at);
      l3 = dot(low, x, l3);
      h3 = dot(high, x, h3);
      a += 8;
    }
    const s = scalesAt(w);
    t0 = scaled(rows(l0, h0), s, scales, t0);
    t1 = scaled(rows(l1, h1), s, scales + sRow, t1);
    t2 = scaled(rows(l2, h2), s, scales + 2 * sRow, t2);
    t3 = scaled(rows(l3, h3), s, scales + 3 * sRow, t3);
    scales += 4;
  }
  v128.store(out, t0);
  v128.store(out, t1, 16);
  v128.store(out, t2, 32);
  v128.store(out, t3, 48);
}

/** The same with one scale a row, left to the caller. */
function rowFour(w: usize, a: usize, aRow: usize, blocks: i32, out: usize): void {
  let l0 = i32x4.splat(0);
  let h0 = l0;
  let l1 = l0;
  let h1 = l0;
  let l2 = l0;
  let h2 = l0;
  let l3 = l0;
  let h3 = l0;
  for (const end = w + <usize>blocks * 128; w < end; w += 16) {
    const low = v128.load8x8_s(w);
    const high = v128.load8x8_s(w, 8);
    let at = a;
    let x = v128.load64_splat(at);
    l0 = dot(low, x, l0);
    h0 = dot(high, x, h0);
    at += aRow;
    x = v128.load64_splat(at);
    l1 = dot(low, x, l1);
    h1 = dot(high, x, h1);
    at += aRow;
    x = v128.load64_splat(at);
    l2 = dot(low, x, l2);
    h2 = dot(high, x, h2);
    at += aRow;
    x = v128.load64_splat(at);
    l3 = dot(low, x, l3);
    h3 = dot(high, x, h3);
    a += 8;
  }
  v128.store(out, rows(l0, h0));
  v128.store(out, rows(l1, h1), 16);
  v128.store(out, rows(l2, h2), 32);
  v128.store(out, rows(l3, h3), 48);
}

/** Half bytes times four rows of activations. */
function halfBytesFour(
  w: usize,
  a: usize,
  aRow: usize,
  scales: usize,
  sums: usize,
  sRow: usize,
  blocks: i32,
  out: usize,
): void {
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (const end = w + <usize>blocks * 72; w < end; w += 8) {
    let s0 = i32x4.sub(i32x4.splat(0), v128.load32_splat(sums));
    let s1 = i32x4.sub(i32x4.splat(0), v128.load32_splat(sums + sRow));
    let s2 = i32x4.sub(i32x4.splat(0), v128.load32_splat(sums + 2 * sRow));
    let s3 = i32x4.sub(i32x4.splat(0), v128.load32_splat(sums + 3 * sRow));
    if (ASC_FEATURE_RELAXED_SIMD) {
      let p0 = i16x8.splat(0);
      let p1 = p0;
      let p2 = p0;
      let p3 = p0;
      for (const last = w + 64; w < last; w += 16) {
        const n = v128.load(w);
        const below = v128.and(n, i8x16.splat(15));
        const above = i8x16.shr_u(n, 4);
        let at = a;
        p0 = relaxedDot(v128.load32_splat(at), below, p0);
        p0 = relaxedDot(v128.load32_splat(at, 16), above, p0);
        at += aRow;
        p1 = relaxedDot(v128.load32_splat(at), below, p1);
        p1 = relaxedDot(v128.load32_splat(at, 16), above, p1);
        at += aRow;
        p2 = relaxedDot(v128.load32_splat(at), below, p2);
        p2 = relaxedDot(v128.load32_splat(at, 16), above, p2);
        at += aRow;
        p3 = relaxedDot(v128.load32_splat(at), below, p3);
        p3 = relaxedDot(v128.load32_splat(at, 16), above, p3);
        a += 4;
      }
      s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(p0));
      s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(p1));
      s2 = i32x4.add(s2, i32x4.extadd_pairwise_i16x8_s(p2));
      s3 = i32x4.add(s3, i32x4.extadd_pairwise_i16x8_s(p3));
      a += 16;
    } else {
      for (const last = w + 64; w < last; w += 16) {
        const n = v128.load(w);
        const first = v128.and(n, i16x8.splat(0x000f));
        const second = v128.and(i16x8.shr_u(n, 8), i16x8.splat(0x000f));
        const third = v128.and(i16x8.shr_u(n, 4), i16x8.splat(0x000f));
        const fourth = i16x8.shr_u(n, 12);
        let at = a;
        s0 = dot(first, v128.load32_splat(at), s0);
        s0 = dot(second, v128.load32_splat(at, 4), s0);
        s0 = dot(third, v128.load32_splat(at, 32), s0);
        s0 = dot(fourth, v128.load32_splat(at, 36), s0);
        at += aRow;
        s1 = dot(first, v128.load32_splat(at), s1);
        s1 = dot(second, v128.load32_splat(at, 4), s1);
        s1 = dot(third, v128.load32_splat(at, 32), s1);
        s1 = dot(fourth, v128.load32_splat(at, 36), s1);
        at += aRow;
        s2 = dot(first, v128.load32_splat(at), s2);
        s2 = dot(second, v128.load32_splat(at, 4), s2);
        s2 = dot(third, v128.load32_splat(at, 32), s2);
        s2 = dot(fourth, v128.load32_splat(at, 36), s2);
        at += aRow;
        s3 = dot(first, v128.load32_splat(at), s3);
        s3 = dot(second, v128.load32_splat(at, 4), s3);
        s3 = dot(third, v128.load32_splat(at, 32), s3);
        s3 = dot(fourth, v128.load32_splat(at, 36), s3);
        a += 8;
      }
      a += 32;
    }
    const s = scalesAt(w);
    t0 = scaled(s0, s, scales, t0);
    t1 = scaled(s1, s, scales + sRow, t1);
    t2 = scaled(s2, s, scales + 2 * sRow, t2);
    t3 = scaled(s3, s, scales + 3 * sRow, t3);
    scales += 4;
    sums += 4;
  }
  v128.store(out, t0);
  v128.store(out, t1, 16);
  v128.store(out, t2, 32);
  v128.store(out, t3, 48);
}

/** Four sums, for int8 (`wide` not 0) times the scales of row and columns, plus the bias, to `width` columns of C. */
function finish(sums: usize, wide: usize, scale: usize, bias: usize, target: usize, width: i32): void {
  let y = v128.load(sums);
  if (wide) y = f32x4.mul(f32x4.convert_i32x4_s(y), f32x4.mul(v128.load(wide), v128.load32_splat(scale)));
  if (bias) y = f32x4.add(y, v128.load(bias));
  if (width >= 4) v128.store(target, y);
  else storeEdge(target, width, y);
}

/**
 * C = A · Wᵀ + bias for packed weights [columns, depth] and activations from `quantiseActivations`; `rowScales` (for int8
 * alone, else 0) and `bias` (or 0) reach to a multiple of four columns. `scratch` has 64 bytes.
 */
export function integerProduct(
  format: i32,
  w: usize,
  rowScales: usize,
  numbers: usize,
  scales: usize,
  sums: usize,
  bias: usize,
  c: usize,
  rowsOfA: i32,
  columns: i32,
  depth: i32,
  scratch: usize,
): void {
  const blocks = blocksOf(depth);
  const group = <usize>blocks * blockBytes(format);
  const aRow = activationBytes(format, depth);
  const sRow = <usize>(format === Format.int8 ? 1 : blocks) << 2;
  const sumRow = (<usize>blocks) << 2;
  const cRow = (<usize>columns) << 2;
  const whole = rowsOfA & ~3;
  for (let column = 0; whole && column < columns; column += 4) {
    const at = (<usize>column) << 2;
    const from = w + <usize>(column >> 2) * group;
    for (let row = 0; row < whole; row += 4) {
      const a = numbers + <usize>row * aRow;
      const s = scales + <usize>row * sRow;
      if (format === Format.q8) bytesFour(from, a, aRow, s, sRow, blocks, scratch);
      else if (format === Format.q4)
        halfBytesFour(from, a, aRow, s, sums + <usize>row * sumRow, sRow, blocks, scratch);
      else rowFour(from, a, aRow, blocks, scratch);
      for (let r: usize = 0; r < 4; r++)
        finish(
          scratch + (r << 4),
          rowScales ? rowScales + at : 0,
          s + r * sRow,
          bias ? bias + at : 0,
          c + (<usize>row + r) * cRow + at,
          columns - column,
        );
    }
  }
  // What is left of the rows goes one by one, against a group of the first half and one of the second.
  const groups = (columns + 3) >> 2;
  const half = (groups + 1) >> 1;
  for (let g = 0; whole < rowsOfA && g < half; g++) {
    const other = g + half < groups ? g + half : g;
    const w0 = w + <usize>g * group;
    const w1 = w + <usize>other * group;
    for (let row = whole; row < rowsOfA; row++) {
      const a = numbers + <usize>row * aRow;
      const s = scales + <usize>row * sRow;
      if (format === Format.q8) bytesOnce(w0, w1, a, s, blocks, scratch);
      else if (format === Format.q4) halfBytesOnce(w0, w1, a, s, sums + <usize>row * sumRow, blocks, scratch);
      else rowOnce(w0, w1, a, blocks, scratch);
      for (let side = 0; side < 2; side++) {
        const column = (side ? other : g) << 2;
        const at = (<usize>column) << 2;
        finish(
          scratch + (<usize>side << 4),
          rowScales ? rowScales + at : 0,
          s,
          bias ? bias + at : 0,
          c + <usize>row * cRow + at,
          columns - column,
        );
      }
    }
  }
}
