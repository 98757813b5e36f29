/** Steps and decays of each head over the tokens of a chunk. */
import { softplus } from "../functions.ts";
import { storage } from "../wgsl.ts";
import { chunk, fadeRows, ssdParams } from "./params.ts";

export interface FadeProgram {
  readonly biased: boolean;
  readonly softplus: boolean;
}

/**
 * For each chunk and head four rows of 64: Δ; the exponent of the decay, in powers of two; the sum of these up to the token;
 * Δ times what is left of the token at the end of the chunk. Tokens that are not there have Δ = 0 and fade nothing.
 * Exponents are added up, never taken from each other: nothing cancels.
 */
export function fadeProgram(program: FadeProgram): string {
  return `${ssdParams.wgsl}
${storage(1, "delta", "f32")}
${storage(2, "a", "f32")}
${storage(3, "faded", "f32", true)}
${program.biased ? storage(4, "bias", "f32") : ""}
${program.softplus ? softplus : ""}
var<workgroup> exponents: array<f32, ${chunk}>;
@compute @workgroup_size(${chunk})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let head = group.x;
  let token = group.y * ${chunk}u + local;
  var step = 0.0;
  if (token < params.tokens) {
    step = delta[params.delta + token * params.heads + head]${program.biased ? " + bias[head]" : ""};
    ${program.softplus ? "step = softplus(step);" : ""}
  }
  // Neither ∞ nor so far below that sums would be.
  let exponent = clamp(step * a[head] * 1.4426950408889634, -1.0e6, 127.9);
  exponents[local] = exponent;
  workgroupBarrier();
  var since = 0.0;
  var until = 0.0;
  for (var t = 0u; t < ${chunk}u; t++) {
    let other = exponents[t];
    since += select(0.0, other, t <= local);
    until += select(0.0, other, t > local);
  }
  let at = (group.y * params.heads + head) * ${fadeRows * chunk}u + local;
  faded[at] = step;
  faded[at + ${chunk}u] = exponent;
  faded[at + ${2 * chunk}u] = since;
  faded[at + ${3 * chunk}u] = step * exp2(clamp(until, -160.0, 127.9));
}
`;
}
