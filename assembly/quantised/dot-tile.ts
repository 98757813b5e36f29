/** Products of bytes for several rows of activations: sums stay in registers. */
import { add, dot } from "./dot";
import { blockBytes, Format, scalesAt } from "./layout";

/**
 * Up to five rows of activations times twice four rows of weights: ten sums, two weights and an activation are as many
 * registers as V8 leaves free. At `masks` are what the signs of weights are turned over with and 15s: made from constants they
 * would be made anew in every round. Weights of half bytes are below 2^4. `sums` are what a block's sums begin with; totals, at
 * `out`, begin as they are, but for int8, whose sums are stored there.
 */
@inline
function tile(
  rows: i32,
  format: i32,
  w0: usize,
  w1: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  let s00 = i32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  let s40 = s00;
  let s41 = s00;
  if (format === Format.int8) {
    s00 = v128.load32_splat(sums);
    s01 = s00;
    if (rows > 1) {
      s10 = v128.load32_splat(sums, 4);
      s11 = s10;
    }
    if (rows > 2) {
      s20 = v128.load32_splat(sums, 8);
      s21 = s20;
    }
    if (rows > 3) {
      s30 = v128.load32_splat(sums, 12);
      s31 = s30;
    }
    if (rows > 4) {
      s40 = v128.load32_splat(sums, 16);
      s41 = s40;
    }
  }
  for (const end = w0 + <usize>blocks * blockBytes(format); w0 < end; ) {
    if (format !== Format.int8) {
      s00 = v128.load32_splat(sums);
      s01 = s00;
      if (rows > 1) {
        s10 = v128.load32_splat(sums, 4);
        s11 = s10;
      }
      if (rows > 2) {
        s20 = v128.load32_splat(sums, 8);
        s21 = s20;
      }
      if (rows > 3) {
        s30 = v128.load32_splat(sums, 12);
        s31 = s30;
      }
      if (rows > 4) {
        s40 = v128.load32_splat(sums, 16);
        s41 = s40;
      }
      sums += rows << 2;
    }
    if (format === Format.q4) {
      let b = a + (rows << 4);
      for (const last = w0 + 64; w0 < last; w0 += 16) {
        const lowest = v128.load(masks, 16);
        const n0 = v128.and(v128.load(w0), lowest);
        const n1 = v128.and(v128.load(w1), lowest);
        const x0 = v128.load32_splat(a);
        s00 = dot(x0, n0, s00);
        s01 = dot(x0, n1, s01);
        if (rows > 1) {
          const x1 = v128.load32_splat(a, 4);
          s10 = dot(x1, n0, s10);
          s11 = dot(x1, n1, s11);
        }
        if (rows > 2) {
          const x2 = v128.load32_splat(a, 8);
          s20 = dot(x2, n0, s20);
          s21 = dot(x2, n1, s21);
        }
        if (rows > 3) {
          const x3 = v128.load32_splat(a, 12);
          s30 = dot(x3, n0, s30);
          s31 = dot(x3, n1, s31);
        }
        if (rows > 4) {
          const x4 = v128.load32_splat(a, 16);
          s40 = dot(x4, n0, s40);
          s41 = dot(x4, n1, s41);
        }
        const m0 = v128.and(i16x8.shr_u(v128.load(w0), 4), lowest);
        const m1 = v128.and(i16x8.shr_u(v128.load(w1), 4), lowest);
        const y0 = v128.load32_splat(b);
        s00 = dot(y0, m0, s00);
        s01 = dot(y0, m1, s01);
        if (rows > 1) {
          const y1 = v128.load32_splat(b, 4);
          s10 = dot(y1, m0, s10);
          s11 = dot(y1, m1, s11);
        }
        if (rows > 2) {
          const y2 = v128.load32_splat(b, 8);
          s20 = dot(y2, m0, s20);
          s21 = dot(y2, m1, s21);
        }
        if (rows > 3) {
          const y3 = v128.load32_splat(b, 12);
          s30 = dot(y3, m0, s30);
          s31 = dot(y3, m1, s31);
        }
        if (rows > 4) {
          const y4 = v128.load32_splat(b, 16);
          s40 = dot(y4, m0, s40);
          s41 = dot(y4, m1, s41);
        }
        w1 += 16;
        a += rows << 2;
        b += rows << 2;
      }
      a = b;
    } else {
      for (const last = w0 + 128; w0 < last; w0 += 16) {
        const flip = v128.load(masks);
        const n0 = v128.xor(v128.load(w0), flip);
        const n1 = v128.xor(v128.load(w1), flip);
        const x0 = v128.load32_splat(a);
        s00 = dot(x0, n0, s00);
        s01 = dot(x0, n1, s01);
        if (rows > 1) {
          const x1 = v128.load32_splat(a, 4);
          s10 = dot(x1, n0, s10);
          s11 = dot(x1, n1, s11);
        }
        if (rows > 2) {
          const x2 = v128.load32_splat(a, 8);
          s20 = dot(x2, n0, s20);
          s21 = dot(x2, n1, s21);
        }
        if (rows > 3) {
          const x3 = v128.load32_splat(a, 12);
          s30 = dot(x3, n0, s30);
          s31 = dot(x3, n1, s31);
        }
        if (rows > 4) {
          const x4 = v128.load32_splat(a, 16);
          s40 = dot(x4, n0, s40);
          s41 = dot(x4, n1, s41);
        }
        w1 += 16;
        a += rows << 2;
      }
    }
    if (format !== Format.int8) {
      const t0 = scalesAt(w0);
      const t1 = scalesAt(w1);
      const z0 = v128.load32_splat(scales);
      add(s00, t0, z0, out);
      add(s01, t1, z0, out + 16);
      if (rows > 1) {
        const z1 = v128.load32_splat(scales, 4);
        add(s10, t0, z1, out + 32);
        add(s11, t1, z1, out + 48);
      }
      if (rows > 2) {
        const z2 = v128.load32_splat(scales, 8);
        add(s20, t0, z2, out + 64);
        add(s21, t1, z2, out + 80);
      }
      if (rows > 3) {
        const z3 = v128.load32_splat(scales, 12);
        add(s30, t0, z3, out + 96);
        add(s31, t1, z3, out + 112);
      }
      if (rows > 4) {
        const z4 = v128.load32_splat(scales, 16);
        add(s40, t0, z4, out + 128);
        add(s41, t1, z4, out + 144);
      }
      scales += rows << 2;
      w0 += 8;
      w1 += 8;
    }
  }
  if (format === Format.int8) {
    v128.store(out, s00);
    v128.store(out, s01, 16);
    if (rows > 1) {
      v128.store(out, s10, 32);
      v128.store(out, s11, 48);
    }
    if (rows > 2) {
      v128.store(out, s20, 64);
      v128.store(out, s21, 80);
    }
    if (rows > 3) {
      v128.store(out, s30, 96);
      v128.store(out, s31, 112);
    }
    if (rows > 4) {
      v128.store(out, s40, 128);
      v128.store(out, s41, 144);
    }
  }
}

/** Written out for each format. */
@inline
function tileInEach(
  rows: i32,
  format: i32,
  w0: usize,
  w1: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  if (format === Format.q8) tile(rows, Format.q8, w0, w1, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) tile(rows, Format.q4, w0, w1, a, scales, sums, blocks, masks, out);
  else tile(rows, Format.int8, w0, w1, a, scales, sums, blocks, masks, out);
}

export function tile3(
  format: i32,
  w0: usize,
  w1: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  tileInEach(3, format, w0, w1, a, scales, sums, blocks, masks, out);
}

export function tile4(
  format: i32,
  w0: usize,
  w1: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  tileInEach(4, format, w0, w1, a, scales, sums, blocks, masks, out);
}

export function tile5(
  format: i32,
  w0: usize,
  w1: usize,
  a: usize,
  scales: usize,
  sums: usize,
  blocks: i32,
  masks: usize,
  out: usize,
): void {
  tileInEach(5, format, w0, w1, a, scales, sums, blocks, masks, out);
}
