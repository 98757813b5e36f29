/**
 * Activations rounded to single bytes, as the engine's own dot product takes them: up to five rows in a group, whose words of
 * four bytes alternate, so that a tile reads them one behind another.
 */
import { NOTHING } from "./activations";
import { loadEdge } from "../rows/edge";
import { blocksOf, Format } from "./layout";

/** Rows of a tile at most. */
const MOST = 5;

/** Groups of as equal a number of rows as can be. */
@inline
export function rowGroups(rows: i32): i32 {
  return (rows + MOST - 1) / MOST;
}

/** The first row of a group; that of the group after the last is `rows`. */
@inline
export function firstRow(group: i32, groups: i32, rows: i32): i32 {
  return <i32>((<i64>group * rows) / groups);
}

/** The larger sizes, as bits moved up by one, so that no sign is left and NaN is largest. */
@inline
function larger(sizes: v128, x: v128): v128 {
  return i32x4.max_u(sizes, i32x4.shl(x, 1));
}

/** The largest of the four sizes. */
@inline
function largest(sizes: v128): f32 {
  const two = i32x4.max_u(sizes, v128.shuffle<i32>(sizes, sizes, 2, 3, 0, 1));
  const one = i32x4.max_u(two, v128.shuffle<i32>(two, two, 1, 0, 3, 2));
  return reinterpret<f32>(<i32>(<u32>i32x4.extract_lane(one, 0) >> 1));
}

/** The sum of four lanes. */
@inline
function total(x: v128): i32 {
  const two = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1);
}

/** Four columns, of which `left` are there; zeros beyond. */
@inline
function four(at: usize, left: i32): v128 {
  return left >= 4 ? v128.load(at) : left > 0 ? loadEdge(at, left, 0) : f32x4.splat(0);
}

/** Rounded to whole numbers, halves to even; anything where x is not finite. */
@inline
function whole(x: v128, inverse: v128): v128 {
  const n = f32x4.nearest(f32x4.mul(x, inverse));
  return ASC_FEATURE_RELAXED_SIMD ? i32x4.relaxed_trunc_f32x4_s(n) : i32x4.trunc_sat_f32x4_s(n);
}

@inline
function bytes(a: v128, b: v128, c: v128, d: v128, inverse: v128): v128 {
  const low = i16x8.narrow_i32x4_s(whole(a, inverse), whole(b, inverse));
  return i8x16.narrow_i16x8_s(low, i16x8.narrow_i32x4_s(whole(c, inverse), whole(d, inverse)));
}

/** Stores four words `step` bytes apart. */
@inline
function scatter(words: v128, target: usize, step: usize): void {
  v128.store32_lane(target, words, 0);
  v128.store32_lane(target + step, words, 1);
  v128.store32_lane(target + 2 * step, words, 2);
  v128.store32_lane(target + 3 * step, words, 3);
}

/** The largest size of a row. */
function largestOfRow(source: usize, depth: i32): f32 {
  let a = i32x4.splat(0);
  let b = a;
  const end = source + ((<usize>(depth & ~7)) << 2);
  for (; source < end; source += 32) {
    a = larger(a, v128.load(source));
    b = larger(b, v128.load(source, 16));
  }
  a = larger(a, four(source, depth & 7));
  return largest(larger(i32x4.max_u(a, b), four(source + 16, (depth & 7) - 4)));
}

/**
 * As `quantiseActivations` rounds them. Of each group of rows `numbers` gets word j of every row, then word j + 1, …;
 * `scales` and `sums` alike those of the rows' first 32 columns (of int8: of all), then of the next. A sum is that of the
 * whole numbers times `factor`.
 */
export function quantiseBytes(
  format: i32,
  source: usize,
  rows: i32,
  depth: i32,
  factor: i32,
  numbers: usize,
  scales: usize,
  sums: usize,
): void {
  const blocks = blocksOf(depth);
  const perRow = format === Format.int8;
  const groups = rowGroups(rows);
  for (let group = 0; group < groups; group++) {
    const first = firstRow(group, groups, rows);
    const many = <usize>(firstRow(group + 1, groups, rows) - first);
    const step = many << 2;
    const all = <usize>first * blocks;
    for (let row: usize = 0; row < many; row++) {
      let to = numbers + (all << 5) + (row << 2);
      const place = ((perRow ? <usize>first : all) + row) << 2;
      let scaleTo = scales + place;
      let sumTo = sums + place;
      let inverse = f32x4.splat(0);
      let sum = i32x4.splat(0);
      for (let block = 0; block < blocks; block++) {
        const left = depth - (block << 5);
        let x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128;
        if (left >= 32) {
          x0 = v128.load(source);
          x1 = v128.load(source, 16);
          x2 = v128.load(source, 32);
          x3 = v128.load(source, 48);
          x4 = v128.load(source, 64);
          x5 = v128.load(source, 80);
          x6 = v128.load(source, 96);
          x7 = v128.load(source, 112);
        } else {
          x0 = four(source, left);
          x1 = four(source + 16, left - 4);
          x2 = four(source + 32, left - 8);
          x3 = four(source + 48, left - 12);
          x4 = four(source + 64, left - 16);
          x5 = four(source + 80, left - 20);
          x6 = four(source + 96, left - 24);
          x7 = four(source + 112, left - 28);
        }
        if (block === 0 || !perRow) {
          let size: f32;
          if (perRow) size = largestOfRow(source, depth);
          else {
            const even = larger(larger(larger(i32x4.shl(x0, 1), x2), x4), x6);
            const odd = larger(larger(larger(i32x4.shl(x1, 1), x3), x5), x7);
            size = largest(i32x4.max_u(even, odd));
          }
          const tiny = size < NOTHING;
          inverse = f32x4.splat(tiny ? 0 : 127 / size);
          // What is added is 0, or NaN where the largest is infinite: so is then every product.
          store<f32>(scaleTo, tiny ? 0 : size / 127 + (size - size));
          scaleTo += step;
        }
        const low = bytes(x0, x1, x2, x3, inverse);
        const high = bytes(x4, x5, x6, x7, inverse);
        if (many === 1) {
          v128.store(to, low);
          v128.store(to, high, 16);
        } else {
          scatter(low, to, step);
          scatter(high, to + 4 * step, step);
        }
        to += 8 * step;
        source += (<usize>min(left, 32)) << 2;
        const pairs = i16x8.add(i16x8.extadd_pairwise_i8x16_s(low), i16x8.extadd_pairwise_i8x16_s(high));
        sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs));
        if (!perRow || block === blocks - 1) {
          store<i32>(sumTo, factor * total(sum));
          sumTo += step;
          sum = i32x4.splat(0);
        }
      }
    }
  }
}
