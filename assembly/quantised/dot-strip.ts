/** Products of bytes for one or two rows of activations, as fast as weights can be read. */
import { add, dot } from "./dot";
import { blockBytes, Format, scalesAt } from "./layout";

/**
 * One or two rows of activations, as by `tile`, times four times four rows of weights: four streams, since memory answers several faster than
 * one.
 */
@inline
function strip(
  rows: i32,
  format: i32,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  let s00 = i32x4.splat(0);
  let s01 = s00;
  let s02 = s00;
  let s03 = s00;
  let s10 = s00;
  let s11 = s00;
  let s12 = s00;
  let s13 = s00;
  if (format === Format.int8) {
    s00 = v128.load32_splat(sums);
    s01 = s00;
    s02 = s00;
    s03 = s00;
    if (rows > 1) {
      s10 = v128.load32_splat(sums, 4);
      s11 = s10;
      s12 = s10;
      s13 = s10;
    }
  }
  for (const end = w0 + <usize>blocks * blockBytes(format); w0 < end; ) {
    if (format !== Format.int8) {
      s00 = v128.load32_splat(sums);
      s01 = s00;
      s02 = s00;
      s03 = s00;
      if (rows > 1) {
        s10 = v128.load32_splat(sums, 4);
        s11 = s10;
        s12 = s10;
        s13 = s10;
      }
      sums += rows << 2;
    }
    if (format === Format.q4) {
      let b = a + (rows << 4);
      for (const last = w0 + 64; w0 < last; w0 += 16) {
        const lowest = v128.load(masks, 16);
        const n0 = v128.and(v128.load(w0), lowest);
        const n1 = v128.and(v128.load(w1), lowest);
        const n2 = v128.and(v128.load(w2), lowest);
        const n3 = v128.and(v128.load(w3), lowest);
        const x0 = v128.load32_splat(a);
        s00 = dot(x0, n0, s00);
        s01 = dot(x0, n1, s01);
        s02 = dot(x0, n2, s02);
        s03 = dot(x0, n3, s03);
        if (rows > 1) {
          const x1 = v128.load32_splat(a, 4);
          s10 = dot(x1, n0, s10);
          s11 = dot(x1, n1, s11);
          s12 = dot(x1, n2, s12);
          s13 = dot(x1, n3, s13);
        }
        const m0 = v128.and(i16x8.shr_u(v128.load(w0), 4), lowest);
        const m1 = v128.and(i16x8.shr_u(v128.load(w1), 4), lowest);
        const m2 = v128.and(i16x8.shr_u(v128.load(w2), 4), lowest);
        const m3 = v128.and(i16x8.shr_u(v128.load(w3), 4), lowest);
        const y0 = v128.load32_splat(b);
        s00 = dot(y0, m0, s00);
        s01 = dot(y0, m1, s01);
        s02 = dot(y0, m2, s02);
        s03 = dot(y0, m3, s03);
        if (rows > 1) {
          const y1 = v128.load32_splat(b, 4);
          s10 = dot(y1, m0, s10);
          s11 = dot(y1, m1, s11);
          s12 = dot(y1, m2, s12);
          s13 = dot(y1, m3, s13);
        }
        w1 += 16;
        w2 += 16;
        w3 += 16;
        a += rows << 2;
        b += rows << 2;
      }
      a = b;
    } else {
      for (const last = w0 + 128; w0 < last; ) {
        const flip = v128.load(masks);
        const n0 = v128.xor(v128.load(w0), flip);
        const n1 = v128.xor(v128.load(w1), flip);
        const n2 = v128.xor(v128.load(w2), flip);
        const n3 = v128.xor(v128.load(w3), flip);
        const x0 = v128.load32_splat(a);
        s00 = dot(x0, n0, s00);
        s01 = dot(x0, n1, s01);
        s02 = dot(x0, n2, s02);
        s03 = dot(x0, n3, s03);
        if (rows > 1) {
          const x1 = v128.load32_splat(a, 4);
          s10 = dot(x1, n0, s10);
          s11 = dot(x1, n1, s11);
          s12 = dot(x1, n2, s12);
          s13 = dot(x1, n3, s13);
        }
        const twice = rows === 1 && format === Format.int8;
        if (twice) {
          // Sums of whole rows wait for one another: those of every other word are kept apart.
          const x1 = v128.load32_splat(a, 4);
          s10 = dot(x1, v128.xor(v128.load(w0, 16), flip), s10);
          s11 = dot(x1, v128.xor(v128.load(w1, 16), flip), s11);
          s12 = dot(x1, v128.xor(v128.load(w2, 16), flip), s12);
          s13 = dot(x1, v128.xor(v128.load(w3, 16), flip), s13);
        }
        const step: usize = twice ? 32 : 16;
        w0 += step;
        w1 += step;
        w2 += step;
        w3 += step;
        a += twice ? 8 : rows << 2;
      }
    }
    if (format !== Format.int8) {
      const t0 = scalesAt(w0);
      const t1 = scalesAt(w1);
      const t2 = scalesAt(w2);
      const t3 = scalesAt(w3);
      const z0 = v128.load32_splat(scales);
      add(s00, t0, z0, out);
      add(s01, t1, z0, out + 16);
      add(s02, t2, z0, out + 32);
      add(s03, t3, z0, out + 48);
      if (rows > 1) {
        const z1 = v128.load32_splat(scales, 4);
        add(s10, t0, z1, out + 64);
        add(s11, t1, z1, out + 80);
        add(s12, t2, z1, out + 96);
        add(s13, t3, z1, out + 112);
      }
      scales += rows << 2;
      w0 += 8;
      w1 += 8;
      w2 += 8;
      w3 += 8;
    }
  }
  if (format === Format.int8) {
    if (rows === 1) {
      s00 = i32x4.add(s00, s10);
      s01 = i32x4.add(s01, s11);
      s02 = i32x4.add(s02, s12);
      s03 = i32x4.add(s03, s13);
    }
    v128.store(out, s00);
    v128.store(out, s01, 16);
    v128.store(out, s02, 32);
    v128.store(out, s03, 48);
    if (rows > 1) {
      v128.store(out, s10, 64);
      v128.store(out, s11, 80);
      v128.store(out, s12, 96);
      v128.store(out, s13, 112);
    }
  }
}

/** Written out for each format. */
@inline
function stripInEach(
  rows: i32,
  format: i32,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  if (format === Format.q8) strip(rows, Format.q8, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) strip(rows, Format.q4, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
  else strip(rows, Format.int8, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
}

export function strip1(
  format: i32,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  stripInEach(1, format, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
}

export function strip2(
  format: i32,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  stripInEach(2, format, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
}
