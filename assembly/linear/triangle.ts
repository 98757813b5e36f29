/**
 * What eight queries see of the keys of their chunk when a head has one gate a token. `scores` holds eight floats for
 * each key.
 */
import { flush } from "./rows";

/**
 * Multiplies the scores of the queries `first` … `first` + 7 and the keys below `end` by `scale` and the gates after the
 * key up to the query; 0 where the key comes after the query, whatever its score.
 */
export function fadeScores(scores: usize, gates: usize, first: i32, end: i32, scale: f32): void {
  const own = f32x4.splat(scale);
  let low = f32x4.splat(0);
  let high = low;
  let s = end - 1;
  for (; s >= first; s--) {
    // The last key's queries are yet to come: there is nothing to fade.
    if (s + 1 < end) {
      const gate = v128.load32_splat(gates + ((<usize>s) << 2), 4);
      low = flush(f32x4.mul(low, gate));
      high = flush(f32x4.mul(high, gate));
    }
    low = v128.bitselect(own, low, i32x4.eq(i32x4(0, 1, 2, 3), i32x4.splat(s - first)));
    high = v128.bitselect(own, high, i32x4.eq(i32x4(4, 5, 6, 7), i32x4.splat(s - first)));
    multiplySeen(scores + ((<usize>s) << 5), low);
    multiplySeen(scores + ((<usize>s) << 5) + 16, high);
  }
  for (; s >= 0; s--) {
    const gate = v128.load32_splat(gates + ((<usize>s) << 2), 4);
    low = flush(f32x4.mul(low, gate));
    high = flush(f32x4.mul(high, gate));
    multiplySeen(scores + ((<usize>s) << 5), low);
    multiplySeen(scores + ((<usize>s) << 5) + 16, high);
  }
}

@inline
function multiplySeen(at: usize, factor: v128): void {
  v128.store(at, v128.andnot(f32x4.mul(factor, v128.load(at)), f32x4.eq(factor, f32x4.splat(0))));
}
