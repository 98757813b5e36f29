/** Functions of numbers, in WGSL, that are more exact than the built-in ones have to be. */

/** tanh to a few units in the last place, also near 0 and far from it. */
export const hyperbolicTangent = `fn tangent(x: f32) -> f32 {
  let z = x * x;
  if (z < 0.39) {
    let p = fma(fma(fma(fma(-5.70498872745e-3, z, 2.06390887954e-2), z, -5.37397155531e-2), z, 1.33314422036e-1), z, -3.33332819422e-1);
    return fma(p * z, x, x);
  }
  let far = 1.0 - 2.0 / (exp(2.0 * min(abs(x), 20.0)) + 1.0);
  return select(far, -far, x < 0.0);
}`;

/** ln(1 + e^x), accurate relative to its value, by the built-in exponential. */
export const softplus = `fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let s = e / (e + 2.0);
  let u = s * s;
  let p = fma(fma(fma(0.140064211516, u, 0.140008142309), u, 0.200107690479), u, 0.33333208051);
  return max(x, 0.0) + 2.0 * fma(p * u, s, s);
}`;

/** x / (1 + e^−x) by the built-in exponential, of a number or a vector; far below 0, where e^x is none, by its root. */
export const silu = (type: "f32" | "vec4f"): string => `fn silu(x: ${type}) -> ${type} {
  let e = exp(-abs(x));
  let half = exp(max(x, ${type}(-256.0)) * 0.5);
  let near = max(x, ${type}(-128.0)) * select(${type}(1.0), e, x < ${type}()) / (${type}(1.0) + e);
  return select(near, max(x, ${type}(-256.0)) * half * half, x < ${type}(-87.0));
}`;

/**
 * Those of the WebAssembly kernels (`assembly/lanes.ts` says how exact they are), on f32 or vec4f, for finite numbers.
 * `endless` must be ∞, which WGSL cannot write.
 */
