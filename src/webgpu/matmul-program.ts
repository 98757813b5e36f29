/** Products of matrices, tile by tile: each invocation keeps a tile of the result in registers. */
import { params } from "./params.ts";
import { lines, reader, short, storage, xyzw } from "./wgsl.ts";

/** How a workgroup divides its tile of the result. */
export interface MatmulShape {
  /** Rows of the result that an invocation keeps, a multiple of four. */
  readonly tall: number;
  /** Vectors of four columns that it keeps. */
  readonly wide: number;
  /** Invocations side by side and one above the other. */
  readonly across: number;
  readonly down: number;
  /** How much of the inner axis is shared at a time; a power of two, four or more. */
  readonly deep: number;
  /** Whether the next part is read while this one is multiplied, and the loop over a part is written out. */
  readonly ahead: boolean;
}

export interface MatmulProgram extends MatmulShape {
  /** Whether the rows of a, of b and of the result are multiples of four long. */
  readonly vectors: readonly [boolean, boolean, boolean];
  readonly transposed: boolean;
  readonly biased: boolean;
  /** Whether the inner axis is so many whole parts, and a and b are read in vectors: then nothing is asked in the loop. */
  readonly even: boolean;
  /** The type that numbers are rounded to before they are multiplied: sums over a part are kept in it, those of all in float32. */
  readonly half?: "f16" | "f32" | undefined;
}

export const matmulParams = params({
  ...{ rows: "u32", columns: "u32", depth: "u32" },
  ...{ a: "u32", b: "u32", out: "u32", aStep: "u32", bStep: "u32", outStep: "u32" },
  ...{ outRow: "u32", bias: "u32" },
});

