/** What a chunk writes to the state, and what its rows read: products of a matrix of the chunk with others. */
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";
import { type FadeSide, fade, fadeType, fadeVariable, type Gating, settleFades } from "./fades.ts";
import { fields, reader, type Seen, settle, typeOf, writer } from "./operands.ts";
import {
  chunkTokens,
  columnsOf,
  type Side,
  type TileShape,
  threadsOf,
  tileMemory,
  tilePlace,
  tileProduct,
} from "./tile.ts";

const common = { chunks: "u32", width4: "u32", fadeShare: "u32", rowTiles: "u32", scale: "f32" } as const;

/** Rows of `name`, faded. */
const faded = (name: string, gating: Gating, side: FadeSide | undefined): Side["read"] =>
  gating === "none" || !side
    ? (r, column4) => `${name}(${r}, ${column4})`
    : gating === "token"
      ? (r, column4) => `${name}(${r}, ${column4}) * ${fade(gating, side, r, column4)}`
      : (r, column4) => `${name}Faded(${r}, ${column4})`;
const fadedFunction = (name: string, gating: Gating, side: FadeSide | undefined): string =>
  gating === "channel" && side
    ? `fn ${name}Faded(r: u32, column4: u32) -> vec4f {
  return ${name}(r, column4) * ${fade(gating, side, "r", "min(column4, params.width4 - 1u)")};
}`
    : "";

export interface Writes {
  readonly k: Seen;
  readonly v: Seen;
  readonly out: Seen;
  readonly gating: Gating;
  /** Whether the keys are faded to the end of the chunk; or the values. */
  readonly fades: "k" | "v";
  /** Whether the result is taken from what the gates leave of the whole state: a matrix that the state is multiplied by. */
  readonly transition: boolean;
  readonly shape: TileShape;
}

export const writesParams = params({ ...common, ...fields("k"), ...fields("v"), ...fields("out") });

/** kᵀ v over the tokens of a chunk. */
export function writesProgram({ k, v, out, gating, fades, transition, shape }: Writes): string {
  const { tall, wide, across } = shape;
  const [kSide, vSide] = fades === "k" ? (["after", undefined] as const) : ([undefined, "after"] as const);
  const terms = [
    {
      depth: `${chunkTokens}u`,
      left: { read: faded("k", gating, kSide), inner: true },
      right: { read: faded("v", gating, vSide), inner: true },
    },
  ];
  const all = {
    none: "vec4f(1.0)",
    token: `vec4f(fades[fadeBase + ${2 * chunkTokens - 1}u])`,
    channel: "fades[fadeBase + 12u * params.width4 + min(column4, params.width4 - 1u)]",
  }[gating];
  return `${writesParams.wgsl}
${storage(1, "ks", typeOf(k))}
${storage(2, "vs", typeOf(v))}
${storage(3, "outs", typeOf(out), true)}
${gating === "none" ? "" : storage(4, "fades", fadeType(gating))}
${fadeVariable}
${reader("k", "ks", k)}
${reader("v", "vs", v)}
${writer("out", "outs", out)}
${fadedFunction("k", gating, kSide)}
${fadedFunction("v", gating, vSide)}
${tileMemory(shape)}
@compute @workgroup_size(${threadsOf(shape)})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let head = group.z;
  let chunk = group.y;
  ${settle("k")}
  ${settle("v")}
  ${settle("out")}
  ${settleFades(gating)}
  let row4 = (group.x % params.rowTiles) * ${chunkTokens / 4}u;
  let first4 = (group.x / params.rowTiles) * ${columnsOf(shape) / 4}u;
  ${tilePlace(shape)}
  ${tileProduct(shape, terms, "row4", "first4")}
${lines(
  wide,
  (j) => `{
let column4 = first4 + x + ${j * across}u;
${
  transition
    ? `let left = ${all};
let columns = vec4u(4u * column4) + vec4u(0u, 1u, 2u, 3u);`
    : ""
}
${lines(tall, (i) => {
  const row = `4u * row4 + firstRow + ${i}u`;
  return `out(${row}, column4, ${transition ? `select(vec4f(), left, columns == vec4u(${row})) - r${i}_${j}` : `r${i}_${j}`});`;
})}
}`,
)}
}
`;
}

