/** Arithmetic on four float32 lanes that is inlined everywhere. */

/** `a * b + c`: rounded once in the relaxed target (where the processor can), twice in the plain one. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Adding 1.5 · 2^23 rounds to an integer, which then stands in the low bits. */
const MAGIC: f32 = 12582912;

/** n = x / ln 2, rounded, plus the magic number. */
@inline
function turns(x: v128): v128 {
  return madd(x, f32x4.splat(1.44269504089), f32x4.splat(MAGIC));
}

/** r = x − n ln 2; the second is taken off in two parts, of which the first is exact. */
@inline
function rest(x: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, f32x4.splat(MAGIC));
  return madd(n, f32x4.splat(-1.42860682031e-6), madd(n, f32x4.splat(-0.693145751953125), x));
}

/**
 * e^r · 2^n, |r| ≤ ½ ln 2, from 2^−126 to 2^128; beyond them nonsense. NaN stays. e^r is 1 + r·(degree 5), minimax in
 * relative error (2.0e-9 before rounding), so that e^0 is 1.
 */
@inline
function raised(r: v128, shifted: v128): v128 {
  let p = f32x4.splat(0.00138436536562);
  p = madd(p, r, f32x4.splat(0.00837415529977));
  p = madd(p, r, f32x4.splat(0.0416680020326));
  p = madd(p, r, f32x4.splat(0.166664312628));
  p = madd(p, r, f32x4.splat(0.49999994209));
  p = madd(p, r, f32x4.splat(1.00000003216));
  p = madd(p, r, f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** e^x in the same bounds. */
@inline
function power(x: v128): v128 {
  const shifted = turns(x);
  return raised(rest(x, shifted), shifted);
}

/**
 * e^x for x ≤ 88; 0 below −69.3 (2^−100; for −∞ too), so that no product with a probability is a slow denormal. NaN
 * stays. For scores less their largest.
 */
@inline
export function exp(x: v128): v128 {
  return v128.andnot(power(x), f32x4.lt(x, f32x4.splat(-69.3)));
}

/** Where e^x is 2^−126, the least number that is no denormal. */
const LEAST: f32 = -87.33654;

/** e^x for any x: 0 below 2^−126, ∞ from 2^128 on. NaN stays. */
@inline
export function exponential(x: v128): v128 {
  const e = v128.andnot(power(x), f32x4.lt(x, f32x4.splat(LEAST)));
  return v128.bitselect(f32x4.splat(Infinity), e, f32x4.gt(x, f32x4.splat(88.72283)));
}

/** e^−|x|, in the same way. */
@inline
function decay(x: v128): v128 {
  const y = v128.or(x, f32x4.splat(-0.0));
  return v128.andnot(power(y), f32x4.lt(y, f32x4.splat(LEAST)));
}

/**
 * Natural logarithm, of denormals too; −∞ at 0, NaN below, ∞ at ∞. NaN stays.
 *
 * x = 2^n (1 + f) with √½ ≤ 1 + f < √2; ln(1 + f) is f − ½f² + f³·(degree 7), minimax in relative error (5.8e-9 before
 * rounding).
 */
@inline
export function log(x: v128): v128 {
  const isTiny = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const y = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, isTiny);
  // The bits of √½ taken off, the exponent is that of 1 + f in its range.
  const above = i32x4.sub(y, i32x4.splat(0x3f3504f3));
  const whole = i32x4.sub(i32x4.shr_s(above, 23), v128.and(isTiny, i32x4.splat(23)));
  const n = f32x4.convert_i32x4_s(whole);
  const m = i32x4.add(v128.and(above, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(m, f32x4.splat(1));
  let p = f32x4.splat(-0.0763448624599);
  p = madd(p, f, f32x4.splat(0.127615643292));
  p = madd(p, f, f32x4.splat(-0.131601808791));
  p = madd(p, f, f32x4.splat(0.142017602385));
  p = madd(p, f, f32x4.splat(-0.166233577927));
  p = madd(p, f, f32x4.splat(0.200012267686));
  p = madd(p, f, f32x4.splat(-0.25000821015));
  p = madd(p, f, f32x4.splat(0.333333317085));
  const u = f32x4.mul(f, f);
  const tail = madd(f32x4.mul(p, f), u, madd(n, f32x4.splat(1.42860682031e-6), f32x4.mul(u, f32x4.splat(-0.5))));
  const near = madd(n, f32x4.splat(0.693145751953125), f32x4.add(f, tail));
  // ∞ and NaN stay; what is below 0 becomes NaN.
  const kept = v128.bitselect(near, f32x4.add(x, x), f32x4.lt(x, f32x4.splat(Infinity)));
  const positive = v128.bitselect(kept, f32x4.splat(NaN), f32x4.ge(x, f32x4.splat(0)));
  return v128.bitselect(f32x4.splat(-Infinity), positive, f32x4.eq(x, f32x4.splat(0)));
}

/**
 * ln(1 + e) for e from 0 to 1: 2 artanh s with s = e / (2 + e), s + s³·(degree 3 in s²) minimax in relative error (4.5e-9
 * before rounding).
 */
@inline
function log1p(e: v128): v128 {
  const s = f32x4.div(e, f32x4.add(e, f32x4.splat(2)));
  const u = f32x4.mul(s, s);
  let p = f32x4.splat(0.140064211516);
  p = madd(p, u, f32x4.splat(0.140008142309));
  p = madd(p, u, f32x4.splat(0.200107690479));
  p = madd(p, u, f32x4.splat(0.33333208051));
  const half = madd(f32x4.mul(p, u), s, s);
  return f32x4.add(half, half);
}

/** ln(1 + e^x), accurate relative to its value; −softplus(−x) is the logarithm of the sigmoid. 0 below −87.3. */
@inline
export function softplus(x: v128): v128 {
  return f32x4.add(f32x4.max(x, f32x4.splat(0)), log1p(decay(x)));
}

/** 1 / (1 + e^−x), accurate relative to its value; 0 below −87.3. */
@inline
export function sigmoid(x: v128): v128 {
  const e = decay(x);
  const one = f32x4.splat(1);
  const share = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(share, f32x4.add(one, e));
}

/** x · sigmoid(x); −0 at −∞. */
@inline
export function silu(x: v128): v128 {
  const near = f32x4.mul(f32x4.max(x, f32x4.splat(-128)), sigmoid(x));
  const far = f32x4.lt(x, f32x4.splat(-87));
  if (!v128.any_true(far)) return near;
  // There the sigmoid is too small to be a number, and the product is not yet: e^x in two halves.
  const half = decay(f32x4.mul(x, f32x4.splat(0.5)));
  return v128.bitselect(f32x4.mul(f32x4.mul(f32x4.max(x, f32x4.splat(-256)), half), half), near, far);
}

/**
 * The share of a standard normal distribution below x, ½ erfc(−x/√2), accurate relative to its value; 0 below −13.2.
 *
 * With a = |x| and y = (a − 4) / (a + 4) the share beyond a is e^(−a²/2) · (1 − y) · (degree 9 in y), minimax in relative error
 * (7.5e-9 before rounding). a² is taken in two parts, of which the first is exact.
 */
@inline
export function normal(x: v128): v128 {
  const one = f32x4.splat(1);
  const a = f32x4.abs(x);
  const bounded = f32x4.min(a, f32x4.splat(16));
  const four = f32x4.splat(4);
  const y = f32x4.div(f32x4.sub(bounded, four), f32x4.add(bounded, four));
  const t = f32x4.sub(one, y);
  let p = f32x4.splat(-1.57110600755e-5);
  p = madd(p, y, f32x4.splat(2.41455316494e-5));
  p = madd(p, y, f32x4.splat(0.00019693326009));
  p = madd(p, y, f32x4.splat(-0.000439809706542));
  p = madd(p, y, f32x4.splat(-0.00094114118946));
  p = madd(p, y, f32x4.splat(0.0075505632406));
  p = madd(p, y, f32x4.splat(-0.0233153552242));
  p = madd(p, y, f32x4.splat(0.0483921103629));
  p = madd(p, y, f32x4.splat(-0.07598707629));
  p = madd(p, y, f32x4.splat(0.0944106419315));
  const head = v128.and(bounded, i32x4.splat(0xfffff000));
  const minusHalf = f32x4.splat(-0.5);
  const high = f32x4.mul(f32x4.mul(head, head), minusHalf);
  const low = f32x4.mul(f32x4.mul(f32x4.sub(bounded, head), f32x4.add(bounded, head)), minusHalf);
  const shifted = turns(f32x4.add(high, low));
  const fallen = v128.andnot(raised(f32x4.add(rest(high, shifted), low), shifted), f32x4.gt(a, f32x4.splat(13.2)));
  const beyond = f32x4.mul(fallen, f32x4.mul(t, p));
  return v128.bitselect(beyond, f32x4.sub(one, beyond), f32x4.lt(x, f32x4.splat(0)));
}

/** x · normal(x); −0 at −∞. */
@inline
export function gelu(x: v128): v128 {
  return f32x4.mul(f32x4.max(x, f32x4.splat(-16)), normal(x));
}

/**
 * ½ x (1 + tanh z) with z = √(2/π) (x + 0.044715 x³), as x · sigmoid(2z). Where z is large and negative its own rounding
 * shows: by some units in the last place for each 1 of 2|z|.
 */
@inline
export function geluTanh(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, f32x4.splat(-16)), f32x4.splat(16));
  const inner = madd(f32x4.mul(bounded, bounded), f32x4.splat(0.0713548162726), f32x4.splat(1.5957691216057308));
  const share = sigmoid(f32x4.mul(bounded, inner));
  return f32x4.mul(f32x4.max(x, f32x4.splat(-16)), share);
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
