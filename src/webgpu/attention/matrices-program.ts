/** Fused softmax attention on a GPU's matrix units: scores and weights never leave a workgroup. */
import { hyperbolicTangent } from "../functions.ts";
import { type Parts, tileSize, upperPart } from "../halves/tiles.ts";
import { type MatrixSizes, matrixBuiltins, products } from "../matrices.ts";
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";
import {
  type AttentionFeatures,
  advance,
  attentionFields,
  leaveLse,
  opening,
  outside,
  plain,
  range,
  scored,
  sinkOf,
  skipping,
} from "./steps.ts";

/** How the work is divided among the subgroups of a workgroup. */
export interface MatricesShape {
  /** Subgroups that share keys, and values, and how many such rows there are. */
  readonly down: number;
  readonly across: number;
  /** Invocations that share a row of scores, a power of two. */
  readonly lanes: number;
  /** Tiles along the features, and along the keys, that are shared at a time. */
  readonly features: number;
  readonly keysAtOnce: number;
  /** Tiles of a subgroup's part of the scores, and columns of tiles of its part of the values. */
  readonly tall: number;
  readonly wide: number;
  readonly values: number;
}

export interface AttentionMatricesProgram extends MatricesShape, AttentionFeatures {
  readonly sizes: MatrixSizes;
  readonly parts: Parts;
}

export const attentionMatricesParams = params({
  ...attentionFields,
  ...{ heads: "u32", q: "u32", qHead: "u32", qAcross: "u32", k: "u32", kHead: "u32", v: "u32", vHead: "u32" },
  ...{ qScales: "u32", qScalesHead: "u32", kScales: "u32", kScalesHead: "u32", vScales: "u32", vScalesHead: "u32" },
});

export const matricesQueries = ({ down, tall }: MatricesShape, { M }: MatrixSizes): number => down * tall * M;
export const matricesKeys = ({ across, wide }: MatricesShape, { M }: MatrixSizes): number => across * wide * M;
export const matricesValues = ({ across, values }: MatricesShape, { M }: MatrixSizes): number => across * values * M;
export const matricesInvocations = ({ down, across }: MatricesShape, { subgroup }: MatrixSizes): number =>
  down * across * subgroup;

/** Rows that are shared stand a little apart, so that their parts lie in different banks. */
const [apartScores, apartWeights, apartTiles] = [4, 8, 8];

/**
 * Numbers of float16 that a workgroup shares: tiles of keys; later, in their place, weights, and tiles of values behind
 * them.
 */
function sharedHalves(shape: MatricesShape, sizes: MatrixSizes, parts: Parts) {
  const tile = parts * sizes.M * (sizes.M + apartTiles);
  const weights = parts * matricesQueries(shape, sizes) * (matricesKeys(shape, sizes) + apartWeights);
  const keys = shape.across * shape.wide * shape.features * tile;
  const values = shape.across * shape.values * shape.keysAtOnce * tile;
  return { weights, all: Math.max(keys, weights + values) };
}

/** Bytes that a workgroup shares. */
export function matricesShared(shape: MatricesShape, sizes: MatrixSizes, parts: Parts): number {
  const scores = matricesQueries(shape, sizes) * (matricesKeys(shape, sizes) + apartScores);
  return 4 * scores + 2 * sharedHalves(shape, sizes, parts).all;
}

/** What weights are multiplied by before they become float16. */
const weightScale = 16384;

/**
 * Subgroups multiply tiles of queries by tiles of keys, and leave the scores where all can read them; then each
 * invocation has some scores of some queries, from which weights come, in tiles again; these are multiplied by
 * tiles of values. What the keys at a time add to results is summed up outside the matrix units, which do not round
 * to nearest.
 */
