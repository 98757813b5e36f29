import { matvec } from "./matvec";
import { clear, copyFloats, fill, fourPanels, panelOfColumns, panelOfRows } from "./pack";
import { groupRows, multiply } from "./tile/multiply";
import { groupsBytes, groupsOfRows } from "./tile/pack";

/** Depth of a block: a panel of B (16 KiB) stays in the first cache. */
const DEPTH = 512;
/** Columns of a block: its panels of B (1 MiB) stay in the second cache. */
const COLUMNS = 512;
/** Rows of a block, whole groups of any kind: its part of A (120 KiB) stays in the second cache beside them. */
const ROWS = 60;
/** Rows of what is padded to whole groups at an edge. */
const EDGE = ROWS + 4;

/** Bytes of scratch that {@link matmul} needs. */
export function matmulScratch(columns: i32, depth: i32): usize {
  const wide = min((columns + 7) & ~7, COLUMNS);
  const deep = min(depth, DEPTH);
  return ((<usize>wide * deep) << 2) + groupsBytes(ROWS, deep) + EDGE * 32 + 32;
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
  if (rows < 4) {
    matvec(a, aRow, b, bRow, transposed, bias, c, cRow, rows, columns, depth);
    return;
  }
  if (bias || depth === 0)
    for (let row = 0; row < rows; row++) {
      const target = c + <usize>row * cRow;
      if (bias) copyFloats(bias, columns, target);
      else for (let column = 0; column < columns; column++) store<f32>(target + ((<usize>column) << 2), 0);
    }
  const deepest = min(depth, DEPTH);
  const ones = scratch;
  const edge = ones + 32;
  const aBlock = edge + EDGE * 32;
  const bBlock = aBlock + groupsBytes(ROWS, deepest);
  fill(ones, 32, 1);
  for (let column = 0; column < columns; column += COLUMNS) {
    const wide = min(columns - column, COLUMNS);
    for (let d = 0; d < depth; d += DEPTH) {
      const deep = min(depth - d, DEPTH);
      const panel = (<usize>deep) << 5;
      packColumns(b, bRow, transposed, column, wide, d, deep, bBlock);
      const factors: usize = d || bias ? ones : 0;
      for (let row = 0; row < rows; row += ROWS) {
        const tall = min(rows - row, ROWS);
        groupsOfRows(a + <usize>row * aRow + (d << 2), aRow, tall, deep, aBlock);
        for (let j = 0; j < wide; j += 8)
          stripe(
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
  const end = column + wide;
  let j = column;
  if (!transposed)
    for (; j + 32 <= end; j += 32) {
      fourPanels(b + <usize>d * bRow + (j << 2), bRow, deep, target);
      target += (<usize>deep) << 7;
    }
  for (; j < end; j += 8) {
    const width = min(end - j, 8);
    if (transposed) panelOfRows(b + <usize>j * bRow + (d << 2), bRow, width, deep, target);
    else panelOfColumns(b + <usize>d * bRow + (j << 2), bRow, width, deep, target);
    target += (<usize>deep) << 5;
  }
}

/** One panel of columns; what is no whole tile goes through `edge`, a copy of it padded to whole ones. */
export function stripe(
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
  const rows = groupRows();
  const group = (<usize>(rows * deep)) << 2;
  const whole = width === 8 ? tall / rows : 0;
  if (whole) multiply(a, group, whole, b, deep, c, cRow, factors);
  const first = whole * rows;
  const rest = tall - first;
  if (!rest) return;
  const groups = (rest + rows - 1) / rows;
  const source = c + <usize>first * cRow;
  if (factors) {
    clear(edge, (<usize>(groups * rows)) << 5);
    for (let r = 0; r < rest; r++) copyFloats(source + <usize>r * cRow, width, edge + ((<usize>r) << 5));
  }
  multiply(a + <usize>whole * group, group, groups, b, deep, edge, 32, factors);
  for (let r = 0; r < rest; r++) copyFloats(edge + ((<usize>r) << 5), width, source + <usize>r * cRow);
}
