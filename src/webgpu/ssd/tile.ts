/** A tile of 64 × 64 of a product of matrices, made of parts of 16 of the inner axis that a workgroup shares. */
import { lines, xyzw } from "../wgsl.ts";

export interface TileShape {
  /** Rows that an invocation keeps; 4, 8 or 16. */
  readonly tall: number;
}

export const side = 64;
export const deep = 16;
const [across, deep4, stride, side4] = [16, deep / 4, deep / 4 + 1, side / 4];

export const threadsOf = ({ tall }: TileShape): number => (side / tall) * across;

/** What a workgroup shares, rows of the left one after the other with one vector between, of the right as they are. */
export const tileShared = `var<workgroup> left: array<vec4f, ${side * stride}>;
var<workgroup> right: array<vec4f, ${deep * side4}>;`;

/** Where an invocation stands, and its sums. */
export const tileStart = ({ tall }: TileShape): string => `let x = local % ${across}u;
let y = local / ${across}u;
${lines(tall, (i) => `var r${i} = vec4f();`)}`;

const shares = (shape: TileShape, count: number, move: (at: string) => string) =>
  `for (var share = local; share < ${count}u; share += ${threadsOf(shape)}u) {
${move("share")}
}`;

/** Shares four neighbours along the inner axis of each row: `value` of a row and a vector of the part. */
export const shareLeft = (shape: TileShape, value: (row: string, four: string) => string): string =>
  shares(
    shape,
    side * deep4,
    (at) =>
      `left[(${at} / ${deep4}u) * ${stride}u + ${at} % ${deep4}u] = ${value(`(${at} / ${deep4}u)`, `(${at} % ${deep4}u)`)};`,
  );

/** Shares the same of a matrix whose rows run along the other axis: four rows at a time, turned. */
export const shareLeftTurned = (shape: TileShape, value: (inner: string, four: string) => string): string =>
  shares(
    shape,
    (side * deep4) / 4,
    (at) => `let inner = 4u * (${at} / ${side4}u);
let rows = ${at} % ${side4}u;
${lines(4, (j) => `let v${j} = ${value(`(inner + ${j}u)`, "rows")};`)}
${lines(4, (c) => `left[(4u * rows + ${c}u) * ${stride}u + inner / 4u] = vec4f(v0.${xyzw[c]}, v1.${xyzw[c]}, v2.${xyzw[c]}, v3.${xyzw[c]});`)}`,
  );

/** Shares four neighbouring columns: `value` of an inner place and a vector of columns. */
export const shareRight = (shape: TileShape, value: (inner: string, four: string) => string): string =>
  shares(shape, deep * side4, (at) => `right[${at}] = ${value(`(${at} / ${side4}u)`, `(${at} % ${side4}u)`)};`);

/** Shares the same of a matrix whose rows run along the inner axis. */
export const shareRightTurned = (shape: TileShape, value: (column: string, four: string) => string): string =>
  shares(
    shape,
    (deep * side4) / 4,
    (at) => `let columns = ${at} / ${deep4}u;
let inner = ${at} % ${deep4}u;
${lines(4, (j) => `let v${j} = ${value(`(4u * columns + ${j}u)`, "inner")};`)}
${lines(4, (c) => `right[(4u * inner + ${c}u) * ${side4}u + columns] = vec4f(v0.${xyzw[c]}, v1.${xyzw[c]}, v2.${xyzw[c]}, v3.${xyzw[c]});`)}`,
  );

/** Adds the product of the shared parts. */
export const tileMultiply = ({ tall }: TileShape): string => `for (var part = 0u; part < ${deep4}u; part++) {
${lines(tall, (i) => `let x${i} = left[(y * ${tall}u + ${i}u) * ${stride}u + part];`)}
${lines(
  4,
  (c) => `{
let w = right[(4u * part + ${c}u) * ${side4}u + x];
${lines(tall, (i) => `r${i} = fma(vec4f(x${i}.${xyzw[c]}), w, r${i});`)}
}`,
)}
}`;