/** `readA` and `readB`, which give 0 outside of the matrices. */
export const readers = (vectors: readonly boolean[], transposed: boolean): string => {
  const [rows, columns] = transposed ? ["params.columns", "params.depth"] : ["params.depth", "params.columns"];
  const ofA = reader("readA", "a", "params.rows", "params.depth", vectors[0]!);
  return `${ofA}\n${reader("readB", "b", rows!, columns!, vectors[1]!)}`;
};

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
  const { tall, wide, across, down, deep, ahead, vectors, transposed, biased, even, half } = program;
  const { rows, columns } = tileOf(program);
  const threads = across * down;
  const [deep4, columns4, rows4, tall4] = [deep / 4, columns / 4, rows / 4, tall / 4];
  const type = (vector: boolean) => (vector ? "vec4f" : "f32");
  const shares = (count: number, one: (i: number, at: string) => string) =>
    lines(Math.ceil(count / threads), (i) => {
      const at = `(local + ${i * threads}u)`;
      return (i + 1) * threads > count ? `if (${at} < ${count}u) {\n${one(i, at)}\n}` : `{\n${one(i, at)}\n}`;
    });
  // What an invocation carries from memory to what is shared. A matrix whose rows run along the inner axis is turned on
  // the way, four rows by four: a vector that is shared holds four neighbours at one place of the inner axis. What is
  // written or read together then lies in different banks, since eight neighbours are exchanged by that place.
  const exchanged = (at: string, part: string) => `(${at} ^ ((${part} * ${Math.max(1, 8 / deep4)}u) & 7u))`;
  const fetchTurned = (name: string, read: string, base: string, from: string, count: number) =>
    shares(count * deep4, (i, at) =>
      lines(4, (j) =>
        even
          ? `${name}${i}_${j} = ${name}[${name}${i}_${j}At + depthBase / 4u];`
          : `${name}${i}_${j} = ${read}(${base}, ${from} + 4u * (${at} / ${deep4}u) + ${j}u, depthBase / 4u + ${at} % ${deep4}u);`,
      ),
    );
  // What is beyond the last row or column is read as the last, and not written.
  const placesTurned = (name: string, base: string, from: string, count: number, rows: string) =>
    lines(Math.ceil((count * deep4) / threads), (i) =>
      lines(4, (j) => {
        const at = `(local + ${i * threads}u)`;
        const row = `min(${from} + 4u * (${at} / ${deep4}u) + ${j}u, ${rows} - 1u)`;
        return `let ${name}${i}_${j}At = ${base} / 4u + ${row} * (params.depth / 4u) + ${at} % ${deep4}u;`;
      }),
    );
  const places = () => {
    const ofA = placesTurned("a", "aBase", "rowBase", rows4, "params.rows");
    if (transposed) return `${ofA}\n${placesTurned("b", "bBase", "columnBase", columns4, "params.columns")}`;
    const ofB = lines(Math.ceil((deep * columns4) / threads), (i) => {
      const at = `(local + ${i * threads}u)`;
      const column4 = `min(columnBase / 4u + ${at} % ${columns4}u, params.columns / 4u - 1u)`;
      return `let b${i}At = bBase / 4u + ${at} / ${columns4}u * (params.columns / 4u) + ${column4};`;
    });
    return `${ofA}\n${ofB}`;
  };
  const storeTurned = (name: string, target: string, count: number) =>
    shares(
      count * deep4,
      (i, at) => `let part = ${at} % ${deep4}u;
let place = 4u * part * ${count}u + ${exchanged(`(${at} / ${deep4}u)`, "part")};
${lines(4, (c) => {
  const four = [0, 1, 2, 3].map((j) => `${name}${i}_${j}.${xyzw[c]}`).join(", ");
  return `${target}[place + ${c * count}u] = Short(vec4f(${four}));`;
})}`,
    );
  const fetchA = fetchTurned("a", "readA", "aBase", "rowBase", rows4);
  const storeA = storeTurned("a", "sharedA", rows4);
  const fetchB = transposed
    ? fetchTurned("b", "readB", "bBase", "columnBase", columns4)
    : shares(deep * columns4, (i, at) =>
        even
          ? `b${i} = b[b${i}At + depthBase * (params.columns / 4u)];`
          : `b${i} = readB(bBase, depthBase + ${at} / ${columns4}u, columnBase / 4u + ${at} % ${columns4}u);`,
      );
  const storeB = transposed
    ? storeTurned("b", "sharedB", columns4)
    : shares(deep * columns4, (i, at) => `sharedB[${at}] = Short(b${i});`);
  const sum = half ? "h" : "r";
  const part = (at: string) => `let aAt = 4u * ${at} * ${rows4}u + ${exchanged("y", at)};
let bAt = 4u * ${at} * ${columns4}u + ${transposed ? exchanged("x", at) : "x"};
${lines(
  4,
  (c) => `{
${lines(tall4, (i) => `let x${i} = sharedA[aAt + ${c * rows4 + i * down}u];`)}
${lines(wide, (j) => `let w${j} = sharedB[bAt + ${c * columns4 + j * across}u];`)}
${lines(tall, (i) => lines(wide, (j) => `${sum}${i}_${j} = fma(Short(x${i >> 2}.${xyzw[i & 3]}), w${j}, ${sum}${i}_${j});`))}
}`,
)}`;
  const all = (one: (i: number, j: number) => string) => lines(tall, (i) => lines(wide, (j) => one(i, j)));
  const parts = ahead
    ? lines(deep4, (at) => `{\n${part(`${at}u`)}\n}`)
    : `for (var at = 0u; at < ${deep4}u; at++) {\n${part("at")}\n}`;
  const multiply = half
    ? `${all((i, j) => `var h${i}_${j} = Short();`)}\n${parts}\n${all((i, j) => `r${i}_${j} += vec4f(h${i}_${j});`)}`
    : parts;
  const carried = (name: string, count: number, turned: boolean) =>
    lines(Math.ceil(count / threads), (i) =>
      turned ? lines(4, (j) => `var ${name}${i}_${j}: vec4f;`) : `var ${name}${i}: vec4f;`,
    );
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
  return `${short(half)}${matmulParams.wgsl}
${storage(1, "a", type(vectors[0]))}
${storage(2, "b", type(vectors[1]))}
${storage(3, "out", type(vectors[2]), true)}
${biased ? storage(4, "bias", type(vectors[2])) : ""}
var<workgroup> sharedA: array<Short, ${deep * rows4}>;
var<workgroup> sharedB: array<Short, ${deep * columns4}>;
${readers(vectors, transposed)}
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
${even ? places() : ""}
${carried("a", rows4 * deep4, true)}
${transposed ? carried("b", columns4 * deep4, true) : carried("b", deep * columns4, false)}
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
  let row = rowBase + 4u * (y + ${down * (i >> 2)}u) + ${i & 3}u;
  if (row < params.rows) {
    let base = params.out + group.z * params.outStep + row * params.outRow;
${lines(wide, (j) => writeVector(i, j))}
  }
}`,
)}
}
`;
}
