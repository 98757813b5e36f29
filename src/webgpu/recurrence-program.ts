/** The linear recurrence of each channel by itself, in chunks of tokens side by side where there are few channels. */
import { params } from "./params.ts";
import { lines, storage } from "./wgsl.ts";

export interface RecurrenceProgram {
  /**
   * `local`: what the tokens of each chunk leave, from zeros, and the product of their factors; `carry`: the states before
   * each chunk from these; `apply`: the results; `whole`: one chunk, results and the state after it.
   */
  readonly pass: "local" | "carry" | "apply" | "whole";
  /** Whether channels are taken in fours. */
  readonly vector: boolean;
  /** Whether there is a state before the first token; for `carry` and `whole`. */
  readonly before: "none" | "apart" | "same";
}

/** `channels` in ones or fours. */
export const recurrenceParams = params({
  ...{ tokens: "u32", channels: "u32", length: "u32", chunks: "u32", factors: "u32", x: "u32", out: "u32" },
});

export const recurrenceThreads = 64;
/** Tokens that are read at once. */
const ahead = 4;

export function recurrenceProgram({ pass, vector, before }: RecurrenceProgram): string {
  const type = vector ? "vec4f" : "f32";
  let places = 0;
  const bound = (name: string, written = false) => storage(++places, name, type, written);
  const state = before === "none" ? `${type}()` : before === "same" ? "last[channel]" : "state[channel]";
  const head = `@compute @workgroup_size(${recurrenceThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = group.x * ${recurrenceThreads}u + local;
  if (channel >= params.channels) { return; }`;
  // A chunk leaves three rows: its own state, and the products of its factors over either half, which are finite where
  // their product may not be.
  if (pass === "carry")
    return `${recurrenceParams.wgsl}
${bound("chunks", true)}
${bound("last", true)}
${before === "apart" ? bound("state") : ""}
${head}
  var s = ${state};
  for (var first = 0u; first < params.chunks; first += ${ahead}u) {
${lines(
  ahead,
  (n) => `let at${n} = 3u * min(first + ${n}u, params.chunks - 1u) * params.channels + channel;
let own${n} = chunks[at${n}];
let one${n} = chunks[at${n} + params.channels];
let other${n} = chunks[at${n} + 2u * params.channels];`,
)}
${lines(
  ahead,
  (n) => `if (first + ${n}u < params.chunks) {
  chunks[at${n}] = s;
  s = fma(s * one${n}, other${n}, own${n});
}`,
)}
  }
  last[channel] = s;
}
`;
  const local = pass === "local";
  const whole = pass === "whole";
  const limit = `${type}(3.0e38)`;
  return `${recurrenceParams.wgsl}
${bound("factors")}
${bound("x")}
${local ? "" : bound("out", true)}
${whole ? "" : bound("chunks", local)}
${whole ? bound("last", true) : ""}
${whole && before === "apart" ? bound("state") : ""}
${head}
  let begin = group.y * params.length;
  let end = min(begin + params.length, params.tokens);
  let most = max(params.tokens, 1u) - 1u;
  let chunk = 3u * group.y * params.channels + channel;
  var s = ${local ? `${type}()` : whole ? state : "chunks[chunk]"};
  ${local ? `var product = ${type}(1.0);\nvar half = ${type}(1.0);` : ""}
  for (var token = begin; token < end; token += ${ahead}u) {
${lines(
  ahead,
  (n) => `let at${n} = min(token + ${n}u, most) * params.channels + channel;
let f${n} = factors[params.factors + at${n}];
let x${n} = x[params.x + at${n}];`,
)}
${local ? `if (token == begin + params.length / 2u) { half = product; product = ${type}(1.0); }` : ""}
${lines(
  ahead,
  (n) => `if (token + ${n}u < end) {
  s = fma(f${n}, s, x${n});
  ${local ? `product = clamp(product * f${n}, -${limit}, ${limit});` : `out[params.out + at${n}] = s;`}
}`,
)}
  }
  ${local ? `chunks[chunk] = s;\nchunks[chunk + params.channels] = half;\nchunks[chunk + 2u * params.channels] = product;` : ""}
  ${whole ? "last[channel] = s;" : ""}
}
`;
}
