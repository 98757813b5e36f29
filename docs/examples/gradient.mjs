// A backward kernel, judged: node gradient.mjs

import { conforms } from "attnspec/oracle";
import { rotaryPositionEmbedding } from "attnspec/positional/rotary-position-embedding";

// RoPE, half layout, all features, and its gradient with respect to x: the rotation turned back.
function turn(x, positions, { base, rotaryDim, attentionScaling }, sign) {
  const [tokens, features] = x.shape;
  const out = Float32Array.from(x.data);
  for (let t = 0; t < tokens; t++)
    for (let i = 0; i < rotaryDim / 2; i++) {
      const angle = sign * positions.data[t] * base ** ((-2 * i) / rotaryDim);
      const [a, b] = [t * features + i, t * features + i + rotaryDim / 2];
      const [c, s] = [attentionScaling * Math.cos(angle), attentionScaling * Math.sin(angle)];
      out[a] = x.data[a] * c - x.data[b] * s;
      out[b] = x.data[a] * s + x.data[b] * c;
    }
  return out;
}
const forward = ({ x, positions, invFreq }, options) =>
  options.layout !== "half" || invFreq
    ? { decline: "only the half layout with its own frequencies" }
    : { out: turn(x, positions, options, 1) };
const backward = ({ positions, invFreq }, options, { out }) =>
  options.layout !== "half" || invFreq
    ? { decline: "only the half layout with its own frequencies" }
    : { x: turn(out, positions, options, -1) };

const verdict = await conforms(rotaryPositionEmbedding, forward, {
  gradient: backward,
  fixed: { given: { invFreq: false } },
});
console.log(String(verdict));
process.exitCode = verdict.conforms ? 0 : 1;
