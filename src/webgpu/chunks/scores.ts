/** What rows of a chunk find of each other: the products of queries and keys, faded by the gates between them. */
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";
import { blockTokens, fadeType, fadeVariable, type Gating, gateFields, gateReader, settleFades } from "./fades.ts";
import { fields, reader, type Seen, settle, typeOf } from "./operands.ts";
import { chunkTokens, type TileShape, threadsOf, tileMemory, tilePlace, tileProduct } from "./tile.ts";

/** Whether a row finds its own key; and if not, whether its own gate fades what it finds. */
export type Sight = "own" | "earlier" | "before";

export interface Scores {
  readonly q: Seen;
  readonly k: Seen;
  readonly gating: Gating;
  readonly sight: Sight;
  readonly shape: TileShape;
}

const common = { chunks: "u32", width: "u32", width4: "u32", fadeShare: "u32", scale: "f32" } as const;

export const scoresParams = params({ ...common, ...fields("q"), ...fields("k") });

/**
 * [heads, chunks, 64, 64], of which only what is not after a row counts. Where channels have gates, the queries are faded
 * since their block's beginning and the keys to the end of theirs, and blocks on the diagonal are left to others.
 */
export function scoresProgram({ q, k, gating, sight, shape }: Scores): string {
  const { tall, wide, across } = shape;
  const channels = gating === "channel";
  // Blocks side by side whose products have a factor for each side: that of block 1 with 0, of 2 and 3 with 0 and 1 as of
  // the beginning of 2, of 3 with 2.
  const left = (r: string, column4: string) => (channels ? `early(${r}, ${column4})` : `q(${r}, ${column4})`);
  const right = (r: string, column4: string) => (channels ? `late(${r}, ${column4})` : `k(${r}, ${column4})`);
  const terms = [
    {
      depth: "params.width",
      left: { read: left, inner: false },
      right: { read: right, inner: false },
    },
  ];
  const store = (i: number, column4: string, four: string) =>
    `scores[base + (firstRow + ${i}u) * ${chunkTokens / 4}u + ${column4}] = ${four};`;
  const plain = lines(
    wide,
    (j) => `{
let column4 = x + ${j * across}u;
let s = vec4u(4u * column4) + vec4u(0u, 1u, 2u, 3u);
var f = vec4f(params.scale);
${gating === "token" ? `for (var r = 4u * column4 + 1u; r < firstRow; r++) { f *= select(vec4f(1.0), vec4f(gates[r]), s < vec4u(r)); }` : ""}
${lines(tall, (i) => {
  const row = `vec4u(firstRow + ${i}u)`;
  const fade = gating === "token" ? `f *= select(vec4f(1.0), vec4f(gates[firstRow + ${i}u]), s < ${row});` : "";
  const found = `r${i}_${j} = select(vec4f(), f * r${i}_${j}, s ${sight === "own" ? "<=" : "<"} ${row});`;
  return `${sight === "before" ? `${found}\n${fade}` : `${fade}\n${found}`}
${store(i, "column4", `r${i}_${j}`)}`;
})}
}`,
  );
  const perBlock = blockTokens / 4;
  const scattered = lines(
    wide,
    (j) => `{
let column4 = x + ${j * across}u;
let at = column4 / ${perBlock}u;
let block = firstRow / ${blockTokens}u;
let one = (block == 0u) & (at == 3u);
let half = ((block == 1u) | (block == 2u)) & (at < 2u);
let last = (block == 3u) & (at == 2u);
if (one | half | last) {
  let to4 = select(at, 0u, at == 3u) * ${perBlock}u + column4 % ${perBlock}u;
  let row = min(block + 1u, 3u) * ${blockTokens}u + firstRow % ${blockTokens}u;
${lines(tall, (i) => `scores[base + (row + ${i}u) * ${chunkTokens / 4}u + to4] = params.scale * r${i}_${j};`)}
}
}`,
  );
  return `${scoresParams.wgsl}
${storage(1, "qs", typeOf(q))}
${storage(2, "ks", typeOf(k))}
${storage(3, "scores", "vec4f", true)}
${gating === "none" ? "" : storage(4, "fades", fadeType(gating))}
${fadeVariable}
${reader("q", "qs", q)}
${reader("k", "ks", k)}
${
  channels
    ? `fn early(r: u32, column4: u32) -> vec4f {
  let block = r / ${blockTokens}u;
  let four = q(min(block + 1u, 3u) * ${blockTokens}u + r % ${blockTokens}u, column4);
  return four * select(vec4f(1.0), fades[fadeBase + 2u * params.width4 + min(column4, params.width4 - 1u)], block == 2u);
}
fn late(r: u32, column4: u32) -> vec4f {
  let block = r / ${blockTokens}u;
  let four = k(select(block, 0u, block == 3u) * ${blockTokens}u + r % ${blockTokens}u, column4);
  return four * select(vec4f(1.0), fades[fadeBase + params.width4 + min(column4, params.width4 - 1u)], block == 0u);
}`
    : ""
}
${tileMemory(shape)}
${gating === "token" ? `var<workgroup> gates: array<f32, ${chunkTokens}>;` : ""}
@compute @workgroup_size(${threadsOf(shape)})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let head = group.z;
  let chunk = group.y;
  ${settle("q")}
  ${settle("k")}
  ${settleFades(gating)}
  ${tilePlace(shape)}
  ${
    gating === "token"
      ? `for (var i = local; i < ${chunkTokens}u; i += ${threadsOf(shape)}u) { gates[i] = fades[fadeBase + i]; }
  workgroupBarrier();`
      : ""
  }
  ${tileProduct(shape, terms, "0u", "0u")}
  let base = (head * params.chunks + chunk) * ${chunkTokens * (chunkTokens / 4)}u;
  ${channels ? scattered : plain}
}
`;
}

