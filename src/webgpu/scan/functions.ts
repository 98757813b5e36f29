/** Functions of steps and gates, which keep to the bounds of float32. */

/** ln(1 + e^x), accurate relative to its value. */
export const softplus = `fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let s = e / (e + 2.0);
  let u = s * s;
  let p = fma(fma(fma(0.140064211516, u, 0.140008142309), u, 0.200107690479), u, 0.33333208051);
  return max(x, 0.0) + 2.0 * fma(p * u, s, s);
}`;

/** x / (1 + e^−x), of a number or a vector. */
export const silu = (type: "f32" | "vec4f"): string => `fn silu(x: ${type}) -> ${type} {
  let e = exp(-abs(x));
  return max(x, ${type}(-128.0)) * select(${type}(1.0), e, x < ${type}()) / (${type}(1.0) + e);
}`;
