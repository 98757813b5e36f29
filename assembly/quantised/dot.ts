/** The engine's own product of bytes, sixteen multiplications and their sums in one. */
import { madd } from "../lanes";

/** Adds to each lane the products of its four bytes: `a` is signed, and so may `b` be, or not. */
@inline
export function dot(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
  return sum;
}

/** Adds a block's sums, times the scales of the weights and of the activations, to totals. */
@inline
export function add(sums: v128, scales: v128, activation: v128, totals: usize): void {
  v128.store(totals, madd(f32x4.convert_i32x4_s(sums), f32x4.mul(scales, activation), v128.load(totals)));
}