export function attentionMatricesProgram(program: AttentionMatricesProgram): string {
  const { sizes, parts, across, lanes, tall, wide, values, capped, blocks, features, keysAtOnce } = program;
  const { M: edge, subgroup } = sizes;
  const size = tileSize({ edge, parts });
  const threads = matricesInvocations(program, sizes);
  const halves = sharedHalves(program, sizes, parts);
  const [queries, keys] = [matricesQueries(program, sizes), matricesKeys(program, sizes)];
  const [row, weightsRow] = [keys + apartScores, keys + apartWeights];
  const rowsAtOnce = threads / lanes;
  const rows = queries / rowsAtOnce;
  const scores = keys / lanes;
  // Results are handed over as many columns at a time as there is room for.
  const rounds = Array.from({ length: Math.ceil(values / wide) }, (_, r) => {
    const from = r * wide;
    const count = Math.min(wide, values - from);
    return { from, count, each: (across * count * edge) / lanes };
  });
  /** The column of values that stands n-th among those an invocation takes over in a round. */
  const columnOf = ({ from, count }: (typeof rounds)[number], n: number) => {
    const at = lanes * n;
    const tile = Math.floor(at / edge);
    return `${(Math.floor(tile / count) * values + from + (tile % count)) * edge + (at % edge)}u + lane`;
  };
  const { load, store, multiplied } = matrixBuiltins;
  const partOf = (p: number) => `${p * edge * edge}u`;
  // Eight numbers are moved at a time, all parts of a tile one after the other.
  const [inTile, inRow] = [size / 8, edge / 8];
  const tileRow = edge + apartTiles;
  const sharedTile = edge * tileRow;
  const [keyUnits, valueUnits] = [across * wide * features * inTile, across * values * keysAtOnce * inTile];
  const [keyEach, valueEach] = [Math.ceil(keyUnits / threads), Math.ceil(valueUnits / threads)];
  const moving = (units: number, one: (n: number, unit: string) => string) =>
    lines(Math.ceil(units / threads), (n) => {
      const unit = `(local + ${n * threads}u)`;
      return (n + 1) * threads > units ? `if (${unit} < ${units}u) { ${one(n, unit)} }` : `{ ${one(n, unit)} }`;
    });
  const fetchKeys = (start: string, d: string) =>
    moving(
      keyUnits,
      (n, unit) =>
        `fetched${n} = words[kWords + ((${start} / ${edge}u + ${unit} / ${features * inTile}u) * params.qAcross + ${d}) * ${inTile}u + ${unit} % ${features * inTile}u];`,
    );
  const fetchValues = (start: string, c: string) =>
    moving(
      valueUnits,
      (n, unit) =>
        `fetched${n} = words[vWords + (${start} / ${edge}u + ${c}) * ${across * values * inTile}u + ${unit}];`,
    );
  const put = (units: number, from: number) =>
    moving(
      units,
      (n, unit) => `let at = ${from}u + ${unit} / ${inRow}u * ${tileRow}u + ${unit} % ${inRow}u * 8u;
${lines(4, (c) => `{ let two = bitcast<vec2h>(fetched${n}[${c}]); held[at + ${2 * c}u] = two.x; held[at + ${2 * c + 1}u] = two.y; }`)}`,
    );
  const eachPart = (f: (p: number) => string) => lines(parts, f);
  const multiply = (sum: string, left: string, right: string, columns: number) =>
    lines(tall, (i) =>
      lines(columns, (j) =>
        products[parts]
          .map(
            ([x, y]) => `${sum}${i}_${j} = ${multiplied(`${left}${i}_${x}`, `${right}${j}_${y}`, `${sum}${i}_${j}`)};`,
          )
          .join("\n"),
      ),
    );
  const eachRow = (f: (i: number) => string) => lines(rows, f);
  return `${matrixBuiltins.head(sizes)}
${attentionMatricesParams.wgsl}
${storage(1, "tiles", "f16")}
${storage(2, "scales", "f32")}
${storage(3, "out", "f32", true)}
${storage(4, "lse", "f32", true)}
${storage(5, "extras", "u32")}
${storage(6, "bias", "u32")}
${storage(7, "mask", "u32")}
${storage(8, "words", "vec4u")}
var<workgroup> held: array<f16, ${halves.all}>;
var<workgroup> stage: array<f32, ${queries * row}>;
${outside}
${upperPart(false)}
${capped ? hyperbolicTangent : ""}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let mine = local / ${subgroup}u;
  let up = mine / ${across}u;
  let along = mine % ${across}u;
  let lane = local % ${lanes}u;
${opening(program, queries)}
  let keyMatrix = entry * (params.heads / params.group) + keyHead;
  let queryMatrix = entry * params.heads + group.x;
  let qBase = params.q + queryMatrix * params.qHead + (first / ${edge}u + up * ${tall}u) * params.qAcross * ${size}u;
  let kWords = (params.k + keyMatrix * params.kHead) / 8u;
  let vWords = (params.v + keyMatrix * params.vHead) / 8u;
  let keyScales = params.kScales + keyMatrix * params.kScalesHead + lane;
${range(program, queries, keys)}
${eachRow(
  (i) => `let row${i} = first + local / ${lanes}u + ${i * rowsAtOnce}u;
let place${i} = i32(row${i}) + offset;
let scale${i} = scales[params.qScales + queryMatrix * params.qScalesHead + row${i}] * params.scale;
var most${i} = hidden;
var sum${i} = 0.0;
${rounds.map(({ each }, r) => lines(each, (n) => `var o${i}_${r}_${n} = 0.0;`)).join("\n")}`,
)}
${lines(Math.max(keyEach, valueEach), (n) => `var fetched${n}: vec4u;`)}
  {
${fetchKeys("keyBegin", "0u")}
  }
  for (var start = keyBegin; start < keyEnd; start += ${keys}u) {
${skipping(program, queries, keys)}
${blocks ? fetchKeys("start", "0u") : ""}
${lines(tall, (i) => lines(wide, (j) => `var p${i}_${j} = Result();`))}
    for (var base = 0u; base < params.qAcross; base += ${features}u) {
      workgroupBarrier();
${put(keyUnits, 0)}
      workgroupBarrier();
      if (base + ${features}u < params.qAcross) {
${fetchKeys("start", `(base + ${features}u)`)}
      } else {
${fetchValues("start", "0u")}
      }
${lines(
  features,
  (d) => `{
${lines(tall, (i) => eachPart((p) => `let q${i}_${p} = ${load("Left", "tiles", `qBase + (${i}u * params.qAcross + base + ${d}u) * ${size}u + ${partOf(p)}`, false, edge)};`))}
${lines(wide, (j) => eachPart((p) => `let k${j}_${p} = ${load("Right", "held", `((along * ${wide}u + ${j}u) * ${features * parts}u + ${d * parts + p}u) * ${sharedTile}u`, true, tileRow)};`))}
${multiply("p", "q", "k", wide)}
}`,
)}
    }
${lines(tall, (i) => lines(wide, (j) => store("stage", `((up * ${tall}u + ${i}u) * ${row}u + along * ${wide}u + ${j}u) * ${edge}u`, `p${i}_${j}`, row)))}
    workgroupBarrier();
${lines(scores, (n) => `let k${n} = scales[keyScales + start + ${lanes * n}u];`)}
${eachRow((i) => lines(scores, (n) => `var s${i}_${n} = stage[(local / ${lanes}u + ${i * rowsAtOnce}u) * ${row}u + lane + ${lanes * n}u] * k${n} * scale${i};`))}
    if (!(${plain(program, queries, keys)})) {
${eachRow(
  (i) => `{
let place = place${i};
${lines(scores, (n) => scored(program, i, `s${i}_${n}`, `i32(start + lane + ${lanes * n}u)`, ""))}
}`,
)}
    }
${eachRow((i) => {
  const top = Array.from({ length: scores }, (_, n) => `s${i}_${n}`).reduce((sofar, next) => `max(${sofar}, ${next})`);
  return `var top${i} = ${top};
${lines(Math.log2(lanes), (n) => `top${i} = max(top${i}, subgroupShuffleXor(top${i}, ${2 ** n}u));`)}
var fade_${i}: f32;
{
${advance(i, `fade_${i} = fade;`)}
${lines(
  scores,
  (n) => `{
let weight = exp2(s${i}_${n} - base);
sum${i} += weight;
let scaled = weight * ${weightScale}.0;
let upper = upperPart(scaled);
let at = (local / ${lanes}u + ${i * rowsAtOnce}u) * ${weightsRow}u + lane + ${lanes * n}u;
held[at] = f16(upper);
${parts === 2 ? `held[at + ${queries * weightsRow}u] = f16(scaled - upper);` : ""}
}`,
)}
}`;
})}
${lines(tall, (i) => lines(values, (j) => `var r${i}_${j} = Result();`))}
    for (var base = 0u; base < ${keys / edge}u; base += ${keysAtOnce}u) {
      workgroupBarrier();
${put(valueUnits, halves.weights)}
      workgroupBarrier();
      if (base + ${keysAtOnce}u < ${keys / edge}u) {
${fetchValues("start", `(base + ${keysAtOnce}u)`)}
      } else {
        // Beyond the last key stands the first again, and is not used.
        let next = select(keyBegin, start + ${keys}u, start + ${keys}u < keyEnd);
${fetchKeys("next", "0u")}
      }
${lines(
  keysAtOnce,
  (c) => `{
${lines(tall, (i) => eachPart((p) => `let w${i}_${p} = ${load("Left", "held", `(up * ${tall * edge}u + ${i * edge + p * queries}u) * ${weightsRow}u + (base + ${c}u) * ${edge}u`, false, weightsRow)};`))}
${lines(values, (j) => eachPart((p) => `let v${j}_${p} = ${load("Right", "held", `${halves.weights}u + ((along * ${values}u + ${j}u + ${c * across * values}u) * ${parts}u + ${p}u) * ${sharedTile}u`, false, tileRow)};`))}
${multiply("r", "w", "v", values)}
}`,
)}
    }
${rounds
  .map(
    ({ from, count, each }, r) => `${r ? "workgroupBarrier();" : ""}
${lines(tall, (i) => lines(count, (j) => store("stage", `((up * ${tall}u + ${i}u) * ${row}u + along * ${count}u + ${j}u) * ${edge}u`, `r${i}_${from + j}`, row)))}
    workgroupBarrier();
${eachRow((i) => lines(each, (n) => `o${i}_${r}_${n} = fma(o${i}_${r}_${n}, fade_${i}, stage[(local / ${lanes}u + ${i * rowsAtOnce}u) * ${row}u + lane + ${lanes * n}u]);`))}`,
  )
  .join("\n")}
  }
${eachRow(
  (i) => `${lines(Math.log2(lanes), (n) => `sum${i} += subgroupShuffleXor(sum${i}, ${2 ** n}u);`)}
if (row${i} < count) {
${sinkOf(program, i, rounds.map(({ each }, r) => lines(each, (n) => `o${i}_${r}_${n} *= fade;`)).join("\n"))}
let over = select(0.0, ${1 / weightScale} / sum${i}, sum${i} > 0.0);
${rounds
  .map((round, r) =>
    lines(
      round.each,
      (n) => `{
let column = ${columnOf(round, n)};
if (column < params.valueWidth) {
  out[outBase + row${i} * params.outRow + column] = o${i}_${r}_${n} * over * scales[params.vScales + keyMatrix * params.vScalesHead + column];
}
}`,
    ),
  )
  .join("\n")}
if (lane == 0u) { ${leaveLse(i)} }
}`,
)}
}
`;
}
