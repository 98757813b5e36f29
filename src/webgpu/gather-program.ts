/** Rows of a table by their numbers. */
import { params } from "./params.ts";
import { storage } from "./wgsl.ts";

export interface GatherProgram {
  readonly format: "float32" | "float16" | "bfloat16";
  /** Whether rows are multiples of four long: then all is counted in vectors of four. */
  readonly vector: boolean;
}

/** The rows `first` on, `seen` of the table's `height`, are bound. */
export const gatherParams = params({
  ...{ count: "u32", width: "u32", table: "u32", first: "u32", seen: "u32", height: "u32", indices: "u32", out: "u32" },
});
export const gatherThreads = 256;

const single = (word: string, format: "float16" | "bfloat16") =>
  format === "float16" ? `bitcast<u32>(unpack2x16float(${word}).x)` : `(${word} << 16u)`;

export function gatherProgram({ format, vector }: GatherProgram): string {
  const type = format === "float32" ? (vector ? "vec4u" : "u32") : vector ? "vec2u" : "u32";
  const read = (() => {
    if (format === "float32") return "return table[at];";
    if (!vector)
      return `let half = (table[at / 2u] >> (16u * (at & 1u))) & 0xffffu;\n  return ${single("half", format)};`;
    if (format === "float16")
      return `let four = table[at];
  return bitcast<vec4u>(vec4f(unpack2x16float(four.x), unpack2x16float(four.y)));`;
    return `let four = table[at];
  return vec4u(four.x << 16u, four.x & 0xffff0000u, four.y << 16u, four.y & 0xffff0000u);`;
  })();
  const result = vector ? "vec4u" : "u32";
  return `${gatherParams.wgsl}
${storage(1, "table", type)}
${storage(2, "indices", "u32")}
${storage(3, "out", result, true)}
fn fetched(at: u32) -> ${result} {
  ${read}
}
@compute @workgroup_size(${gatherThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * ${gatherThreads}u + local;
  if (at >= params.count) { return; }
  let index = indices[params.indices + at / params.width];
  if (index >= params.first && index - params.first < params.seen) {
    out[params.out + at] = fetched(params.table + (index - params.first) * params.width + at % params.width);
  } else if (index >= params.height && params.first == 0u) {
    out[params.out + at] = ${result}();
  }
}
`;
}
