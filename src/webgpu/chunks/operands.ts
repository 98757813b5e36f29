/** Matrices of a chunk as programs read and write them: rows of tokens, or tiles of a temporary. */
import type { GpuTensor } from "../tensor.ts";
import { lines, xyzw } from "../wgsl.ts";

export interface Operand {
  readonly tensor: GpuTensor;
  /** How many heads of the program share one of these. */
  readonly share: number;
  /** How far heads and rows are apart. */
  readonly head: number;
  readonly row: number;
  /** How many rows and columns there are in a head. */
  readonly rows: number;
  readonly columns: number;
  /** The row at which the first chunk begins, may be below 0; how many rows later the next one does. */
  readonly first: number;
  readonly step: number;
  /** Rows of a chunk. */
  readonly tall: number;
  /** Only every so manieth row of the chunk is one of these: the last of each run, or the first. Default 1. */
  readonly every?: number | undefined;
}

/** A matrix for every head and chunk that the programs keep for each other. */
export const kept = (tensor: GpuTensor, chunks: number, tall: number, columns: number, share = 1): Operand => ({
  ...{ tensor, share, head: chunks * tall * columns, row: columns, rows: chunks * tall, columns },
  ...{ first: 0, step: tall, tall },
});

const names = ["Share", "Head", "Row", "Rows", "Columns", "First", "Step", "Tall", "Every"] as const;

export const fields = (name: string): Readonly<Record<string, "u32">> =>
  Object.fromEntries(names.map((field) => [name + field, "u32"]));

export const values = (name: string, o: Operand): Readonly<Record<string, number>> => {
  const all = [o.share, o.head, o.row, o.rows, o.columns, o.first, o.step, o.tall, o.every ?? 1];
  return Object.fromEntries(names.map((field, i) => [name + field, all[i]!]));
};

/** How a program sees an operand: a part of its key. */
export interface Seen {
  readonly vector: boolean;
  readonly spaced: boolean;
}

export const seen = ({ head, row, columns, every = 1 }: Operand): Seen => ({
  vector: head % 4 === 0 && row % 4 === 0 && columns % 4 === 0,
  spaced: every > 1,
});

export const typeOf = ({ vector }: Seen): string => (vector ? "vec4f" : "f32");

/** Where a row stands, or the end of the rows for what is none. Rows before the first are beyond the last. */
const row = (name: string, { spaced }: Seen): string => `
  var row = ${name}From + r;
  ${
    spaced
      ? `if (row % params.${name}Every != params.${name}Every - 1u) { row = params.${name}Rows; } else { row /= params.${name}Every; }`
      : ""
  }
  if (r >= params.${name}Tall || row >= params.${name}Rows || 4u * column4 >= params.${name}Columns)`;

/** Variables that `settle` sets to a head and chunk. */
const variables = (name: string): string => `var<private> ${name}Base: u32;
var<private> ${name}From: u32;`;

export const settle = (name: string): string => `${name}Base = (head / params.${name}Share) * params.${name}Head;
${name}From = params.${name}First + chunk * params.${name}Step;`;

/** A function `name(r, column4) → vec4f` that reads four columns of a row of the chunk, 0 for what is not there. */
export const reader = (name: string, array: string, how: Seen): string => `${variables(name)}
fn ${name}(r: u32, column4: u32) -> vec4f {${row(name, how)} { return vec4f(); }
${
  how.vector
    ? `  return ${array}[(${name}Base + row * params.${name}Row) / 4u + column4];`
    : `  let column = 4u * column4;
  let at = ${name}Base + row * params.${name}Row + column;
  var four = vec4f(${array}[at], 0.0, 0.0, 0.0);
${lines(3, (i) => `  if (column + ${i + 1}u < params.${name}Columns) { four.${xyzw[i + 1]} = ${array}[at + ${i + 1}u]; }`)}
  return four;`
}
}`;

/** A function `name(r, column4, four)` that writes them. */
export const writer = (name: string, array: string, how: Seen): string => `${variables(name)}
fn ${name}(r: u32, column4: u32, four: vec4f) {${row(name, how)} { return; }
${
  how.vector
    ? `  ${array}[(${name}Base + row * params.${name}Row) / 4u + column4] = four;`
    : `  let column = 4u * column4;
  let at = ${name}Base + row * params.${name}Row + column;
${lines(4, (i) => `  if (column + ${i}u < params.${name}Columns) { ${array}[at + ${i}u] = four.${xyzw[i]}; }`)}`
}
}`;
