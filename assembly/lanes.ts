/** Arithmetic on four float32 lanes that is inlined everywhere. */

/** `a * b + c`: rounded once in the relaxed target (where the processor can), twice in the plain one. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * e^x for x ≤ 88; 0 below −69.3 (2^−100; for −∞ too), so that no product with a probability is a slow denormal. NaN
 * stays.
 *
 * x = n ln 2 + r with |r| ≤ ½ ln 2; e^r is 1 + r·(degree 5), minimax in relative error (2.0e-9 before rounding), so that
 * e^0 is 1. n ln 2 is taken off in two parts, of which the first is exact.
 */
@inline
export function exp(x: v128): v128 {
  // Adding 1.5 · 2^23 rounds to an integer, which then stands in the low bits.
  const magic = f32x4.splat(12582912);
  const shifted = madd(x, f32x4.splat(1.44269504089), magic);
  const n = f32x4.sub(shifted, magic);
  const r = madd(n, f32x4.splat(-1.42860682031e-6), madd(n, f32x4.splat(-0.693145751953125), x));
  let p = f32x4.splat(0.00138436536562);
  p = madd(p, r, f32x4.splat(0.00837415529977));
  p = madd(p, r, f32x4.splat(0.0416680020326));
  p = madd(p, r, f32x4.splat(0.166664312628));
  p = madd(p, r, f32x4.splat(0.49999994209));
  p = madd(p, r, f32x4.splat(1.00000003216));
  p = madd(p, r, f32x4.splat(1));
  return v128.andnot(i32x4.add(p, i32x4.shl(shifted, 23)), f32x4.lt(x, f32x4.splat(-69.3)));
}

/**
 * Hyperbolic tangent, accurate relative to its value also near 0.
 *
 * Below ⅝ it is y + y³·(degree 4 in y²), minimax in relative error (4.4e-9 before rounding); above, (1 − e) / (1 + e)
 * with e = e^(−2|y|).
 */
@inline
export function tanh(y: v128): v128 {
  const size = f32x4.abs(y);
  const u = f32x4.mul(y, y);
  let p = f32x4.splat(-0.00570294945328);
  p = madd(p, u, f32x4.splat(0.0206371880366));
  p = madd(p, u, f32x4.splat(-0.0537391090768));
  p = madd(p, u, f32x4.splat(0.133314346619));
  p = madd(p, u, f32x4.splat(-0.333332816564));
  const near = madd(f32x4.mul(p, u), y, y);
  const one = f32x4.splat(1);
  const e = exp(f32x4.mul(size, f32x4.splat(-2)));
  const far = f32x4.div(f32x4.sub(one, e), f32x4.add(one, e));
  const sign = v128.and(y, f32x4.splat(-0.0));
  return v128.or(v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(0.625))), sign);
}

/**
 * 2^x for x ≤ 127; 0 below −100 (for −∞ too), so that no product with a probability is a slow denormal. NaN stays.
 *
 * x = n + r with |r| ≤ ½, exactly; 2^r is 1 + r·(degree 5), minimax in relative error (2.6e-9 before rounding), so that
 * 2^0 is 1.
 */
@inline
export function exp2(x: v128): v128 {
  // Adding 1.5 · 2^23 rounds to an integer, which then stands in the low bits.
  const magic = f32x4.splat(12582912);
  const shifted = f32x4.add(x, magic);
  const r = f32x4.sub(x, f32x4.sub(shifted, magic));
  let p = f32x4.splat(0.000155946770151);
  p = madd(p, r, f32x4.splat(0.00134066438475));
  p = madd(p, r, f32x4.splat(0.00961769297614));
  p = madd(p, r, f32x4.splat(0.0555031055121));
  p = madd(p, r, f32x4.splat(0.240226527829));
  p = madd(p, r, f32x4.splat(0.693147214968));
  p = madd(p, r, f32x4.splat(1));
  return v128.andnot(i32x4.add(p, i32x4.shl(shifted, 23)), f32x4.lt(x, f32x4.splat(-100)));
}
