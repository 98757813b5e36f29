import { lines, xyzw } from "../wgsl.ts";

/** `four(base, column)`, in WGSL: four neighbours of a row of `source` that begins at `base`, 0 beyond `params.columns`. */
export const four = (vectors: boolean): string => `fn four(base: u32, column: u32) -> vec4f {
${
  vectors
    ? "  if (column >= params.columns) { return vec4f(); }\n  return source[(base + column) / 4u];"
    : `  var all = vec4f();
${lines(4, (i) => `  if (column + ${i}u < params.columns) { all.${xyzw[i]} = source[base + column + ${i}u]; }`)}
  return all;`
}
}`;

/** How many rows of a matrix are read: all, or as many as its entry is long. */
export const rowsOf = (limited: boolean, matrix: string): string =>
  limited ? `min(params.rows, lengths[params.lengthsAt + ${matrix} / params.heads])` : "params.rows";
