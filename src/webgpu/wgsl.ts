/** Small helpers to write programs with. */

/** f of 0 to count − 1, a line each. */
export const lines = (count: number, f: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => f(i)).join("\n");

/** The components of a vector of four. */
export const xyzw = ["x", "y", "z", "w"] as const;

/**
 * A function `name(row, column4) → vec4f` that reads four neighbouring columns of a matrix and gives 0 outside of it. The
 * array holds vectors where rows are a multiple of four long, else single numbers.
 */
export const reader = (name: string, array: string, rows: string, columns: string, vector: boolean): string =>
  vector
    ? `fn ${name}(base: u32, row: u32, column4: u32) -> vec4f {
  if (row >= ${rows} || 4u * column4 >= ${columns}) { return vec4f(); }
  return ${array}[base / 4u + row * (${columns} / 4u) + column4];
}`
    : `fn ${name}(base: u32, row: u32, column4: u32) -> vec4f {
  let column = 4u * column4;
  if (row >= ${rows}) { return vec4f(); }
  let at = base + row * ${columns} + column;
  var four = vec4f();
  if (column < ${columns}) { four.x = ${array}[at]; }
  if (column + 1u < ${columns}) { four.y = ${array}[at + 1u]; }
  if (column + 2u < ${columns}) { four.z = ${array}[at + 2u]; }
  if (column + 3u < ${columns}) { four.w = ${array}[at + 3u]; }
  return four;
}`;

/** `Short`, vectors of four numbers that are multiplied as float16 or as they are, and what a program that uses it enables. */
export const short = (half: "f16" | "f32" | undefined): string =>
  half === "f16" ? "enable f16;\nalias Short = vec4h;\n" : "alias Short = vec4f;\n";

/** The declaration of the i-th binding. */
export const storage = (i: number, name: string, type: string, written = false): string =>
  `@group(0) @binding(${i}) var<storage, ${written ? "read_write" : "read"}> ${name}: array<${type}>;`;
