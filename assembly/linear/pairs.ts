/**
 * What eight queries see of the keys of the same eight tokens when every channel has its own gates. From the last key
 * to the first, what fades each query takes in one gate more, and the query of the key itself joins.
 */
import { madd } from "../lanes";
import { flush } from "./rows";

/**
 * `q`, `k` and `gates` hold eight tokens for each of `depth` channels, `scores` gets eight queries for each key, 0 where
 * the key comes after, and `faded` the queries times `scale`, faded by all gates of the eight up to their own. `mild`
 * says that no product of the gates counts as 0.
 */
export function pairs(
  q: usize,
  k: usize,
  gates: usize,
  depth: i32,
  scale: f32,
  scores: usize,
  faded: usize,
  mild: bool,
): void {
  if (mild) late(q + 16, k, gates, depth, scale, scores + 16, faded + 16, true);
  else late(q + 16, k, gates, depth, scale, scores + 16, faded + 16, false);
  if (mild) early(q, k, gates, depth, scale, scores, faded, true);
  else early(q, k, gates, depth, scale, scores, faded, false);
}

/** One gate more. */
@inline
function fade(m: v128, gate: v128): v128 {
  return f32x4.mul(m, gate);
}

/** One gate more; what counts as 0 becomes it, at every other gate. */
@inline
function fadeOut(m: v128, gate: v128, mild: bool): v128 {
  return mild ? f32x4.mul(m, gate) : flush(f32x4.mul(m, gate));
}

/** What fades the queries, with the queries: in mild gates they have been in it from the start. */
@inline
function withQuery(m: v128, own: v128, mild: bool): v128 {
  return mild ? m : f32x4.mul(m, own);
}

/** Queries 4 to 7, keys 0 to 7. */
@inline
function late(
  q: usize,
  k: usize,
  gates: usize,
  depth: i32,
  scale: f32,
  scores: usize,
  faded: usize,
  mild: bool,
): void {
  const zero = f32x4.splat(0);
  const by = f32x4.splat(scale);
  let x0 = zero;
  let x1 = zero;
  let x2 = zero;
  let x3 = zero;
  let x4 = zero;
  let x5 = zero;
  let x6 = zero;
  let x7 = zero;
  const end = q + ((<usize>depth) << 5);
  for (; q < end; q += 32) {
    const own = f32x4.mul(by, v128.load(q));
    const unit = mild ? own : f32x4.splat(1);
    let m = v128.shuffle<f32>(zero, unit, 0, 1, 2, 7);
    x7 = madd(withQuery(m, own, mild), v128.load32_splat(k, 28), x7);
    m = fade(m, v128.load32_splat(gates, 28));
    m = v128.shuffle<f32>(m, unit, 0, 1, 6, 3);
    x6 = madd(withQuery(m, own, mild), v128.load32_splat(k, 24), x6);
    m = fadeOut(m, v128.load32_splat(gates, 24), mild);
    m = v128.shuffle<f32>(m, unit, 0, 5, 2, 3);
    x5 = madd(withQuery(m, own, mild), v128.load32_splat(k, 20), x5);
    m = fade(m, v128.load32_splat(gates, 20));
    m = v128.shuffle<f32>(m, unit, 4, 1, 2, 3);
    x4 = madd(withQuery(m, own, mild), v128.load32_splat(k, 16), x4);
    m = fadeOut(m, v128.load32_splat(gates, 16), mild);
    x3 = madd(withQuery(m, own, mild), v128.load32_splat(k, 12), x3);
    m = fade(m, v128.load32_splat(gates, 12));
    x2 = madd(withQuery(m, own, mild), v128.load32_splat(k, 8), x2);
    m = fadeOut(m, v128.load32_splat(gates, 8), mild);
    x1 = madd(withQuery(m, own, mild), v128.load32_splat(k, 4), x1);
    m = fade(m, v128.load32_splat(gates, 4));
    x0 = madd(withQuery(m, own, mild), v128.load32_splat(k), x0);
    m = fadeOut(m, v128.load32_splat(gates), mild);
    v128.store(faded, withQuery(m, own, mild));
    k += 32;
    gates += 32;
    faded += 32;
  }
  v128.store(scores, x0);
  v128.store(scores, x1, 32);
  v128.store(scores, x2, 64);
  v128.store(scores, x3, 96);
  storeTriangle(scores + 128, x4, x5, x6, x7);
}

/** Queries 0 to 3, keys 0 to 3; of the others they see nothing. */
@inline
function early(
  q: usize,
  k: usize,
  gates: usize,
  depth: i32,
  scale: f32,
  scores: usize,
  faded: usize,
  mild: bool,
): void {
  const zero = f32x4.splat(0);
  const by = f32x4.splat(scale);
  let x0 = zero;
  let x1 = zero;
  let x2 = zero;
  let x3 = zero;
  const end = q + ((<usize>depth) << 5);
  for (; q < end; q += 32) {
    const own = f32x4.mul(by, v128.load(q));
    const unit = mild ? own : f32x4.splat(1);
    let m = v128.shuffle<f32>(zero, unit, 0, 1, 2, 7);
    x3 = madd(withQuery(m, own, mild), v128.load32_splat(k, 12), x3);
    m = fade(m, v128.load32_splat(gates, 12));
    m = v128.shuffle<f32>(m, unit, 0, 1, 6, 3);
    x2 = madd(withQuery(m, own, mild), v128.load32_splat(k, 8), x2);
    m = fadeOut(m, v128.load32_splat(gates, 8), mild);
    m = v128.shuffle<f32>(m, unit, 0, 5, 2, 3);
    x1 = madd(withQuery(m, own, mild), v128.load32_splat(k, 4), x1);
    m = fade(m, v128.load32_splat(gates, 4));
    m = v128.shuffle<f32>(m, unit, 4, 1, 2, 3);
    x0 = madd(withQuery(m, own, mild), v128.load32_splat(k), x0);
    m = fadeOut(m, v128.load32_splat(gates), mild);
    v128.store(faded, withQuery(m, own, mild));
    k += 32;
    gates += 32;
    faded += 32;
  }
  storeTriangle(scores, x0, x1, x2, x3);
  v128.store(scores, zero, 128);
  v128.store(scores, zero, 160);
  v128.store(scores, zero, 192);
  v128.store(scores, zero, 224);
}

/** Four keys' rows of scores, without what 0 · ∞ may have left before the diagonal. */
@inline
function storeTriangle(scores: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const zero = f32x4.splat(0);
  v128.store(scores, x0);
  v128.store(scores, v128.shuffle<f32>(zero, x1, 0, 5, 6, 7), 32);
  v128.store(scores, v128.shuffle<f32>(zero, x2, 0, 1, 6, 7), 64);
  v128.store(scores, v128.shuffle<f32>(zero, x3, 0, 1, 2, 7), 96);
}
