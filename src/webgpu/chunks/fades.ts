/** What gates leave of the past within each chunk, as products of them: nothing is divided. */
import { opened } from "../gates.ts";
import { params } from "../params.ts";
import { storage } from "../wgsl.ts";
import { fields, type Operand, reader, type Seen, settle, typeOf, writer } from "./operands.ts";
import { chunkTokens } from "./tile.ts";

/** What fades: nothing, the whole state, or its rows. */
export type Gating = "none" | "token" | "channel";

/** Tokens of a block: fades of channels are within blocks, and of blocks within chunks. */
export const blockTokens = 16;
const blocks = chunkTokens / blockTokens;

/** Which fade of a row: since the chunk's beginning, with its own gate or without, or to the chunk's end. */
export type FadeSide = "before" | "early" | "after";

/** Numbers of a chunk where a token has one gate: the gates, then for each side what is left. */
export const tokenFades = 4 * chunkTokens;
/** Rows of a chunk where channels have gates: what blocks leave; what those before, those after and all of them do. */
export const channelFades = 3 * blocks + 1;

/** What is left of a row of the chunk since its beginning, or of it at its end, as code. */
export const fade = (gating: Gating, side: FadeSide, r: string, column4: string): string =>
  gating === "token"
    ? `fades[fadeBase + ${chunkTokens * { before: 1, after: 2, early: 3 }[side]}u + ${r}]`
    : `fades[fadeBase + (${side === "after" ? 2 * blocks : blocks}u + ${r} / ${blockTokens}u) * params.width4 + ${column4}]`;

/** What is left over the whole chunk, of channel `d`, where `fades` holds single numbers. */
export const total = (gating: Gating, chunk: string, d: string): string =>
  ({
    none: "1.0",
    token: `fades[${chunk} * ${tokenFades}u + ${2 * chunkTokens - 1}u]`,
    channel: `fades[(${chunk} * ${channelFades}u + ${3 * blocks}u) * 4u * params.width4 + ${d}]`,
  })[gating];

export const fadeType = (gating: Gating): string => (gating === "channel" ? "vec4f" : "f32");

/** How many numbers there are for a chunk. */
export const fadesSize = (gating: Gating, width4: number): number =>
  ({ none: 0, token: tokenFades, channel: channelFades * 4 * width4 })[gating];

/** `fadeBase`, where those of a head and chunk begin. */
export const settleFades = (gating: Gating): string =>
  gating === "none"
    ? ""
    : `fadeBase = ((head / params.fadeShare) * params.chunks + chunk) * ${
        gating === "token" ? `${tokenFades}u` : `${channelFades}u * params.width4`
      };`;
export const fadeVariable = "var<private> fadeBase: u32;";

/** Gates as the programs here read them. */
export interface GateRows {
  readonly operand: Operand;
  readonly logs: boolean;
}

export const gateFields = {
  gShare: "u32",
  gHead: "u32",
  gRow: "u32",
  gRows: "u32",
  gFirst: "u32",
  gEvery: "u32",
} as const;
export const gateValues = ({ share, head, row, rows, first, every = 1 }: Operand) => ({
  ...{ gShare: share, gHead: head, gRow: row, gRows: rows, gFirst: first, gEvery: every },
});

/** `gate(place, d)`: 1 where no token is, or a later write of one. */
export const gateReader = (logs: boolean): string => `${opened(logs)}
fn gate(base: u32, place: u32, d: u32) -> f32 {
  let row = place / params.gEvery;
  if (place % params.gEvery != 0u || row >= params.gRows) { return 1.0; }
  return opened(gates[base + row * params.gRow + d]);
}`;

export const tokenFadesParams = params({ ...gateFields, chunks: "u32" });

