import { exp2, madd } from "../lanes";

/**
 * Turns the scores of eight queries into probabilities relative to the largest score so far, 2^(unit · score), and brings
 * `tops` (the largest scores times `unit`, which is above 0), `totals` and `factors` (eight floats each) up to date.
 * Returns whether any query saw any of the keys; if not, nothing is changed.
 */
export function absorb(scores: usize, count: i32, unit: f32, tops: usize, totals: usize, factors: usize): bool {
  const end = scores + ((<usize>count) << 5);
  let low = f32x4.splat(-Infinity);
  let high = low;
  // A NaN is passed over here; its own probability will be NaN.
  for (let at = scores; at < end; at += 32) {
    low = f32x4.pmax(low, v128.load(at));
    high = f32x4.pmax(high, v128.load(at, 16));
  }
  if (!v128.any_true(v128.or(f32x4.ne(low, f32x4.splat(-Infinity)), f32x4.ne(high, f32x4.splat(-Infinity)))))
    if (!anyNaN(scores, end)) return false;
  const units = f32x4.splat(unit);
  absorbHalf(scores, end, units, f32x4.mul(low, units), tops, totals, factors);
  absorbHalf(scores + 16, end, units, f32x4.mul(high, units), tops + 16, totals + 16, factors + 16);
  return true;
}

function anyNaN(scores: usize, end: usize): bool {
  for (; scores < end; scores += 16) {
    const z = v128.load(scores);
    if (v128.any_true(f32x4.ne(z, z))) return true;
  }
  return false;
}

function absorbHalf(
  scores: usize,
  end: usize,
  unit: v128,
  highest: v128,
  tops: usize,
  totals: usize,
  factors: usize,
): void {
  const before = v128.load(tops);
  const top = f32x4.pmax(before, highest);
  v128.store(tops, top);
  // Where nothing was seen yet, −∞ − (−∞) would be NaN.
  const base = v128.andnot(top, f32x4.eq(top, f32x4.splat(-Infinity)));
  const factor = exp2(f32x4.sub(before, base));
  const below = f32x4.neg(base);
  let total = f32x4.mul(v128.load(totals), factor);
  for (let at = scores; at < end; at += 32) {
    const p = exp2(madd(v128.load(at), unit, below));
    v128.store(at, p);
    total = f32x4.add(total, p);
  }
  v128.store(factors, factor);
  v128.store(totals, total);
}
