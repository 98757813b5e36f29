/** Products of the matrices of a chunk: each workgroup makes 64 rows of the result, a tile of which each invocation. */
import { lines, xyzw } from "../wgsl.ts";

/** How a workgroup divides its tile of 64 rows: 64 / tall rows of `across` invocations each. */
export interface TileShape {
  /** Rows that an invocation keeps, a multiple of four, and vectors of four columns. */
  readonly tall: number;
  readonly wide: number;
  /** Invocations side by side. */
  readonly across: number;
  /** How much of the inner axis is shared at a time, a multiple of four. */
  readonly deep: number;
}

/** Tokens of a chunk. */
export const chunkTokens = 64;

export const tileShape: TileShape = { tall: 8, wide: 2, across: 8, deep: 16 };
/** For a few columns only. */
export const narrowShape: TileShape = { tall: 4, wide: 1, across: 4, deep: 16 };

export const columnsOf = ({ wide, across }: TileShape): number => 4 * wide * across;
export const threadsOf = ({ tall, across }: TileShape): number => (across * chunkTokens) / tall;

export interface Side {
  /** Four neighbours as code: of a row along the inner axis, or if `inner` of rows (columns) at a place of that. */
  readonly read: (first: string, four: string) => string;
  readonly inner: boolean;
}

export interface Term {
  /** How long the inner axis is, as code. */
  readonly depth: string;
  readonly left: Side;
  readonly right: Side;
}

const leftStride = chunkTokens / 4 + 1;

/** What workgroups share. */
export const tileMemory = (shape: TileShape): string =>
  `var<workgroup> leftShared: array<vec4f, ${shape.deep * leftStride}>;
var<workgroup> rightShared: array<vec4f, ${shape.deep * (columnsOf(shape) / 4 + 1)}>;`;

/** `x` and `y`: the place of an invocation among the others. Its rows are `tall` from there on. */
export const tilePlace = ({ across, tall }: TileShape): string => `let x = local % ${across}u;
let y = local / ${across}u;
let firstRow = y * ${tall}u;`;

/**
 * The sum of the products: r{i}_{j} are rows firstRow + i, columns 4 (x + j across). `row4` and `column4` are where the
 * tile begins.
 */
export function tileProduct(shape: TileShape, terms: readonly Term[], row4: string, column4: string): string {
  const { tall, wide, across, deep } = shape;
  const threads = threadsOf(shape);
  const width4 = columnsOf(shape) / 4;
  const rightStride = width4 + 1;
  const moves = (name: string, { read, inner }: Side, count4: number, stride: number, base4: string) => {
    const items = inner ? deep * count4 : (deep / 4) * count4;
    const share = (one: (n: number, at: string) => string) =>
      lines(Math.ceil(items / threads), (n) => {
        const at = `(local + ${n * threads}u)`;
        return (n + 1) * threads > items ? `if (${at} < ${items}u) {\n${one(n, at)}\n}` : one(n, at);
      });
    if (inner)
      return {
        count: Math.ceil(items / threads),
        fetch: share(
          (n, at) => `${name}${n} = ${read(`(part + ${at} / ${count4}u)`, `(${base4} + ${at} % ${count4}u)`)};`,
        ),
        store: share((n, at) => `${name}Shared[(${at} / ${count4}u) * ${stride}u + ${at} % ${count4}u] = ${name}${n};`),
      };
    const [line, place] = [(at: string) => `(${at} / ${deep / 4}u)`, (at: string) => `(${at} % ${deep / 4}u)`];
    return {
      count: 4 * Math.ceil(items / threads),
      fetch: share((n, at) =>
        lines(
          4,
          (i) =>
            `${name}${4 * n + i} = ${read(`(4u * (${base4} + ${line(at)}) + ${i}u)`, `(part / 4u + ${place(at)})`)};`,
        ),
      ),
      store: share((n, at) =>
        lines(4, (c) => {
          const turned = [0, 1, 2, 3].map((i) => `${name}${4 * n + i}.${xyzw[c]}`).join(", ");
          return `${name}Shared[(4u * ${place(at)} + ${c}u) * ${stride}u + ${line(at)}] = vec4f(${turned});`;
        }),
      ),
    };
  };
  const term = ({ depth, left, right }: Term) => {
    const [l, r] = [
      moves("left", left, chunkTokens / 4, leftStride, row4),
      moves("right", right, width4, rightStride, column4),
    ];
    return `for (var part = 0u; part < ${depth}; part += ${deep}u) {
${lines(l.count, (n) => `var left${n}: vec4f;`)}
${lines(r.count, (n) => `var right${n}: vec4f;`)}
${l.fetch}
${r.fetch}
workgroupBarrier();
${l.store}
${r.store}
workgroupBarrier();
for (var inner = 0u; inner < ${deep}u; inner++) {
${lines(tall / 4, (i) => `let a${i} = leftShared[inner * ${leftStride}u + y * ${tall / 4}u + ${i}u];`)}
${lines(wide, (j) => `let b${j} = rightShared[inner * ${rightStride}u + x + ${j * across}u];`)}
${lines(tall, (i) => lines(wide, (j) => `r${i}_${j} = fma(vec4f(a${Math.floor(i / 4)}.${xyzw[i % 4]}), b${j}, r${i}_${j});`))}
}
}`;
  };
  return `${lines(tall, (i) => lines(wide, (j) => `var r${i}_${j} = vec4f();`))}
${terms.map(term).join("\n")}`;
}
