/** Writes matrices as tiles of float16. */
import { params } from "../params.ts";
import { storage } from "../wgsl.ts";
import { four, rowsOf } from "./four.ts";
import { type Tiles, tileSize, upperPart } from "./tiles.ts";

export interface HalvingProgram extends Tiles {
  /** Whether columns have scales of their own, else rows do. */
  readonly byColumn: boolean;
  /** Whether rows are multiples of four long. */
  readonly vectors: boolean;
  /** Whether entries have lengths of their own: rows beyond are not read, and are 0. */
  readonly limited: boolean;
}

export const halvingParams = params({
  ...{ rows: "u32", columns: "u32", source: "u32", entry: "u32", head: "u32", row: "u32", heads: "u32" },
  ...{ across: "u32", first: "u32", apart: "u32", scales: "u32", scalesApart: "u32", chunks: "u32", lengthsAt: "u32" },
});

/** How wide matrices may be whose columns have scales of their own. */
export const mostColumns = 256;

/** Columns that the 16 · edge invocations of a workgroup write at once. */
const together = 64;

/** A workgroup writes a row of tiles: 16 invocations share a row, each with vectors of four of its numbers. */
export function halvingProgram({ edge, parts, byColumn, vectors, limited }: HalvingProgram): string {
  const part = (edge * edge) / 4;
  return `enable f16;
${halvingParams.wgsl}
${storage(1, "source", vectors ? "vec4f" : "f32")}
${storage(2, "tiles", "vec2u", true)}
${storage(3, "scales", "f32", true)}
${storage(4, "lengths", "u32")}
${byColumn ? storage(5, "largest", "f32") : ""}
var<workgroup> found: array<f32, ${byColumn ? mostColumns : 16 * edge}>;
${four(vectors)}
${upperPart(true)}
// 2 to the power that brings a number just below 2^15, as its exponent; of nothing, the largest that has an inverse.
fn exponentFor(largest: f32) -> u32 { return min(268u - (bitcast<u32>(largest) >> 23u), 253u); }
fn power(exponent: u32) -> f32 { return bitcast<f32>(exponent << 23u); }
@compute @workgroup_size(${16 * edge})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = group.x * ${edge}u + local / 16u;
  let lane = 4u * (local % 16u);
  let base = params.source + group.y / params.heads * params.entry + group.y % params.heads * params.head + row * params.row;
  let rows = ${rowsOf(limited, "group.y")};
  let scalesAt = params.scales + group.y * params.scalesApart;
  let width = params.across * ${edge}u;
${
  byColumn
    ? `  for (var column = local; column < width; column += ${16 * edge}u) {
    var most = 0.0;
    if (column < params.columns) {
      for (var chunk = 0u; chunk < params.chunks; chunk++) {
        most = max(most, largest[(group.y * params.chunks + chunk) * params.columns + column]);
      }
    }
    let exponent = exponentFor(most);
    found[column] = power(exponent);
    if (group.x == 0u) { scales[scalesAt + column] = power(254u - exponent); }
  }
  workgroupBarrier();`
    : `  var most = 0.0;
  if (row < rows) {
    for (var column = lane; column < params.columns; column += ${together}u) {
      let all = abs(four(base, column));
      most = max(most, max(max(all.x, all.y), max(all.z, all.w)));
    }
  }
  found[local] = most;
  workgroupBarrier();
  for (var i = 0u; i < 16u; i++) { most = max(most, found[local / 16u * 16u + i]); }
  let exponent = exponentFor(most);
  if (lane == 0u) { scales[scalesAt + row] = power(254u - exponent); }
  let scale = vec4f(power(exponent));`
}
  for (var column = lane; column < width; column += ${together}u) {
    var all = vec4f();
    if (row < rows) { all = four(base, column); }
${byColumn ? "    let scale = vec4f(found[column], found[column + 1u], found[column + 2u], found[column + 3u]);" : ""}
    all *= scale;
    let upper = upperPart(all);
    let at = (params.first + group.y * params.apart + (group.x * params.across + column / ${edge}u) * ${tileSize({ edge, parts })}u) / 4u
      + (local / 16u * ${edge}u + column % ${edge}u) / 4u;
    tiles[at] = bitcast<vec2u>(vec4h(upper));
${parts === 2 ? `    tiles[at + ${part}u] = bitcast<vec2u>(vec4h(all - upper));` : ""}
  }
}
`;
}
