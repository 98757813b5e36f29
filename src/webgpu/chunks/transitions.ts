/** The pass over the chunks that carries the state, where each chunk multiplies it by a matrix. */
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";

export const transitionsParams = params({
  ...{ chunks: "u32", width: "u32", width4: "u32", columns: "u32", columns4: "u32", fresh: "u32" },
});

/** Vectors of the state that a workgroup shares, twice. */
const held = 512;
export const widestTransition = held;

/** How many vectors of columns a workgroup has of a state of that many rows. */
export const columnsWith = (width: number): number => (width <= held / 4 ? 4 : width <= held / 2 ? 2 : 1);

/**
 * state = matrix · state + what the chunk writes, which is replaced by the state before it. The matrices stand transposed,
 * so that neighbours read neighbours.
 */
export const transitionsProgram = (wide: number, threads: number): string => `${transitionsParams.wgsl}
${storage(1, "states", "vec4f", true)}
${storage(2, "after", "f32", true)}
${storage(3, "matrices", "vec4f")}
var<workgroup> shared0: array<vec4f, ${2 * held}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let c = local % ${wide}u;
  let column4 = group.x * ${wide}u + c;
  let inside = column4 < params.columns4;
  let count = select(0u, min(params.columns - 4u * column4, 4u), inside);
  let size = params.width * params.columns4;
  let afterBase = group.y * params.width * params.columns + 4u * column4;
  for (var d = local / ${wide}u; d < params.width; d += ${threads / wide}u) {
    var four = vec4f();
    if (params.fresh == 0u) {
      for (var i = 0u; i < count; i++) { four[i] = after[afterBase + d * params.columns + i]; }
    }
    shared0[d * ${wide}u + c] = four;
  }
  workgroupBarrier();
  var now = 0u;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let base = (group.y * params.chunks + chunk) * size + min(column4, params.columns4 - 1u);
    let matrix = (group.y * params.chunks + chunk) * params.width * params.width4;
    for (var row4 = local / ${wide}u; row4 < params.width4; row4 += ${threads / wide}u) {
${lines(4, (i) => `var r${i} = states[base + min(4u * row4 + ${i}u, params.width - 1u) * params.columns4];`)}
      for (var d = 0u; d < params.width; d += 4u) {
${lines(
  4,
  (k) => `let m${k} = matrices[matrix + min(d + ${k}u, params.width - 1u) * params.width4 + row4];
let s${k} = select(vec4f(), shared0[now + min(d + ${k}u, params.width - 1u) * ${wide}u + c], d + ${k}u < params.width);`,
)}
${lines(4, (k) => lines(4, (i) => `r${i} = fma(vec4f(m${k}[${i}]), s${k}, r${i});`))}
      }
${lines(
  4,
  (i) => `{
let d = 4u * row4 + ${i}u;
if (d < params.width) {
if (inside) { states[base + d * params.columns4] = shared0[now + d * ${wide}u + c]; }
shared0[${held}u - now + d * ${wide}u + c] = r${i};
}
}`,
)}
    }
    workgroupBarrier();
    now = ${held}u - now;
  }
  for (var d = local / ${wide}u; d < params.width; d += ${threads / wide}u) {
    let four = shared0[now + d * ${wide}u + c];
    for (var i = 0u; i < count; i++) { after[afterBase + d * params.columns + i] = four[i]; }
  }
}
`;
