/** What a scan needs of each channel in one table, in which neighbouring channels stand side by side. */
import { params } from "../params.ts";
import { storage, xyzw } from "../wgsl.ts";

export interface OpenProgram {
  /** Which of the two numbers of each channel are given; none for a part of the table that does not begin it. */
  readonly numbers: readonly [boolean, boolean] | undefined;
  /** Which tables of channels × states are; others are zeros. */
  readonly given: readonly boolean[];
}

/** `rows` is how many vectors of four states there are, padding included; `field` the first of the tables. */
export const openParams = params({ channels: "u32", states: "u32", rows: "u32", field: "u32" });

export const openThreads = 64;

/**
 * A vector for each channel with its numbers, then for each table and each four states a vector for each channel: that of
 * row r of table f stands at (1 + f · rows + r) · channels + channel.
 */
export function openProgram({ numbers, given }: OpenProgram): string {
  let places = 0;
  const bound = given.map((is, i) => (is ? storage(++places, `given${i}`, "f32") : ""));
  const single = (numbers ?? []).map((is, i) => (is ? storage(++places, `number${i}`, "f32") : ""));
  const row = (i: number) =>
    given[i]
      ? `vec4f(${xyzw.map((_, k) => `select(0.0, given${i}[min(at + ${k}u, most)], state + ${k}u < params.states)`).join(", ")})`
      : "vec4f()";
  return `${openParams.wgsl}
${bound.join("\n")}
${single.join("\n")}
${storage(++places, "table", "vec4f", true)}
@compute @workgroup_size(${openThreads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x;
  if (channel >= params.channels) { return; }
  let state = 4u * id.y;
  let at = channel * params.states + state;
  let most = max(params.channels * params.states, 1u) - 1u;
  ${numbers ? `if (id.y == 0u) { table[channel] = vec4f(${numbers.map((is, i) => (is ? `number${i}[channel]` : "0.0")).join(", ")}, 0.0, 0.0); }` : ""}
${given.map((_, i) => `  table[(1u + (params.field + ${i}u) * params.rows + id.y) * params.channels + channel] = ${row(i)};`).join("\n")}
}
`;
}
