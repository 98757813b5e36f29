/** Logarithm and exponential of single float64 numbers, good to about 1e-12. */

/** ln of a positive normal number: 2 artanh((m − 1) / (m + 1)) for its mantissa m. */
export function ln(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const u = s * s;
  let series: f64 = 1 / 15.0;
  series = series * u + 1 / 13.0;
  series = series * u + 1 / 11.0;
  series = series * u + 1 / 9.0;
  series = series * u + 1 / 7.0;
  series = series * u + 1 / 5.0;
  series = series * u + 1 / 3.0;
  series = series * u + 1;
  return 2 * s * series + <f64>exponent * 0.6931471805599453;
}

/** e^x, x taken between −700 and 700: the Taylor series of r = x − n ln 2, |r| ≤ ½ ln 2, times 2^n. */
export function exponential(x: f64): f64 {
  const bounded = min<f64>(max<f64>(x, -700), 700);
  const n = nearest(bounded * 1.4426950408889634);
  const r = bounded - n * 0.6931471805599453;
  let sum: f64 = 1;
  for (let i = 12; i > 0; i--) sum = 1 + (sum * r) / <f64>i;
  return sum * reinterpret<f64>((<i64>(<i32>n + 1023)) << 52);
}
