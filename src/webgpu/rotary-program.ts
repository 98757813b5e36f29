/** Turns of features by their place: each invocation makes one feature. */
import { params } from "./params.ts";
import { storage } from "./wgsl.ts";

export interface RotaryProgram {
  readonly interleaved: boolean;
  /** Whether the rows of the table are given one by one. */
  readonly listed: boolean;
}

/** `start` is the first feature of this dispatch among all. */
export const rotaryParams = params({
  ...{ count: "u32", startRow: "u32", x: "u32", out: "u32", tokens: "u32", inner: "u32", width: "u32", planes: "u32" },
  ...{ first: "u32" },
});
export const rotaryThreads = 256;

export function rotaryProgram({ interleaved, listed }: RotaryProgram): string {
  return `${rotaryParams.wgsl}
${storage(1, "x", "u32")}
${storage(2, "cosines", "f32")}
${storage(3, "sines", "f32")}
${storage(4, "out", "u32", true)}
${listed ? storage(5, "listed", "u32") : ""}
@compute @workgroup_size(${rotaryThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * ${rotaryThreads}u + local;
  if (at >= params.count) { return; }
  let feature = at % params.width;
  let own = x[params.x + at];
  if (feature >= 2u * params.planes) {
    out[params.out + at] = own;
    return;
  }
  let token = (params.startRow + at / params.width) / params.inner % params.tokens;
  let place = ${listed ? "listed[token]" : "params.first + token"};
  ${
    interleaved
      ? `let second = (feature & 1u) == 1u;
  let plane = feature / 2u;
  let other = select(at + 1u, at - 1u, second);`
      : `let second = feature >= params.planes;
  let plane = select(feature, feature - params.planes, second);
  let other = select(at + params.planes, at - params.planes, second);`
  }
  let cosine = cosines[place * params.planes + plane];
  let sine = sines[place * params.planes + plane];
  let across = bitcast<f32>(x[params.x + other]) * sine;
  out[params.out + at] = bitcast<u32>(fma(bitcast<f32>(own), cosine, select(-across, across, second)));
}
`;
}
