/**
 * Products of bytes by the engine's own instruction, sixteen multiplications and their sums in one. Where it is exact for all
 * bytes (`src/wasm/dots.ts` finds out) results are the same bits as those of `integerProduct`, several times as fast.
 */
import { storeEdge } from "../rows/edge";
import { firstRow, rowGroups } from "./bytes";
import { strip1, strip2 } from "./dot-strip";
import { tile3, tile4, tile5 } from "./dot-tile";
import { blockBytes, blocksOf, Format } from "./layout";

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
