/** Triangular systems of a chunk: what its writes do to each other, all solved at once. */
import { params } from "../params.ts";
import { lines, storage, xyzw } from "../wgsl.ts";
import { chunkTokens } from "./tile.ts";

export const solveParams = params({
  ...{ chunks: "u32", betaShare: "u32", betaHead: "u32", betaRow: "u32", betaRows: "u32", betaFirst: "u32" },
});

const blocks = chunkTokens / 4;

/** Column by column of the inverse, an invocation each, four rows at a time. */
export const solveProgram = (beta: boolean): string => `${solveParams.wgsl}
${storage(1, "scores", "vec4f")}
${storage(2, "solved", "f32", true)}
${beta ? storage(3, "betas", "f32") : ""}
var<workgroup> column: array<vec4f, ${chunkTokens * blocks}>;
var<private> base: u32;
var<private> betaBase: u32;
fn beta(place: u32) -> f32 {
  ${beta ? "return select(0.0, betas[betaBase + min(place, params.betaRows - 1u) * params.betaRow], place < params.betaRows);" : "return 1.0;"}
}
@compute @workgroup_size(${chunkTokens})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) j: u32) {
  let first = params.betaFirst + group.y * ${chunkTokens}u;
  betaBase = (group.z / params.betaShare) * params.betaHead;
  base = (group.z * params.chunks + group.y) * ${chunkTokens * blocks}u;
  let own = beta(first + j);
  for (var block = 0u; block < ${blocks}u; block++) {
    let at = base + block * ${chunkTokens}u;
    var sums = vec4f();
    for (var c = 0u; c < block; c++) {
      let x = column[c * ${chunkTokens}u + j];
      sums += vec4f(${lines(4, (i) => `dot(scores[at + ${i * blocks}u + c], x)${i < 3 ? "," : ""}`)});
    }
    var x = select(vec4f(), vec4f(1.0), vec4u(4u * block) + vec4u(0u, 1u, 2u, 3u) == vec4u(j));
${lines(4, (i) => {
  const inner = Array.from(
    { length: i },
    (_, k) => ` + scores[at + ${i * blocks}u + block].${xyzw[k]} * x.${xyzw[k]}`,
  ).join("");
  return `    x.${xyzw[i]} -= beta(first + 4u * block + ${i}u) * (sums.${xyzw[i]}${inner});`;
})}
    column[block * ${chunkTokens}u + j] = x;
    x *= own;
${lines(4, (i) => `    solved[4u * at + ${i * chunkTokens}u + j] = x.${xyzw[i]};`)}
  }
}
`;