/** For each head and chunk. */
export const tokenFadesProgram = (logs: boolean): string => `${tokenFadesParams.wgsl}
${storage(1, "gates", "u32")}
${storage(2, "fades", "f32", true)}
${gateReader(logs)}
var<workgroup> all: array<f32, ${chunkTokens}>;
@compute @workgroup_size(${chunkTokens})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let base = (group.y / params.gShare) * params.gHead;
  let own = gate(base, params.gFirst + group.x * ${chunkTokens}u + t, 0u);
  all[t] = own;
  workgroupBarrier();
  var before = 1.0;
  for (var s = 0u; s < t; s++) { before *= all[s]; }
  var after = 1.0;
  for (var s = ${chunkTokens - 1}u; s > t; s--) { after *= all[s]; }
  let at = (group.y * params.chunks + group.x) * ${tokenFades}u;
  fades[at + t] = own;
  fades[at + ${chunkTokens}u + t] = before * own;
  fades[at + ${2 * chunkTokens}u + t] = after;
  fades[at + ${3 * chunkTokens}u + t] = before;
}
`;

export const channelRowsParams = params({
  ...gateFields,
  ...fields("x"),
  ...fields("y"),
  ...{ chunks: "u32", width: "u32", width4: "u32", exclusive: "u32" },
});

/**
 * Rows faded within blocks, channel by channel: since the block's beginning, or `backward` to its end. Backward also
 * writes what blocks leave.
 */
export const channelRowsProgram = (x: Seen, logs: boolean, backward: boolean): string => `${channelRowsParams.wgsl}
${storage(1, "gates", "u32")}
${storage(2, "xs", typeOf(x))}
${storage(3, "ys", "vec4f", true)}
${backward ? storage(4, "fades", "vec4f", true) : ""}
${gateReader(logs)}
${reader("x", "xs", x)}
${writer("y", "ys", { vector: true, spaced: false })}
fn gate4(base: u32, place: u32, d: u32) -> vec4f {
  let most = params.width - 1u;
  return vec4f(gate(base, place, d), gate(base, place, min(d + 1u, most)), gate(base, place, min(d + 2u, most)), gate(base, place, min(d + 3u, most)));
}
@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let head = group.z;
  let chunk = group.y;
  let column4 = id.x;
  let block = local.y;
  ${settle("x")}
  ${settle("y")}
  let base = (head / params.gShare) * params.gHead;
  let place = params.gFirst + chunk * ${chunkTokens}u;
  var product = vec4f(1.0);
  if (column4 < params.width4) {
    ${
      backward
        ? `for (var i = 0u; i < ${blockTokens}u; i++) {
      let r = block * ${blockTokens}u + ${blockTokens - 1}u - i;
      y(r, column4, product * x(r, column4));
      product *= gate4(base, place + r, 4u * column4);
    }`
        : `for (var i = 0u; i < ${blockTokens}u; i++) {
      let r = block * ${blockTokens}u + i;
      let own = product * gate4(base, place + r, 4u * column4);
      y(r, column4, select(own, product, params.exclusive != 0u) * x(r, column4));
      product = own;
    }`
    }
  }
  ${
    backward
      ? `totals[local.y * 16u + local.x] = product;
  workgroupBarrier();
  if (column4 < params.width4) {
    let at = (head * params.chunks + chunk) * ${channelFades}u * params.width4 + column4;
    var before = vec4f(1.0);
    for (var b = 0u; b < block; b++) { before *= totals[b * 16u + local.x]; }
    var after = vec4f(1.0);
    for (var b = block + 1u; b < ${blocks}u; b++) { after *= totals[b * 16u + local.x]; }
    fades[at + block * params.width4] = product;
    fades[at + (${blocks}u + block) * params.width4] = before;
    fades[at + (${2 * blocks}u + block) * params.width4] = after;
    if (block == 0u) { fades[at + ${3 * blocks}u * params.width4] = product * after; }
  }`
      : ""
  }
}
${backward ? "var<workgroup> totals: array<vec4f, 64>;" : ""}
`;
