/** The pass over the chunks that carries the state, where gates alone change it. */
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";
import { type Gating, total } from "./fades.ts";

export const carryParams = params({
  ...{ chunks: "u32", width: "u32", width4: "u32", columns: "u32", columns4: "u32", fresh: "u32" },
});

/** Chunks whose values are read together. */
const together = 4;
export const carryThreads = 64;

/** What chunks write is replaced by the state before them; `after` holds the state before the first, then after the last. */
export const carryProgram = (gating: Gating): string => `${carryParams.wgsl}
${storage(1, "states", "vec4f", true)}
${storage(2, "after", "f32", true)}
${gating === "none" ? "" : storage(3, "fades", "f32")}
@compute @workgroup_size(${carryThreads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size4 = params.width * params.columns4;
  let head = id.y;
  let d = id.x / params.columns4;
  let column = 4u * (id.x % params.columns4);
  if (id.x >= size4) { return; }
  let at = (head * params.width + d) * params.columns + column;
  let count = min(params.columns - column, 4u);
  var state = vec4f();
  if (params.fresh == 0u) {
    for (var i = 0u; i < count; i++) { state[i] = after[at + i]; }
  }
  let base = head * params.chunks * size4 + id.x;
  for (var first = 0u; first < params.chunks; first += ${together}u) {
${lines(
  together,
  (i) => `let c${i} = min(first + ${i}u, params.chunks - 1u);
let new${i} = states[base + c${i} * size4];
let left${i} = ${total(gating, `(head * params.chunks + c${i})`, "d")};`,
)}
${lines(
  together,
  (i) => `if (first + ${i}u < params.chunks) {
states[base + c${i} * size4] = state;
state = fma(vec4f(left${i}), state, new${i});
}`,
)}
  }
  for (var i = 0u; i < count; i++) { after[at + i] = state[i]; }
}
`;
