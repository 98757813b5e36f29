import { exp } from "../lanes";

/**
 * Turns the scores of eight queries into probabilities relative to the largest score so far, and brings `tops`,
 * `totals` and `factors` (eight floats each) up to date. Returns whether any query saw any of the keys; if not, nothing
 * is changed.
 */
export function absorb(scores: usize, count: i32, tops: usize, totals: usize, factors: usize): bool {
  const end = scores + ((<usize>count) << 5);
  let low = f32x4.splat(-Infinity);
  let high = low;
  for (let at = scores; at < end; at += 32) {
    low = f32x4.max(low, v128.load(at));
    high = f32x4.max(high, v128.load(at, 16));
  }
  if (!v128.any_true(v128.or(f32x4.ne(low, f32x4.splat(-Infinity)), f32x4.ne(high, f32x4.splat(-Infinity)))))
    return false;
  absorbHalf(scores, end, low, tops, totals, factors);
  absorbHalf(scores + 16, end, high, tops + 16, totals + 16, factors + 16);
  return true;
}

function absorbHalf(scores: usize, end: usize, highest: v128, tops: usize, totals: usize, factors: usize): void {
  const before = v128.load(tops);
  const top = f32x4.max(before, highest);
  v128.store(tops, top);
  // Where nothing was seen yet, −∞ − (−∞) would be NaN.
  const base = v128.andnot(top, f32x4.eq(top, f32x4.splat(-Infinity)));
  const factor = exp(f32x4.sub(before, base));
  let total = f32x4.splat(0);
  for (let at = scores; at < end; at += 32) {
    const p = exp(f32x4.sub(v128.load(at), base));
    v128.store(at, p);
    total = f32x4.add(total, p);
  }
  v128.store(factors, factor);
  v128.store(totals, f32x4.add(f32x4.mul(v128.load(totals), factor), total));
}
