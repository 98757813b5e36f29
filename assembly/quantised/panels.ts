/** Quantised weights times many rows of float32: weights become panels of float32, block by block, and the tiles of `multiply` do the rest. */
import { stripe } from "../matmul";
import { copyFloats, fill } from "../pack";
import { groupsBytes, groupsOfRows } from "../tile/pack";
import { rowOf } from "./direct";
import { blockBytes, blocksOf, Format, numberBytes, scalesAt } from "./layout";

/** Depth, columns and rows of a block, as for float32. */
const DEPTH = 256;
const COLUMNS = 512;
const ROWS = 60;
/** Rows of what is padded to whole groups at an edge. */
const EDGE = ROWS + 4;

/** Bytes of scratch that {@link panelProduct} needs. */
export function panelScratch(): usize {
  return <usize>(COLUMNS * DEPTH * 4) + groupsBytes(ROWS, DEPTH) + EDGE * 32 + 32;
}

/** Four columns of four rows, times the rows' scales, as the four rows of each column, 32 bytes apart. */
@inline
function turn(words: v128, scales: v128, target: usize): void {
  const r0 = rowOf(words, 0);
  const r1 = rowOf(words, 1);
  const r2 = rowOf(words, 2);
  const r3 = rowOf(words, 3);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(target, f32x4.mul(scales, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5)));
  v128.store(target, f32x4.mul(scales, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7)), 32);
  v128.store(target, f32x4.mul(scales, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5)), 64);
  v128.store(target, f32x4.mul(scales, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)), 96);
}

/** Half a panel: `blocks` blocks of four rows. */
function halfPanel(format: i32, w: usize, rowScales: v128, blocks: i32, target: usize): void {
  const numbers = numberBytes(format);
  for (let block = 0; block < blocks; block++) {
    const scales = format === Format.int8 ? rowScales : scalesAt(w + numbers);
    for (const last = w + numbers; w < last; w += 16) {
      const words = v128.load(w);
      if (format === Format.q4) {
        const eight = i8x16.splat(8);
        turn(i8x16.sub(v128.and(words, i8x16.splat(15)), eight), scales, target);
        turn(i8x16.sub(i8x16.shr_u(words, 4), eight), scales, target + 512);
      } else turn(words, scales, target);
      target += 128;
    }
    if (format === Format.q4) target += 512;
    w += blockBytes(format) - numbers;
  }
}

/** C = A · Wᵀ + bias; A may be of any depth up to whole blocks of it, its rows `aRow` bytes apart. */
export function panelProduct(
  format: i32,
  w: usize,
  rowScales: usize,
  a: usize,
  bias: usize,
  c: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  scratch: usize,
): void {
  const aRow = (<usize>depth) << 2;
  const cRow = (<usize>columns) << 2;
  const ones = scratch;
  const edge = ones + 32;
  const aBlock = edge + EDGE * 32;
  const panels = aBlock + groupsBytes(ROWS, DEPTH);
  const group = <usize>blocksOf(depth) * blockBytes(format);
  fill(ones, 32, 1);
  if (bias) for (let row = 0; row < rows; row++) copyFloats(bias, columns, c + <usize>row * cRow);
  for (let column = 0; column < columns; column += COLUMNS) {
    const wide = min(columns - column, COLUMNS);
    for (let d = 0; d < depth; d += DEPTH) {
      const deep = min(depth - d, DEPTH);
      for (let j = 0; j < wide; j += 4) {
        const scales = format === Format.int8 ? v128.load(rowScales + ((<usize>(column + j)) << 2)) : f32x4.splat(0);
        const from = w + (<usize>(column + j) >> 2) * group + (<usize>d >> 5) * blockBytes(format);
        halfPanel(format, from, scales, blocksOf(deep), panels + <usize>(j >> 3) * (DEPTH << 5) + ((j & 4) << 2));
      }
      for (let row = 0; row < rows; row += ROWS) {
        const tall = min(rows - row, ROWS);
        groupsOfRows(a + <usize>row * aRow + ((<usize>d) << 2), aRow, tall, deep, aBlock);
        for (let j = 0; j < wide; j += 8)
          stripe(
            aBlock,
            panels + <usize>(j >> 3) * (DEPTH << 5),
            deep,
            c + <usize>row * cRow + ((<usize>(column + j)) << 2),
            cRow,
            tall,
            min(wide - j, 8),
            d || bias ? ones : 0,
            edge,
          );
      }
    }
  }
}
