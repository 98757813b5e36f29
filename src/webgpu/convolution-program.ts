/** Short causal convolutions: an invocation keeps some tokens of a channel and takes the taps one by one. */
import type { Before } from "./carried.ts";
import { silu } from "./functions.ts";
import { params } from "./params.ts";
import { lines, storage } from "./wgsl.ts";

export interface ConvolutionShape {
  /** Tokens that an invocation keeps. */
  readonly tall: number;
}

export interface ConvolutionProgram extends ConvolutionShape {
  /** Whether channels are taken in fours. */
  readonly vector: boolean;
  readonly biased: boolean;
  readonly activated: boolean;
  readonly before: Before;
  /** Whether it writes results, and the state; one that writes both takes all tokens of a channel in one invocation. */
  readonly outs: boolean;
  readonly carries: boolean;
}

/** `channels` in ones or fours; `start` is the first token of the binding of x. */
export const convolutionParams = params({
  ...{ first: "u32", tokens: "u32", channels: "u32", taps: "u32" },
  ...{ x: "u32", start: "u32", out: "u32" },
});

export const convolutionThreads = 64;

export function convolutionProgram(program: ConvolutionProgram): string {
  const { tall, vector, biased, activated, before, outs, carries } = program;
  const type = vector ? "vec4f" : "f32";
  let places = 0;
  const bound = (name: string, written = false, of: string = type) => storage(++places, name, of, written);
  const held = before === "apart" ? "state" : "last";
  return `${convolutionParams.wgsl}
${bound("x")}
${outs ? bound("weights", false, "f32") : ""}
${outs ? bound("out", true) : ""}
${outs && biased ? bound("bias") : ""}
${before === "apart" ? bound("state") : ""}
${carries || before === "same" ? bound("last", true) : ""}
${outs && activated ? silu(type) : ""}
fn tokenAt(token: i32, channel: u32) -> ${type} {
  if (token < 0) { return ${before === "none" ? `${type}()` : `${held}[u32(token + i32(params.taps) - 1) * params.channels + channel]`}; }
  let row = min(u32(token), params.first + params.tokens - 1u) - params.start;
  return x[params.x + row * params.channels + channel];
}
${
  outs
    ? `fn weight(channel: u32, tap: u32) -> ${type} {
  ${
    vector
      ? `let at = 4u * channel * params.taps + tap;
  return vec4f(weights[at], weights[at + params.taps], weights[at + 2u * params.taps], weights[at + 3u * params.taps]);`
      : "return weights[channel * params.taps + tap];"
  }
}`
    : ""
}
@compute @workgroup_size(${convolutionThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = group.x * ${convolutionThreads}u + local;
  if (channel >= params.channels) { return; }
  let end = params.first + params.tokens;
${
  outs
    ? `  let token = params.first + group.y * ${tall}u;
  let oldest = i32(token) - i32(params.taps) + 1;
${lines(tall, (i) => `var sum${i} = ${biased ? "bias[channel]" : `${type}()`};`)}
var x0: ${type};
${lines(tall - 1, (i) => `var x${i + 1} = tokenAt(oldest + ${i}, channel);`)}
  for (var tap = 0u; tap < params.taps; tap++) {
    let w = weight(channel, tap);
${lines(tall - 1, (i) => `x${i} = x${i + 1};`)}
    x${tall - 1} = tokenAt(oldest + i32(tap) + ${tall - 1}, channel);
${lines(tall, (i) => `sum${i} = fma(w, x${i}, sum${i});`)}
  }
${lines(tall, (i) => `if (token + ${i}u < end) { out[params.out + (token - params.first + ${i}u) * params.channels + channel] = ${activated ? `silu(sum${i})` : `sum${i}`}; }`)}`
    : ""
}
${
  carries
    ? `  for (var row = 0u; row + 1u < params.taps; row++) {
    last[row * params.channels + channel] = tokenAt(i32(end + row) - i32(params.taps) + 1, channel);
  }`
    : ""
}
}
`;
}
