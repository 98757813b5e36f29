// The kernel under test in these examples: softmax attention for one head in float32, two passes over the keys.
export function attention({ q, k, v, mask, bias }, { scale, causal, causalAlign }) {
  const [queries, features] = q.shape;
  const [keys, width] = v.shape;
  const out = new Float32Array(queries * width);
  const last = causalAlign === "top-left" ? 0 : keys - queries;
  for (let t = 0; t < queries; t++) {
    const scores = new Float32Array(keys).fill(Number.NEGATIVE_INFINITY);
    for (let s = 0; s < keys; s++) {
      if ((causal && s > t + last) || (mask && !mask.data[t * keys + s])) continue;
      let dot = 0;
      for (let d = 0; d < features; d++) dot = Math.fround(dot + q.data[t * features + d] * k.data[s * features + d]);
      scores[s] = dot * scale + (bias ? bias.data[t * keys + s] : 0);
    }
    const top = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    if (top === Number.NEGATIVE_INFINITY) continue;
    const powers = scores.map((score) => Math.exp(score - top));
    const total = powers.reduce((a, b) => Math.fround(a + b), 0);
    for (let s = 0; s < keys; s++)
      for (let e = 0; e < width; e++) out[t * width + e] += (powers[s] / total) * v.data[s * width + e];
  }
  return { out };
}

// The same with the wrong factor on the scores.
export const wrongScale = (inputs, options) => attention(inputs, { ...options, scale: 1 / inputs.q.shape[1] });