export function functions(T: "f32" | "vec4f", endless: string): string {
  const [I, U] = T === "f32" ? ["i32", "u32"] : ["vec4i", "vec4u"];
  const polynomial = (x: string, first: number, ...rest: number[]): string =>
    rest.reduce((sofar, next) => `fma(${sofar}, ${x}, ${T}(${next}))`, `${T}(${first})`);
  return `
const least = -87.33654;
fn bitsOf(x: ${T}) -> ${I} { return bitcast<${I}>(x); }
fn rest(x: ${T}, n: ${T}) -> ${T} {
  return fma(n, ${T}(-1.42860682031e-6), fma(n, ${T}(-0.693145751953125), x));
}
fn raised(r: ${T}, n: ${T}) -> ${T} {
  let p = ${polynomial("r", 0.00138436536562, 0.00837415529977, 0.0416680020326, 0.166664312628, 0.49999994209, 1.00000003216, 1)};
  return bitcast<${T}>(bitsOf(p) + (${I}(n) << ${U}(23u)));
}
fn power(x: ${T}) -> ${T} {
  let n = round(x * 1.44269504089);
  return raised(rest(x, n), n);
}
fn exponential(x: ${T}) -> ${T} {
  let e = power(clamp(x, ${T}(least), ${T}(88.72283)));
  return select(select(e, ${T}(0.0), x < ${T}(least)), ${T}(${endless}), x > ${T}(88.72283));
}
/** e^x and 2^x as softmax takes them. */
fn weightOf(x: ${T}) -> ${T} {
  return select(power(clamp(x, ${T}(-69.3), ${T}(88.0))), ${T}(0.0), x < ${T}(-69.3));
}
fn weight2(x: ${T}) -> ${T} {
  let y = clamp(x, ${T}(-100.0), ${T}(127.0));
  let n = round(y);
  let r = y - n;
  let p = ${polynomial("r", 0.000155946770151, 0.00134066438475, 0.00961769297614, 0.0555031055121, 0.240226527829, 0.693147214968, 1)};
  return select(bitcast<${T}>(bitsOf(p) + (${I}(n) << ${U}(23u))), ${T}(0.0), x < ${T}(-100.0));
}
/** ln x for x from 2^−126 on. */
fn logarithm(x: ${T}) -> ${T} {
  let above = bitsOf(x) - ${I}(0x3f3504f3);
  let n = ${T}(above >> ${U}(23u));
  let f = bitcast<${T}>((above & ${I}(0x7fffff)) + ${I}(0x3f3504f3)) - 1.0;
  let p = ${polynomial("f", -0.0763448624599, 0.127615643292, -0.131601808791, 0.142017602385, -0.166233577927, 0.200012267686, -0.25000821015, 0.333333317085)};
  let u = f * f;
  let tail = fma(p * f, u, fma(n, ${T}(1.42860682031e-6), u * -0.5));
  return fma(n, ${T}(0.693145751953125), f + tail);
}
/** e^−|x|. */
fn decay(x: ${T}) -> ${T} {
  let y = -abs(x);
  return select(power(max(y, ${T}(least))), ${T}(0.0), y < ${T}(least));
}
fn softplus(x: ${T}) -> ${T} {
  let e = decay(x);
  let s = e / (e + 2.0);
  let u = s * s;
  let p = ${polynomial("u", 0.140064211516, 0.140008142309, 0.200107690479, 0.33333208051)};
  // Half of the least numbers would be none.
  return max(x, ${T}(0.0)) + select(2.0 * fma(p * u, s, s), e, e < ${T}(2.0e-8));
}
fn sigmoid(x: ${T}) -> ${T} {
  let e = decay(x);
  return select(${T}(1.0), e, x < ${T}(0.0)) / (1.0 + e);
}
fn silu(x: ${T}) -> ${T} {
  let half = power(max(x * 0.5, ${T}(least)));
  return select(max(x, ${T}(-128.0)) * sigmoid(x), max(x, ${T}(-256.0)) * half * half, x < ${T}(-87.0));
}
fn normal(x: ${T}) -> ${T} {
  let a = min(abs(x), ${T}(16.0));
  let y = (a - 4.0) / (a + 4.0);
  let p = ${polynomial("y", -1.57110600755e-5, 2.41455316494e-5, 0.00019693326009, -0.000439809706542, -0.00094114118946, 0.0075505632406, -0.0233153552242, 0.0483921103629, -0.07598707629, 0.0944106419315)};
  let first = bitcast<${T}>(bitsOf(a) & ${I}(-4096));
  let high = first * first * -0.5;
  let low = (a - first) * (a + first) * -0.5;
  let n = max(round((high + low) * 1.44269504089), ${T}(-126.0));
  let fallen = select(raised(rest(high, n) + low, n), ${T}(0.0), a > ${T}(13.2));
  let beyond = fallen * ((1.0 - y) * p);
  return select(1.0 - beyond, beyond, x < ${T}(0.0));
}
fn gelu(x: ${T}) -> ${T} { return max(x, ${T}(-16.0)) * normal(x); }
fn geluTanh(x: ${T}) -> ${T} {
  let y = clamp(x, ${T}(-16.0), ${T}(16.0));
  return max(x, ${T}(-16.0)) * sigmoid(y * fma(y * y, ${T}(0.0713548162726), ${T}(1.5957691216057308)));
}
fn tangents(x: ${T}) -> ${T} {
  let size = min(abs(x), ${T}(50.0));
  let near = min(size, ${T}(1.0));
  let u = near * near;
  let p = ${polynomial("u", -0.00570294945328, 0.0206371880366, -0.0537391090768, 0.133314346619, -0.333332816564)};
  let e = weightOf(size * -2.0);
  let far = (1.0 - e) / (1.0 + e);
  return select(select(far, -far, x < ${T}(0.0)), fma(p * u, x, x), size < ${T}(0.625));
}
fn relu(x: ${T}) -> ${T} { return max(x, ${T}(0.0)); }
`;
}
