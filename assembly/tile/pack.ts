/** Copies of matrices in the order in which `multiply` reads them. Strides are in bytes. */
import { interleave } from "../pack";
import { groupRows } from "./multiply";

/** Bytes that groups of `rows` rows take, whatever the rows of a group. */
export function groupsBytes(rows: i32, depth: i32): usize {
  return <usize>(rows + 5) * ((<usize>depth) << 2);
}

/** Rows (`count` of them) in groups; where they do not fill the last one, zeros. Returns how many groups. */
export function groupsOfRows(source: usize, stride: usize, count: i32, depth: i32, target: usize): i32 {
  const tall = groupRows();
  let groups = 0;
  for (let row = 0; row < count; row += tall) {
    interleave(source, stride, count - row, depth, target, <usize>tall << 2);
    if (tall === 6) interleaveTwo(source + (stride << 2), stride, count - row - 4, depth, target + 16);
    source += <usize>tall * stride;
    target += (<usize>tall * depth) << 2;
    groups++;
  }
  return groups;
}

/** Columns (`count` of them) in groups, as if they were rows; `depth` is how many floats a column has. */
export function groupsOfColumns(source: usize, stride: usize, count: i32, depth: i32, target: usize): i32 {
  const tall = groupRows();
  let groups = 0;
  for (let column = 0; column < count; column += tall) {
    const wide = min(count - column, tall);
    let from = source + ((<usize>column) << 2);
    const end = target + ((<usize>tall * depth) << 2);
    if (wide === 6)
      for (; target < end; target += 24) {
        v128.store(target, v128.load(from));
        store<f64>(target, load<f64>(from, 16), 16);
        from += stride;
      }
    else if (tall === 4 && wide === 4)
      for (; target < end; target += 16) {
        v128.store(target, v128.load(from));
        from += stride;
      }
    else
      for (; target < end; target += <usize>tall << 2) {
        for (let i = 0; i < tall; i++)
          store<f32>(target + (i << 2), i < wide ? load<f32>(from + (i << 2)) : 0);
        from += stride;
      }
    groups++;
  }
  return groups;
}

/** The fifth and sixth rows of groups of six; those that are missing are zeros. */
function interleaveTwo(source: usize, stride: usize, rows: i32, depth: i32, target: usize): void {
  const second = source + stride;
  const bytes = (<usize>depth) << 2;
  let at: usize = 0;
  if (rows >= 2)
    for (; at + 16 <= bytes; at += 16) {
      const r0 = v128.load(source + at);
      const r1 = v128.load(second + at);
      const low = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      v128.store64_lane(target, low, 0);
      v128.store64_lane(target, low, 1, 24);
      v128.store64_lane(target, high, 0, 48);
      v128.store64_lane(target, high, 1, 72);
      target += 96;
    }
  for (; at < bytes; at += 4) {
    store<f32>(target, rows > 0 ? load<f32>(source + at) : 0);
    store<f32>(target, rows > 1 ? load<f32>(second + at) : 0, 4);
    target += 24;
  }
}
