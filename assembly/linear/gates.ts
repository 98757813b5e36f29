/**
 * What gates leave of the past. Within a chunk everything is a product of gates that lie between two tokens: nothing is
 * divided, no difference of large sums is taken, and a gate of 0 forgets exactly.
 */
import { exp } from "../lanes";
import { flush, flushOne } from "./rows";

/** e^x for logarithms of gates, in place; above 88 they count as 88. `bytes` is a multiple of 16. */
export function openGates(gates: usize, bytes: usize): void {
  const most = f32x4.splat(88);
  const end = gates + bytes;
  for (; gates < end; gates += 16) v128.store(gates, exp(f32x4.pmin(most, v128.load(gates))));
}

/**
 * Factors of `rows` rows of gates, given as they are or as logarithms, for use within a chunk: what is below 2^−40 counts
 * as 0. `bytes` (a multiple of 16) separate the rows of the target, which may be the source.
 */
export function openRows(source: usize, stride: usize, rows: i32, bytes: usize, target: usize, logs: bool): void {
  const most = f32x4.splat(88);
  for (let row = 0; row < rows; row++) {
    if (logs)
      for (let at: usize = 0; at < bytes; at += 16)
        v128.store(target + at, flush(exp(f32x4.pmin(most, v128.load(source + at)))));
    else for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, flush(v128.load(source + at)));
    source += stride;
    target += bytes;
  }
}

/** before[t]: the product of the gates up to t and with it. Returns the product of all `count`. */
export function fadeBefore(gates: usize, count: i32, before: usize): f32 {
  let product: f32 = 1;
  for (let t = 0; t < count; t++) {
    const at = (<usize>t) << 2;
    product = flushOne(product * load<f32>(gates + at));
    store<f32>(before + at, product);
  }
  return product;
}

/** after[t]: the product of the gates after t. */
export function fadeAfter(gates: usize, count: i32, after: usize): void {
  let product: f32 = 1;
  for (let t = count - 1; t >= 0; t--) {
    const at = (<usize>t) << 2;
    store<f32>(after + at, product);
    product = flushOne(product * load<f32>(gates + at));
  }
}

/**
 * Rows of keys, each faded by the gates after it, channel by channel; `all` gets the product of all of them. `row` bytes
 * separate the rows of gates and of the result, a multiple of 16. Returns whether no product counts as 0.
 */
export function fadeKeys(k: usize, kRow: usize, gates: usize, row: usize, count: i32, target: usize, all: usize): bool {
  let some = i32x4.splat(-1);
  for (let at: usize = 0; at < row; at += 16) {
    let product = f32x4.splat(1);
    for (let t = count - 1; t >= 0; t--) {
      const place = <usize>t * row + at;
      v128.store(target + place, f32x4.mul(product, v128.load(k + <usize>t * kRow + at)));
      product = f32x4.mul(product, v128.load(gates + place));
      // Three factors of 2^−40 are no denormal number yet.
      if (!(t & 1)) product = flush(product);
    }
    v128.store(all + at, product);
    some = v128.and(some, f32x4.ne(product, f32x4.splat(0)));
  }
  return i32x4.all_true(some);
}

/** product *= factors, `bytes` a multiple of 16. */
export function fadeMore(product: usize, factors: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16)
    v128.store(product + at, flush(f32x4.mul(v128.load(product + at), v128.load(factors + at))));
}