export interface BlockScores {
  readonly q: Seen;
  readonly k: Seen;
  readonly logs: boolean;
  readonly sight: Sight;
}

export const blockScoresParams = params({ ...common, ...gateFields, ...fields("q"), ...fields("k") });

const slice4 = 8;

/** Blocks on the diagonal where channels have gates: a workgroup each, which carries every key past the queries. */
export function blockScoresProgram({ q, k, logs, sight }: BlockScores): string {
  const [threads, held] = [4 * blockTokens, blockTokens * slice4];
  const move = lines(
    held / threads,
    (n) => `{
let at = local + ${n * threads}u;
let t = at / ${slice4}u;
let column4 = part + at % ${slice4}u;
let r = block * ${blockTokens}u + t;
qHere[at] = q(r, column4);
kHere[at] = k(r, column4);
let d = min(vec4u(4u * column4) + vec4u(0u, 1u, 2u, 3u), vec4u(params.width - 1u));
let place = params.gFirst + chunk * ${chunkTokens}u + r;
gHere[at] = vec4f(gate(gBase, place, d.x), gate(gBase, place, d.y), gate(gBase, place, d.z), gate(gBase, place, d.w));
}`,
  );
  // Two vectors of channels at a time, of which the key has what is left of it when the query at t reads.
  const both = (f: (i: number) => string) => lines(slice4 / 4, f);
  const at = (i: number) => `[t * ${slice4}u + share + ${4 * i}u]`;
  const fade = both((i) => `let g${i} = f${i} * gHere${at(i)};`);
  const next = both((i) => `f${i} = g${i} + select(vec4f(), key${i}, s == t);`);
  const read = (name: string) => both((i) => `sum += dot(qHere${at(i)}, ${name}${i});`);
  const order = { own: [fade, next, read("f")], earlier: [fade, read("g"), next], before: [read("f"), fade, next] };
  return `${blockScoresParams.wgsl}
${storage(1, "qs", typeOf(q))}
${storage(2, "ks", typeOf(k))}
${storage(3, "scores", "f32", true)}
${storage(4, "gates", "u32")}
${gateReader(logs)}
${reader("q", "qs", q)}
${reader("k", "ks", k)}
var<workgroup> qHere: array<vec4f, ${held}>;
var<workgroup> kHere: array<vec4f, ${held}>;
var<workgroup> gHere: array<vec4f, ${held}>;
var<workgroup> found: array<f32, ${4 * blockTokens * blockTokens}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let head = group.z;
  let chunk = group.y;
  let block = group.x;
  ${settle("q")}
  ${settle("k")}
  let gBase = (head / params.gShare) * params.gHead;
  let s = local % ${blockTokens}u;
  let share = local / ${blockTokens}u;
  for (var t = 0u; t < ${blockTokens}u; t++) { found[(share * ${blockTokens}u + t) * ${blockTokens}u + s] = 0.0; }
  for (var part = 0u; part < params.width4; part += ${slice4}u) {
    workgroupBarrier();
    ${move}
    workgroupBarrier();
    ${both((i) => `let key${i} = kHere[s * ${slice4}u + share + ${4 * i}u];\nvar f${i} = vec4f();`)}
    for (var t = 0u; t < ${blockTokens}u; t++) {
      var sum = 0.0;
      ${order[sight].join("\n")}
      found[(share * ${blockTokens}u + t) * ${blockTokens}u + s] += sum;
    }
  }
  workgroupBarrier();
  let base = (head * params.chunks + chunk) * ${chunkTokens * chunkTokens}u + block * ${blockTokens * (chunkTokens + 1)}u;
  for (var t = share; t < ${blockTokens}u; t += 4u) {
    let at = t * ${blockTokens}u + s;
    let all = (found[at] + found[at + ${blockTokens ** 2}u]) + (found[at + ${2 * blockTokens ** 2}u] + found[at + ${3 * blockTokens ** 2}u]);
    scores[base + t * ${chunkTokens}u + s] = params.scale * all;
  }
}
`;
}

export const bonusParams = params({
  ...{ chunks: "u32", width: "u32", bonusShare: "u32", scale: "f32" },
  ...fields("q"),
  ...fields("k"),
});

/** What each token finds of its own key, channel by channel: the diagonal. */
export const bonusProgram = (q: Seen, k: Seen): string => `${bonusParams.wgsl}
${storage(1, "qs", typeOf(q))}
${storage(2, "ks", typeOf(k))}
${storage(3, "scores", "f32", true)}
${storage(4, "bonus", "f32")}
${reader("q", "qs", q)}
${reader("k", "ks", k)}
@compute @workgroup_size(${chunkTokens})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let head = group.z;
  let chunk = group.y;
  ${settle("q")}
  ${settle("k")}
  let at = (head / params.bonusShare) * params.width;
  var sum = 0.0;
  for (var column4 = 0u; 4u * column4 < params.width; column4++) {
    let d = min(vec4u(4u * column4) + vec4u(0u, 1u, 2u, 3u), vec4u(params.width - 1u)) + at;
    sum += dot(q(t, column4) * k(t, column4), vec4f(bonus[d.x], bonus[d.y], bonus[d.z], bonus[d.w]));
  }
  scores[(head * params.chunks + chunk) * ${chunkTokens ** 2}u + t * ${chunkTokens + 1}u] = params.scale * sum;
}
`;
