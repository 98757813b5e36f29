/** The largest number, by size, of each column of some rows. */
import { params } from "../params.ts";
import { lines, storage, xyzw } from "../wgsl.ts";
import { four, rowsOf } from "./four.ts";

export const largestParams = params({
  ...{ rows: "u32", columns: "u32", source: "u32", entry: "u32", head: "u32", row: "u32", heads: "u32" },
  ...{ each: "u32", chunks: "u32", lengthsAt: "u32" },
});

export const largestColumns = 64;

/** A workgroup takes `each` rows of 64 columns of a matrix: 16 invocations share a row, each with four of its numbers. */
export const largestProgram = (vectors: boolean, limited: boolean): string => `${largestParams.wgsl}
${storage(1, "source", vectors ? "vec4f" : "f32")}
${storage(2, "largest", "f32", true)}
${storage(3, "lengths", "u32")}
var<workgroup> found: array<vec4f, 256>;
${four(vectors)}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % 16u;
  let column = group.x * ${largestColumns}u + 4u * lane;
  let base = params.source + group.z / params.heads * params.entry + group.z % params.heads * params.head;
  let end = min((group.y + 1u) * params.each, ${rowsOf(limited, "group.z")});
  var most = vec4f();
  for (var row = group.y * params.each + local / 16u; row < end; row += 16u) {
    most = max(most, abs(four(base + row * params.row, column)));
  }
  found[local] = most;
  workgroupBarrier();
  if (local < 16u) {
    for (var i = 1u; i < 16u; i++) { most = max(most, found[local + 16u * i]); }
    let at = (group.z * params.chunks + group.y) * params.columns + column;
${lines(4, (i) => `    if (column + ${i}u < params.columns) { largest[at + ${i}u] = most.${xyzw[i]}; }`)}
  }
}
`;
