/** Products of matrices, tile by tile: each invocation keeps a tile of the result in registers. */
import { params } from "./params.ts";
import { lines, reader, storage, xyzw } from "./wgsl.ts";

/** How a workgroup divides its tile of the result. */
export interface MatmulShape {
  /** Rows of the result that an invocation keeps. */
  readonly tall: number;
  /** Vectors of four columns that it keeps. */
  readonly wide: number;
  /** Invocations side by side and one above the other. */
  readonly across: number;
  readonly down: number;
  /** How much of the inner axis is shared at a time; a power of two, four or more. */
  readonly deep: number;
  /** Whether the next part is read while this one is multiplied. */
  readonly ahead: boolean;
}

export interface MatmulProgram extends MatmulShape {
  /** Whether the rows of a, of b and of the result are multiples of four long. */
  readonly vectors: readonly [boolean, boolean, boolean];
  readonly transposed: boolean;
  readonly biased: boolean;
}

export const matmulParams = params({
  ...{ rows: "u32", columns: "u32", depth: "u32" },
  ...{ a: "u32", b: "u32", out: "u32", aStep: "u32", bStep: "u32", outStep: "u32" },
  ...{ outRow: "u32", bias: "u32" },
});

/** Rows and columns of the result that a workgroup makes. */
export const tileOf = ({ tall, wide, across, down }: MatmulShape) => ({
  rows: tall * down,
  columns: 4 * wide * across,
});

/** Bytes that a workgroup shares. */
export function sharedBytes(shape: MatmulShape): number {
  const { rows, columns } = tileOf(shape);
  return 4 * shape.deep * (rows + columns);
}

