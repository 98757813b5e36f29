import { tiles } from "../tiles";

/** Whether all of `bytes` (a multiple of 16) are finite floats. */
export function finite(source: usize, bytes: usize): bool {
  const end = source + bytes;
  let zeros = f32x4.splat(0);
  for (; source < end; source += 16) zeros = f32x4.add(zeros, f32x4.mul(v128.load(source), f32x4.splat(0)));
  return !v128.any_true(f32x4.ne(zeros, zeros));
}

/**
 * sums = factors · sums + probabilities · values, for eight queries. `panel` bytes separate the panels of the values,
 * `row` bytes the queries' sums.
 */
export function addValues(
  probabilities: usize,
  count: i32,
  values: usize,
  panel: usize,
  sums: usize,
  row: usize,
  factors: usize,
): void {
  for (let at: usize = 0; at < row; at += 32) {
    tiles(probabilities, 32, 16, 2, values, count, sums + at, row, row << 2, factors);
    values += panel;
  }
}

/** The same where values are infinite or NaN, which a key that is not seen must not spread: 0 · ∞ is NaN. */
export function addSeenValues(
  probabilities: usize,
  count: i32,
  values: usize,
  panel: usize,
  sums: usize,
  row: usize,
  factors: usize,
): void {
  for (let query: usize = 0; query < 32; query += 4) {
    let value = values;
    const target = sums + (query >> 2) * row;
    const factor = f32x4.splat(load<f32>(factors + query));
    for (let at: usize = 0; at < row; at += 32) {
      let low = f32x4.mul(factor, v128.load(target + at));
      let high = f32x4.mul(factor, v128.load(target + at, 16));
      for (let s = 0; s < count; s++) {
        const p = load<f32>(probabilities + query + ((<usize>s) << 5));
        if (p === 0) continue;
        const source = value + ((<usize>s) << 5);
        low = f32x4.add(low, f32x4.mul(f32x4.splat(p), v128.load(source)));
        high = f32x4.add(high, f32x4.mul(f32x4.splat(p), v128.load(source, 16)));
      }
      v128.store(target + at, low);
      v128.store(target + at, high, 16);
      value += panel;
    }
  }
}
