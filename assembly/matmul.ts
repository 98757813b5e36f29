import { clear, copyFloats, fill, interleave, panelOfColumns, panelOfRows } from "./pack";
import { tiles } from "./tiles";

/** Depth of a block: a panel of B (8 KiB) stays in the first cache. */
const DEPTH = 256;
/** Columns of a block: its panels of B (512 KiB) stay in the second cache. */
const COLUMNS = 512;
/** Rows of a block: its part of A (64 KiB) stays in the second cache beside them. */
const ROWS = 64;

/** Bytes of scratch that {@link matmul} needs. */
export function matmulScratch(columns: i32, depth: i32): usize {
  const wide = min((columns + 7) & ~7, COLUMNS);
  const deep = min(depth, DEPTH);
  return ((<usize>wide * deep) << 2) + ((<usize>ROWS * deep) << 2) + ROWS * 32 + ROWS * 4;
}

/**
 * C = A · B + bias, or A · Bᵀ + bias if `transposed`, with C rows × columns. Rows of A, B and C are `aRow`, `bRow` and
 * `cRow` bytes apart; `bias` (0 for none) holds one number for each column.
 */
export function matmul(
  a: usize,
  aRow: usize,
  b: usize,
  bRow: usize,
  transposed: bool,
  bias: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  scratch: usize,
): void {
  if (bias || depth === 0)
    for (let row = 0; row < rows; row++) {
      const target = c + <usize>row * cRow;
      if (bias) copyFloats(bias, columns, target);
      else for (let column = 0; column < columns; column++) store<f32>(target + ((<usize>column) << 2), 0);
    }
  const deepest = min(depth, DEPTH);
  const ones = scratch;
  const edge = ones + ROWS * 4;
  const aBlock = edge + ROWS * 32;
  const bBlock = aBlock + ((<usize>ROWS * deepest) << 2);
  fill(ones, ROWS * 4, 1);
  for (let column = 0; column < columns; column += COLUMNS) {
    const wide = min(columns - column, COLUMNS);
    for (let d = 0; d < depth; d += DEPTH) {
      const deep = min(depth - d, DEPTH);
      const panel = (<usize>deep) << 5;
      packColumns(b, bRow, transposed, column, wide, d, deep, bBlock);
      const factors: usize = d || bias ? ones : 0;
      for (let row = 0; row < rows; row += ROWS) {
        const tall = min(rows - row, ROWS);
        for (let r = 0; r < tall; r += 4)
          interleave(
            a + <usize>(row + r) * aRow + (d << 2),
            aRow,
            tall - r,
            deep,
            aBlock + <usize>r * ((<usize>deep) << 2),
            16,
          );
        for (let j = 0; j < wide; j += 8)
          multiply(
            aBlock,
            bBlock + <usize>(j >> 3) * panel,
            deep,
            c + <usize>row * cRow + ((column + j) << 2),
            cRow,
            tall,
            min(wide - j, 8),
            factors,
            edge,
          );
      }
    }
  }
}

function packColumns(
  b: usize,
  bRow: usize,
  transposed: bool,
  column: i32,
  wide: i32,
  d: i32,
  deep: i32,
  target: usize,
): void {
  for (let j = column; j < column + wide; j += 8) {
    const width = min(column + wide - j, 8);
    if (transposed) panelOfRows(b + <usize>j * bRow + (d << 2), bRow, width, deep, target);
    else panelOfColumns(b + <usize>d * bRow + (j << 2), bRow, width, deep, target);
    target += (<usize>deep) << 5;
  }
}

/** One panel of columns; what is no whole tile goes through `edge`, a copy of it padded to whole ones. */
function multiply(
  a: usize,
  b: usize,
  deep: i32,
  c: usize,
  cRow: usize,
  tall: i32,
  width: i32,
  factors: usize,
  edge: usize,
): void {
  const whole = width === 8 ? tall >> 2 : 0;
  const group = (<usize>deep) << 4;
  if (whole) tiles(a, 16, group, whole, b, deep, c, cRow, cRow << 2, factors);
  const first = whole << 2;
  const rest = tall - first;
  if (!rest) return;
  const groups = (rest + 3) >> 2;
  const source = c + <usize>first * cRow;
  if (factors) {
    clear(edge, (<usize>groups) << 7);
    for (let r = 0; r < rest; r++) copyFloats(source + <usize>r * cRow, width, edge + ((<usize>r) << 5));
  }
  tiles(a + <usize>whole * group, 16, group, groups, b, deep, edge, 32, 128, factors);
  for (let r = 0; r < rest; r++) copyFloats(edge + ((<usize>r) << 5), width, source + <usize>r * cRow);
}
