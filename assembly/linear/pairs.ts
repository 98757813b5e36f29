/**
 * What eight queries see of the keys of the same eight tokens when every channel has its own gates. From the last key
 * to the first, what fades each query takes in one gate more, and the query of the key itself joins.
 */
import { madd } from "../lanes";
import { flush } from "./rows";

/**
 * `q`, `k` and `gates` hold eight tokens for each of `depth` channels, `scores` gets eight queries for each key, 0 where
 * the key comes after, and `faded` the queries times `scale`, faded by all gates of the eight up to their own.
 */
export function pairs(
  q: usize,
  k: usize,
  gates: usize,
  depth: i32,
  scale: f32,
  scores: usize,
  faded: usize,
): void {
  late(q + 16, k, gates, depth, scale, scores + 16, faded + 16);
  early(q, k, gates, depth, scale, scores, faded);
}

/** Queries 4 to 7, keys 0 to 7. */
function late(q: usize, k: usize, gates: usize, depth: i32, scale: f32, scores: usize, faded: usize): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
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
    let m = v128.shuffle<f32>(zero, one, 0, 1, 2, 7);
    x7 = madd(f32x4.mul(m, own), v128.load32_splat(k, 28), x7);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 28)));
    m = v128.shuffle<f32>(m, one, 0, 1, 6, 3);
    x6 = madd(f32x4.mul(m, own), v128.load32_splat(k, 24), x6);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 24)));
    m = v128.shuffle<f32>(m, one, 0, 5, 2, 3);
    x5 = madd(f32x4.mul(m, own), v128.load32_splat(k, 20), x5);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 20)));
    m = v128.shuffle<f32>(m, one, 4, 1, 2, 3);
    x4 = madd(f32x4.mul(m, own), v128.load32_splat(k, 16), x4);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 16)));
    x3 = madd(f32x4.mul(m, own), v128.load32_splat(k, 12), x3);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 12)));
    x2 = madd(f32x4.mul(m, own), v128.load32_splat(k, 8), x2);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 8)));
    x1 = madd(f32x4.mul(m, own), v128.load32_splat(k, 4), x1);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 4)));
    x0 = madd(f32x4.mul(m, own), v128.load32_splat(k), x0);
    v128.store(faded, f32x4.mul(own, flush(f32x4.mul(m, v128.load32_splat(gates)))));
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
function early(q: usize, k: usize, gates: usize, depth: i32, scale: f32, scores: usize, faded: usize): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const by = f32x4.splat(scale);
  let x0 = zero;
  let x1 = zero;
  let x2 = zero;
  let x3 = zero;
  const end = q + ((<usize>depth) << 5);
  for (; q < end; q += 32) {
    const own = f32x4.mul(by, v128.load(q));
    let m = v128.shuffle<f32>(zero, one, 0, 1, 2, 7);
    x3 = madd(f32x4.mul(m, own), v128.load32_splat(k, 12), x3);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 12)));
    m = v128.shuffle<f32>(m, one, 0, 1, 6, 3);
    x2 = madd(f32x4.mul(m, own), v128.load32_splat(k, 8), x2);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 8)));
    m = v128.shuffle<f32>(m, one, 0, 5, 2, 3);
    x1 = madd(f32x4.mul(m, own), v128.load32_splat(k, 4), x1);
    m = flush(f32x4.mul(m, v128.load32_splat(gates, 4)));
    m = v128.shuffle<f32>(m, one, 4, 1, 2, 3);
    x0 = madd(f32x4.mul(m, own), v128.load32_splat(k), x0);
    v128.store(faded, f32x4.mul(own, flush(f32x4.mul(m, v128.load32_splat(gates)))));
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