export interface Reads {
  /** [64, 64] times the rows of the chunk, if it is not only the state that is read. */
  readonly own: { readonly v: Seen; readonly side: FadeSide | undefined } | undefined;
  readonly state: { readonly q: Seen; readonly s: Seen; readonly side: FadeSide | undefined } | undefined;
  /** What the result is taken from. */
  readonly from: { readonly q: Seen; readonly side: FadeSide | undefined } | undefined;
  readonly out: Seen;
  readonly gating: Gating;
  readonly shape: TileShape;
}

export const readsParams = params({
  ...common,
  ...{ depth: "u32" },
  ...fields("v"),
  ...fields("q"),
  ...fields("s"),
  ...fields("out"),
});

/** scores · v + scale · q · state; or scale · q less that. */
export function readsProgram({ own, state, from, out, gating, shape }: Reads): string {
  const { tall, wide, across } = shape;
  const sides = { v: own?.side, q: state?.side ?? from?.side };
  const q = state?.q ?? from?.q;
  const fades = gating !== "none" && (sides.v || sides.q);
  const askedFor = faded("q", gating, sides.q);
  const terms = [
    ...(own
      ? [
          {
            depth: `${chunkTokens}u`,
            left: { read: (r: string, four: string) => `score(${r}, ${four})`, inner: false },
            right: { read: faded("v", gating, sides.v), inner: true },
          },
        ]
      : []),
    ...(state
      ? [
          {
            depth: "params.depth",
            left: { read: (r: string, four: string) => `(params.scale * ${askedFor(r, four)})`, inner: false },
            right: { read: faded("s", "none", undefined), inner: true },
          },
        ]
      : []),
  ];
  return `${readsParams.wgsl}
${storage(1, "outs", typeOf(out), true)}
${own ? `${storage(2, "scores", "vec4f")}\n${storage(3, "vs", typeOf(own.v))}` : ""}
${q ? storage(4, "qs", typeOf(q)) : ""}
${state ? storage(5, "states", typeOf(state.s)) : ""}
${fades ? storage(6, "fades", fadeType(gating)) : ""}
${fadeVariable}
${writer("out", "outs", out)}
${
  own
    ? `var<private> scoresBase: u32;
fn score(r: u32, four: u32) -> vec4f {
  return select(scores[scoresBase + r * ${chunkTokens / 4}u + four], vec4f(), vec4u(4u * four) + vec4u(0u, 1u, 2u, 3u) > vec4u(r));
}
${reader("v", "vs", own.v)}
${fadedFunction("v", gating, sides.v)}`
    : ""
}
${q ? `${reader("q", "qs", q)}\n${fadedFunction("q", gating, sides.q)}` : ""}
${state ? reader("s", "states", state.s) : ""}
${tileMemory(shape)}
@compute @workgroup_size(${threadsOf(shape)})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let head = group.z;
  let chunk = group.y;
  ${settle("out")}
  ${own ? `${settle("v")}\nscoresBase = (head * params.chunks + chunk) * ${chunkTokens * (chunkTokens / 4)}u;` : ""}
  ${q ? settle("q") : ""}
  ${state ? settle("s") : ""}
  ${fades ? settleFades(gating) : ""}
  let first4 = group.x * ${columnsOf(shape) / 4}u;
  ${tilePlace(shape)}
  ${tileProduct(shape, terms, "0u", "first4")}
${lines(
  wide,
  (j) => `{
let column4 = first4 + x + ${j * across}u;
${lines(
  tall,
  (i) =>
    `out(firstRow + ${i}u, column4, ${from ? `params.scale * ${askedFor(`(firstRow + ${i}u)`, "column4")} - r${i}_${j}` : `r${i}_${j}`});`,
)}
}`,
)}
}
`;
}
