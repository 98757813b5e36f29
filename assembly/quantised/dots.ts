/**
 * Products of bytes by the engine's own instruction, sixteen multiplications and their sums in one. Where it is exact for all
 * bytes (`src/wasm/dots.ts` finds out) results are the same bits as those of `integerProduct`, several times as fast.
 */
import { madd } from "../lanes";
import { storeEdge } from "../rows/edge";
import { firstRow, rowGroups } from "./bytes";
import { blockBytes, blocksOf, Format, scalesAt } from "./layout";

/** Adds to each lane the products of its four bytes: `a` is signed, and so may `b` be, or not. */
@inline
function dot(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
  return sum;
}

/** Adds a block's sums, times the scales of the weights and of the activations, to totals. */
@inline
function add(sums: v128, scales: v128, activation: v128, totals: usize): void {
  v128.store(totals, madd(f32x4.convert_i32x4_s(sums), f32x4.mul(scales, activation), v128.load(totals)));
}

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

/**
 * The same for one or two rows, times four times four rows of weights: four streams, since memory answers several faster than
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

function strip1(
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
  if (format === Format.q8) strip(1, Format.q8, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) strip(1, Format.q4, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
  else strip(1, Format.int8, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
}

function strip2(
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
  if (format === Format.q8) strip(2, Format.q8, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) strip(2, Format.q4, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
  else strip(2, Format.int8, w0, w1, w2, w3, a, scales, sums, blocks, masks, out);
}

function tile3(
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
  if (format === Format.q8) tile(3, Format.q8, w0, w1, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) tile(3, Format.q4, w0, w1, a, scales, sums, blocks, masks, out);
  else tile(3, Format.int8, w0, w1, a, scales, sums, blocks, masks, out);
}

function tile4(
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
  if (format === Format.q8) tile(4, Format.q8, w0, w1, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) tile(4, Format.q4, w0, w1, a, scales, sums, blocks, masks, out);
  else tile(4, Format.int8, w0, w1, a, scales, sums, blocks, masks, out);
}

function tile5(
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
  if (format === Format.q8) tile(5, Format.q8, w0, w1, a, scales, sums, blocks, masks, out);
  else if (format === Format.q4) tile(5, Format.q4, w0, w1, a, scales, sums, blocks, masks, out);
  else tile(5, Format.int8, w0, w1, a, scales, sums, blocks, masks, out);
}

/**
 * Sums of four columns, `step` bytes apart, for int8 (`wide` not 0) times the scales of columns and rows, plus the bias, to
 * `width` columns of C.
 */
@inline
function finish(
  sums: usize,
  step: usize,
  wide: usize,
  scales: usize,
  bias: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  width: i32,
): void {
  const across = wide ? v128.load(wide) : f32x4.splat(0);
  const plus = bias ? v128.load(bias) : f32x4.splat(0);
  for (let row = 0; row < rows; row++) {
    let y = v128.load(sums);
    if (wide) y = f32x4.mul(f32x4.convert_i32x4_s(y), f32x4.mul(across, v128.load32_splat(scales)));
    if (bias) y = f32x4.add(y, plus);
    if (width >= 4) v128.store(c, y);
    else storeEdge(c, width, y);
    sums += step;
    scales += 4;
    c += cRow;
  }
}

/** Bytes of scratch that {@link dotProduct} needs. */
export function dotScratch(): usize {
  return 32 + 10 * 16;
}

/**
 * C = A · Wᵀ + bias as by `integerProduct`, for activations from `quantiseBytes`. Each byte of weights is first xored with
 * the lowest byte of `flip`: 0x80 where the instruction takes weights without a sign, which are then 128 more than they
 * are; 0 where it takes them as they are.
 */
export function dotProduct(
  format: i32,
  w: usize,
  rowScales: usize,
  numbers: usize,
  scales: usize,
  sums: usize,
  bias: usize,
  c: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  flip: i32,
  scratch: usize,
): void {
  const blocks = blocksOf(depth);
  const four = <usize>blocks * blockBytes(format);
  const fours = (columns + 3) >> 2;
  const streams = rows <= 2 ? 4 : 2;
  const length = (fours + streams - 1) / streams;
  const groups = rowGroups(rows);
  const cRow = (<usize>columns) << 2;
  const out = scratch + 32;
  v128.store(scratch, i8x16.splat(<i8>flip));
  v128.store(scratch, i8x16.splat(15), 16);
  for (let g0 = 0; g0 < length; g0++) {
    // A stream that has ended repeats the first.
    const g1 = g0 + length < fours ? g0 + length : g0;
    const g2 = g0 + 2 * length < fours ? g0 + 2 * length : g0;
    const g3 = g0 + 3 * length < fours ? g0 + 3 * length : g0;
    const w0 = w + <usize>g0 * four;
    const w1 = w + <usize>g1 * four;
    for (let group = 0; group < groups; group++) {
      const first = firstRow(group, groups, rows);
      const many = firstRow(group + 1, groups, rows) - first;
      const before = <usize>first * blocks;
      const a = numbers + (before << 5);
      const place = (format === Format.int8 ? <usize>first : before) << 2;
      const s = scales + place;
      const t = sums + place;
      if (format !== Format.int8) memory.fill(out, 0, <usize>(many * streams) << 4);
      if (streams === 4) {
        const w2 = w + <usize>g2 * four;
        const w3 = w + <usize>g3 * four;
        if (many === 1) strip1(format, w0, w1, w2, w3, a, s, t, blocks, scratch, out);
        else strip2(format, w0, w1, w2, w3, a, s, t, blocks, scratch, out);
      } else if (many === 3) tile3(format, w0, w1, a, s, t, blocks, scratch, out);
      else if (many === 4) tile4(format, w0, w1, a, s, t, blocks, scratch, out);
      else tile5(format, w0, w1, a, s, t, blocks, scratch, out);
      for (let stream = 0; stream < streams; stream++) {
        const column = (stream === 0 ? g0 : stream === 1 ? g1 : stream === 2 ? g2 : g3) << 2;
        finish(
          out + (<usize>stream << 4),
          <usize>streams << 4,
          rowScales ? rowScales + ((<usize>column) << 2) : 0,
          s,
          bias ? bias + ((<usize>column) << 2) : 0,
          c + <usize>first * cRow + ((<usize>column) << 2),
          cRow,
          many,
          columns - column,
        );
      }
    }
  }
}
