/** What gates leave of the past, as programs read them. */

/**
 * e^x for x up to 88, to a unit in the last place; 0 for −∞ and wherever the result is no normal number. A factor itself
 * passes as it is.
 */
export const opened = (logs: boolean): string =>
  logs
    ? `fn opened(bits: u32) -> f32 {
  let none = bits == 0xff800000u;
  let x = clamp(bitcast<f32>(select(bits, 0u, none)), -88.0, 88.0);
  let n = round(x * 1.4426950408889634);
  let r = fma(n, -1.42860682030941723e-6, fma(n, -0.693145751953125, x));
  var p = fma(r, 1.98412698e-4, 1.38888889e-3);
  p = fma(r, p, 8.33333333e-3);
  p = fma(r, p, 4.16666667e-2);
  p = fma(r, p, 0.166666667);
  p = fma(r, p, 0.5);
  p = fma(r * r, p, r) + 1.0;
  let power = bitcast<f32>(u32(i32(max(n, -126.0)) + 127) << 23u);
  return select(p * power, 0.0, none | (n < -125.0));
}`
    : `fn opened(bits: u32) -> f32 { return bitcast<f32>(bits); }`;
