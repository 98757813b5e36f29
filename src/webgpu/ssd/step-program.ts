/** State-space duality token by token: some invocations share each row of a state. */
import type { Before } from "../carried.ts";
import { lines, storage } from "../wgsl.ts";
import { chunk, fadeRows, ssdParams } from "./params.ts";

export interface StepProgram {
  readonly deep: boolean;
  readonly skips: boolean;
  readonly before: Before;
}

/** Invocations that share a row, and rows of a workgroup. */
const across = 16;
const down = 8;
export const stepRows = down;

/** The tables of one chunk at most are read. */
export function stepProgram({ deep, skips, before }: StepProgram): string {
  const type = deep ? "vec4f" : "f32";
  const one = deep ? 4 : 1;
  let places = 0;
  const bound = (name: string, of: string, written = false) => storage(++places, name, of, written);
  const held = before === "apart" ? "state[at]" : before === "same" ? "last[at]" : `${type}()`;
  return `${ssdParams.wgsl}
${bound("u", "f32")}
${bound("b", type)}
${bound("c", type)}
${bound("faded", "f32")}
${bound("out", "f32", true)}
${bound("last", type, true)}
${skips ? bound("d", "f32") : ""}
${before === "apart" ? bound("state", type) : ""}
var<workgroup> sums: array<f32, ${across * down}>;
@compute @workgroup_size(${across * down})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let x = local % ${across}u;
  let head = group.y;
  let feature = group.x * ${down}u + local / ${across}u;
  let inside = feature < params.width;
  let row = head * params.width + min(feature, params.width - 1u);
  let count = params.states / ${one}u;
  let together = head / (params.heads / params.groups);
  for (var token = 0u; token < params.tokens; token++) {
    let fade = head * ${fadeRows * chunk}u + token;
    let decay = exp2(max(faded[fade + ${chunk}u], -160.0));
    let value = u[params.u + token * params.heads * params.width + row];
    let entry = faded[fade] * value;
    let first = (token * params.groups + together) * count;
    var sum = ${type}();
    if (inside) {
      for (var n = x; n < count; n += ${across}u) {
        let at = row * count + n;
        var s: ${type};
        if (token == 0u) { s = ${held}; } else { s = last[at]; }
        s = fma(${type}(decay), s, entry * b[params.b / ${one}u + first + n]);
        last[at] = s;
        sum = fma(s, c[params.c / ${one}u + first + n], sum);
      }
    }
    workgroupBarrier();
    sums[local] = ${deep ? "(sum.x + sum.y) + (sum.z + sum.w)" : "sum"};
${lines(Math.log2(across), (n) => {
  const apart = across / 2 ** (n + 1);
  return `    workgroupBarrier();
    if (x < ${apart}u) { sums[local] += sums[local + ${apart}u]; }`;
})}
    if (inside && x == 0u) {
      out[params.out + token * params.heads * params.width + row] = sums[local]${skips ? " + d[head] * value" : ""};
    }
  }
}
`;
}