export function matmulProgram(program: MatmulProgram): string {
  const { tall, wide, across, down, deep, ahead, vectors, transposed, biased } = program;
  const { rows, columns } = tileOf(program);
  const threads = across * down;
  const [deep4, columns4] = [deep / 4, columns / 4];
  /** Rows that are read together lie in different banks: their columns are exchanged by the row of invocations. */
  const placed = (row: string, column: string) =>
    `${row} * ${deep4}u + ((${column}) ^ ((${row} / ${tall}u) & ${deep4 - 1}u))`;
  const type = (vector: boolean) => (vector ? "vec4f" : "f32");
  // What an invocation carries from memory to what is shared: vectors, of b transposed blocks of four, turned.
  const [aCount, bCount] = [rows * deep4, (deep * columns4) / (transposed ? 4 : 1)];
  const shares = (count: number, one: (i: number, at: string) => string) =>
    lines(Math.ceil(count / threads), (i) => {
      const at = `(local + ${i * threads}u)`;
      return count % threads ? `if (${at} < ${count}u) {\n${one(i, at)}\n}` : one(i, at);
    });
  const fetchA = shares(
    aCount,
    (i, at) => `a${i} = readA(aBase, rowBase + ${at} / ${deep4}u, depthBase / 4u + ${at} % ${deep4}u);`,
  );
  const storeA = shares(aCount, (i, at) => `sharedA[${placed(`(${at} / ${deep4}u)`, `${at} % ${deep4}u`)}] = a${i};`);
  const fetchB = shares(bCount, (i, at) =>
    transposed
      ? lines(
          4,
          (j) =>
            `b${4 * i + j} = readB(bBase, columnBase + 4u * (${at} / ${deep4}u) + ${j}u, depthBase / 4u + ${at} % ${deep4}u);`,
        )
      : `b${i} = readB(bBase, depthBase + ${at} / ${columns4}u, columnBase / 4u + ${at} % ${columns4}u);`,
  );
  const storeB = shares(bCount, (i, at) =>
    transposed
      ? lines(4, (c) => {
          const column = [0, 1, 2, 3].map((j) => `b${4 * i + j}.${xyzw[c]}`).join(", ");
          return `sharedB[(4u * (${at} % ${deep4}u) + ${c}u) * ${columns4}u + ${at} / ${deep4}u] = vec4f(${column});`;
        })
      : `sharedB[${at}] = b${i};`,
  );
  const multiply = `for (var part = 0u; part < ${deep4}u; part++) {
${lines(tall, (i) => `let x${i} = sharedA[(y * ${tall}u + ${i}u) * ${deep4}u + (part ^ (y & ${deep4 - 1}u))];`)}
${lines(
  4,
  (c) => `{
${lines(wide, (j) => `let w${j} = sharedB[(4u * part + ${c}u) * ${columns4}u + x + ${across * j}u];`)}
${lines(tall, (i) => lines(wide, (j) => `r${i}_${j} = fma(vec4f(x${i}.${xyzw[c]}), w${j}, r${i}_${j});`))}
}`,
)}
}`;
  const writeVector = (i: number, j: number) => `{
let column = columnBase + 4u * (x + ${across * j}u);
${
  vectors[2]
    ? `if (column < params.columns) { out[(base + column) / 4u] = r${i}_${j}${biased ? " + bias[(params.bias + column) / 4u]" : ""}; }`
    : lines(
        4,
        (c) =>
          `if (column + ${c}u < params.columns) { out[base + column + ${c}u] = r${i}_${j}.${xyzw[c]}${biased ? ` + bias[params.bias + column + ${c}u]` : ""}; }`,
      )
}
}`;
  return `${matmulParams.wgsl}
${storage(1, "a", type(vectors[0]))}
${storage(2, "b", type(vectors[1]))}
${storage(3, "out", type(vectors[2]), true)}
${biased ? storage(4, "bias", type(vectors[2])) : ""}
var<workgroup> sharedA: array<vec4f, ${rows * deep4}>;
var<workgroup> sharedB: array<vec4f, ${deep * columns4}>;
${reader("readA", "a", "params.rows", "params.depth", vectors[0])}
${
  transposed
    ? reader("readB", "b", "params.columns", "params.depth", vectors[1])
    : reader("readB", "b", "params.depth", "params.columns", vectors[1])
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  // Eight by four invocations a subgroup, in the order in which wide reads of shared memory go together.
  let x = (local / 32u) % ${across / 8}u * 8u + (local / 2u) % 8u;
  let y = local / ${4 * across}u * 4u + (local / 16u) % 2u * 2u + local % 2u;
  let rowBase = group.y * ${rows}u;
  let columnBase = group.x * ${columns}u;
  let aBase = params.a + group.z * params.aStep;
  let bBase = params.b + group.z * params.bStep;
${lines(tall, (i) => lines(wide, (j) => `var r${i}_${j} = vec4f();`))}
${lines(Math.ceil(aCount / threads), (i) => `var a${i}: vec4f;`)}
${lines((transposed ? 4 : 1) * Math.ceil(bCount / threads), (i) => `var b${i}: vec4f;`)}
${
  ahead
    ? `  var depthBase = 0u;
  ${fetchA}
  ${fetchB}
  while (depthBase < params.depth) {
    workgroupBarrier();
    ${storeA}
    ${storeB}
    workgroupBarrier();
    depthBase += ${deep}u;
    if (depthBase < params.depth) {
      ${fetchA}
      ${fetchB}
    }
    ${multiply}
  }`
    : `  for (var depthBase = 0u; depthBase < params.depth; depthBase += ${deep}u) {
    ${fetchA}
    ${fetchB}
    workgroupBarrier();
    ${storeA}
    ${storeB}
    workgroupBarrier();
    ${multiply}
  }`
}
${lines(
  tall,
  (i) => `{
  let row = rowBase + y * ${tall}u + ${i}u;
  if (row < params.rows) {
    let base = params.out + group.z * params.outStep + row * params.outRow;
${lines(wide, (j) => writeVector(i, j))}
  }
}`,
)}
}
`;
}
