/** Products of matrices rounded to float16 on a GPU's matrix units, with sums in float32. */

import { matmulParams, readers } from "./matmul-program.ts";
import { type MatrixSizes, matrixBuiltins } from "./matrices.ts";
import { lines, storage, xyzw } from "./wgsl.ts";

export interface MatricesProgram {
  readonly sizes: MatrixSizes;
  /** Whether the rows of a, and of b, are multiples of four long. */
  readonly vectors: readonly [boolean, boolean];
  readonly transposed: boolean;
  readonly biased: boolean;
}

/** Rows and columns of the result that a workgroup makes, with four subgroups, two by two. */
export const matricesTile = 128;
/** How much of the inner axis is shared at a time. */
const deep = 32;
/** Rows that are shared stand a little apart, so that their parts lie in different banks. */
const apart = 8;

/** Bytes that a workgroup shares. */
export function matricesBytes({ M, N }: MatrixSizes, transposed: boolean): number {
  const b = transposed ? matricesTile * (deep + apart) : deep * (matricesTile + apart);
  return 2 * (matricesTile * (deep + apart) + b) + 4 * 4 * M * N;
}

export const matricesThreads = ({ subgroup }: MatrixSizes): number => 4 * subgroup;

export function matricesProgram({ sizes, vectors, transposed, biased }: MatricesProgram): string {
  const { M, N, K, subgroup } = sizes;
  const threads = matricesThreads(sizes);
  const [tile, half] = [matricesTile, matricesTile / 2];
  const [tall, wide] = [half / M, half / N];
  const [aRow, bRow] = [deep + apart, transposed ? deep + apart : tile + apart];
  const type = (vector: boolean) => (vector ? "vec4f" : "f32");
  // Vectors of four of a row, and where they go: of b rows of the inner axis, or turned as it is given.
  const moves = (count: number, one: (i: number, at: string) => string) =>
    lines(count / threads, (i) => `{\n${one(i, `(local + ${i * threads}u)`)}\n}`);
  const [aCount, bCount] = [(tile * deep) / 4, (tile * deep) / 4];
  const [aWide, bWide] = [deep / 4, transposed ? deep / 4 : tile / 4];
  const four = (target: string, place: string, name: string) =>
    lines(4, (c) => `${target}[${place} + ${c}u] = f16(${name}.${xyzw[c]});`);
  const all = (one: (i: number, j: number) => string) => lines(tall, (i) => lines(wide, (j) => one(i, j)));
  const { load, store, multiplied } = matrixBuiltins;
  return `${matrixBuiltins.head(sizes)}
${matmulParams.wgsl}
${storage(1, "a", type(vectors[0]))}
${storage(2, "b", type(vectors[1]))}
${storage(3, "out", "f32", true)}
${biased ? storage(4, "bias", "f32") : ""}
var<workgroup> sharedA: array<f16, ${tile * aRow}>;
var<workgroup> sharedB: array<f16, ${transposed ? tile * bRow : deep * bRow}>;
var<workgroup> stage: array<f32, ${4 * M * N}>;
${readers(vectors, transposed)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let mine = local / ${subgroup}u;
  let lane = local % ${subgroup}u;
  let rowBase = group.y * ${tile}u;
  let columnBase = group.x * ${tile}u;
  let up = mine / 2u * ${half}u;
  let along = mine % 2u * ${half}u;
  let aBase = params.a + group.z * params.aStep;
  let bBase = params.b + group.z * params.bStep;
${all((i, j) => `var r${i}_${j}: Result;`)}
${lines(aCount / threads, (i) => `var a${i}: vec4f;`)}
${lines(bCount / threads, (i) => `var b${i}: vec4f;`)}
  for (var depthBase = 0u; depthBase < params.depth; depthBase += ${deep}u) {
${moves(aCount, (i, at) => `a${i} = readA(aBase, rowBase + ${at} / ${aWide}u, depthBase / 4u + ${at} % ${aWide}u);`)}
${moves(bCount, (i, at) =>
  transposed
    ? `b${i} = readB(bBase, columnBase + ${at} / ${bWide}u, depthBase / 4u + ${at} % ${bWide}u);`
    : `b${i} = readB(bBase, depthBase + ${at} / ${bWide}u, columnBase / 4u + ${at} % ${bWide}u);`,
)}
    workgroupBarrier();
${moves(aCount, (i, at) => `let place = ${at} / ${aWide}u * ${aRow}u + 4u * (${at} % ${aWide}u);\n${four("sharedA", "place", `a${i}`)}`)}
${moves(bCount, (i, at) => `let place = ${at} / ${bWide}u * ${bRow}u + 4u * (${at} % ${bWide}u);\n${four("sharedB", "place", `b${i}`)}`)}
    workgroupBarrier();
    for (var k = 0u; k < ${deep}u; k += ${K}u) {
${lines(wide, (j) => `let right${j} = ${load("Right", "sharedB", transposed ? `(along + ${j * N}u) * ${bRow}u + k` : `k * ${bRow}u + along + ${j * N}u`, transposed, bRow)};`)}
${lines(
  tall,
  (i) => `{
let left = ${load("Left", "sharedA", `(up + ${i * M}u) * ${aRow}u + k`, false, aRow)};
${lines(wide, (j) => `r${i}_${j} = ${multiplied("left", `right${j}`, `r${i}_${j}`)};`)}
}`,
)}
    }
  }
  // A matrix at a time, since what a result's invocations hold is theirs alone.
${all(
  (i, j) => `workgroupBarrier();
  ${store("stage", `mine * ${M * N}u`, `r${i}_${j}`, N)}
  workgroupBarrier();
  for (var at = lane; at < ${M * N}u; at += ${subgroup}u) {
    let row = rowBase + up + ${i * M}u + at / ${N}u;
    let column = columnBase + along + ${j * N}u + at % ${N}u;
    if (row < params.rows && column < params.columns) {
      out[params.out + group.z * params.outStep + row * params.outRow + column] = stage[mine * ${M * N}u + at]${biased ? " + bias[params.bias + column]" : ""};
    }
  }`,
)}
}
`;
}
