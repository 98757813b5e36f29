/** One range of the keys against all the queries that share them: what is left of it is merged afterwards. */
import type { RowType } from "../../wasm/decode/rows.ts";
import { hyperbolicTangent } from "../functions.ts";
import { params } from "../params.ts";
import { lines, storage, xyzw } from "../wgsl.ts";
import { type DecodeShape, keysOfRound, perWord } from "./shapes.ts";

export interface DecodeProgram extends DecodeShape {
  readonly type: RowType;
  /** Whether rows of keys are whole words of 16 bytes, and rows of values whole vectors of four numbers. */
  readonly vectors: readonly [boolean, boolean];
  readonly subgroups: boolean;
  readonly capped: boolean;
  readonly slopes: boolean;
  readonly bias: boolean;
  readonly mask: boolean;
  readonly lengths: boolean;
  readonly paged: boolean;
}

/**
 * Keys are counted in words where rows are whole ones, else in numbers; values in vectors of four or numbers. Scores are in
 * powers of two; with a cap, `scale` is before it and `cap` after.
 */
export const decodeParams = params({
  ...{ queries: "u32", rows: "u32", keyHeads: "u32", keys: "u32", keyFrom: "u32", keyTo: "u32" },
  ...{ width: "u32", words: "u32", valueWidth: "u32" },
  ...{ q: "u32", qEntry: "u32", qHead: "u32", qRow: "u32" },
  ...{ k: "u32", kEntry: "u32", kHead: "u32", kRow: "u32", v: "u32", vEntry: "u32", vHead: "u32", vRow: "u32" },
  ...{ kScales: "u32", vScales: "u32", scaleEntry: "u32", scaleHead: "u32", scaleRow: "u32" },
  ...{ bias: "u32", biasEntry: "u32", biasHead: "u32", biasRow: "u32" },
  ...{ mask: "u32", maskEntry: "u32", maskHead: "u32", maskRow: "u32" },
  ...{ lengthsAt: "u32", slopesAt: "u32", pagesAt: "u32", pages: "u32", pageKeys: "u32" },
  ...{ scale: "f32", cap: "f32", left: "i32", right: "i32" },
  ...{ splits: "u32", splitAt: "u32", allSplits: "u32", statsAt: "u32" },
  ...{ column4: "u32", columns4: "u32", columnsAll4: "u32" },
});

const numbers = {
  float32: (array: string, at: string) => `${array}[${at}]`,
  float16: (array: string, at: string) =>
    `unpack2x16float((${array}[(${at}) / 2u] >> (16u * ((${at}) & 1u))) & 0xffffu).x`,
  int8: (array: string, at: string) =>
    `f32(extractBits(bitcast<i32>(${array}[(${at}) / 4u]), 8u * ((${at}) & 3u), 8u))`,
} as const;

/** Four numbers of a row that may begin and end anywhere, 0 beyond its end. */
const careful = (
  name: string,
  array: string,
  type: RowType,
  columns: string,
) => `fn ${name}(row: u32, column4: u32) -> vec4f {
  let column = 4u * column4;
  var four = vec4f();
${lines(4, (i) => `  if (column + ${i}u < ${columns}) { four.${xyzw[i]} = ${numbers[type](array, `row + column + ${i}u`)}; }`)}
  return four;
}`;

/** Four whole numbers of a word. */
const integers = (word: string) =>
  `vec4f(${[24, 16, 8, 0].map((by) => `f32(bitcast<i32>(${word} << ${by}u) >> 24u)`).join(", ")})`;

/** The types that the bindings of keys and of values have. */
export const arrayTypes = (type: RowType, [keys, values]: readonly [boolean, boolean]) => {
  const single = type === "float32" ? "f32" : "u32";
  return {
    keys: keys ? (type === "float32" ? "vec4f" : "vec4u") : single,
    values: values ? { float32: "vec4f", float16: "vec2u", int8: "u32" }[type] : single,
  };
};

export function decodeProgram(program: DecodeProgram): string {
  const { rows, threads, across, block, lanes, valueLanes, asked, type, vectors, subgroups } = program;
  const { capped, slopes, bias, mask, lengths, paged } = program;
  const round = keysOfRound(program);
  const [block4, groups] = [block / 4, threads / valueLanes];
  const fours = vectors[0] ? perWord[type] / 4 : 1;
  const ahead = type === "float32" ? 1 : 2;
  const scaled = type === "int8";
  const types = arrayTypes(type, vectors);
  const each = (f: (r: number) => string) => lines(rows, f);

  const loadKey = (at: string) => (vectors[0] ? `k[${at} + c]` : `readK(${at}, c)`);
  const keyPart = (word: string, j: number) => {
    if (!vectors[0] || type === "float32") return word;
    if (type === "int8") return integers(`${word}.${xyzw[j]}`);
    const [a, b] = [xyzw[2 * j], xyzw[2 * j + 1]];
    return `vec4f(unpack2x16float(${word}.${a}), unpack2x16float(${word}.${b}))`;
  };
  const loadValue = (at: string) => (vectors[1] ? `v[${at} + column]` : `readV(${at}, column)`);
  const valuePart = (word: string) => {
    if (!vectors[1] || type === "float32") return word;
    return type === "int8" ? integers(word) : `vec4f(unpack2x16float(${word}.x), unpack2x16float(${word}.y))`;
  };

  /** Adds up what those that share a key found, and leaves it with the one of them that keeps the row. */
  function together(): string {
    if (!subgroups)
      return each(
        (r) => `stage[local] = s${r};
workgroupBarrier();
if (x == ${r % across}u) {
  var four = stage[y * ${across}u];
  for (var n = 1u; n < ${across}u; n++) { four += stage[y * ${across}u + n]; }
  scores[${r * block4}u + place4] = four;
}
workgroupBarrier();`,
      );
    const steps: string[] = ["var kept = 0u;", "var writes = true;"];
    let count = rows;
    for (let m = 1; m < across; m *= 2) {
      if (count === 1) {
        steps.push(`s0 += subgroupShuffleXor(s0, ${m}u);`, `writes = writes & ((x & ${m}u) == 0u);`);
        continue;
      }
      count /= 2;
      steps.push(`{ let odd = (x & ${m}u) != 0u;`);
      for (let i = 0; i < count; i++)
        steps.push(
          `s${i} = select(s${i}, s${i + count}, odd) + subgroupShuffleXor(select(s${i + count}, s${i}, odd), ${m}u);`,
        );
      steps.push(`kept += select(0u, ${count}u, odd); }`);
    }
    return `${steps.join("\n")}
if (writes) {
${lines(count, (i) => `scores[(kept + ${i}u) * ${block4}u + place4] = s${i};`)}
}`;
  }

  /** The largest or the sum over the invocations that share a row. */
  const reduced = (value: string, join: (a: string, b: string) => string) =>
    subgroups
      ? lines(Math.log2(lanes), (n) => `${value} = ${join(value, `subgroupShuffleXor(${value}, ${2 ** n}u)`)};`)
      : `found[local] = ${value};
workgroupBarrier();
for (var n = 0u; n < ${lanes}u; n++) {
  let other = found[(local / ${lanes}u) * ${lanes}u + n];
  if (n != lane) { ${value} = ${join(value, "other")}; }
}
workgroupBarrier();`;

  const scored = (t: number) => {
    const s = `four.${xyzw[t]}`;
    return `{
  let key = first + ${t}u;
  let distance = i32(key) - place;
  var hides = (key >= stop) | (distance > params.right) | (-distance > params.left);
  ${scaled ? `${s} *= kScales[scaleAt(entry, head, min(key, stop - 1u), params.kScales)];` : ""}
  ${s} *= params.scale;
  ${capped ? `${s} = params.cap * tangent(${s});` : ""}
  ${slopes ? `${s} -= slope * f32(abs(distance));` : ""}
  ${
    mask
      ? `{
    let at = select(maskAt + key, 0u, hides);
    hides = hides | (((mask[at / 4u] >> (8u * (at & 3u))) & 0xffu) == 0u);
  }`
      : ""
  }
  ${
    bias
      ? `{
    let added = bias[select(biasAt + key, 0u, hides)];
    hides = hides | (added == 0xff800000u);
    ${s} += bitcast<f32>(select(added, 0u, hides)) * 1.4426950408889634;
  }`
      : ""
  }
  ${s} = select(${s}, hidden, hides);
}`;
  };
  const further = [bias && "bias", mask && "mask", scaled && "kScales", scaled && "vScales"].filter(
    Boolean,
  ) as string[];

  return `${subgroups ? "enable subgroups;" : ""}
${decodeParams.wgsl}
${storage(1, "k", types.keys)}
${storage(2, "v", types.values)}
${storage(3, "partial", "vec4f", true)}
${storage(4, "extras", "u32")}
${further.map((name, i) => storage(5 + i, name, name.endsWith("Scales") ? "f32" : "u32")).join("\n")}
var<workgroup> scores: array<vec4f, ${rows * block4}>;
var<workgroup> stage: array<vec4f, ${threads}>;
var<workgroup> fades: array<f32, ${rows}>;
${asked ? `var<workgroup> asked: array<vec4f, ${asked}>;` : ""}
${subgroups ? "" : `var<workgroup> found: array<f32, ${threads}>;`}
const hidden = -3.0e38;
${capped ? hyperbolicTangent : ""}
${vectors[0] ? "" : careful("readK", "k", type, "params.width")}
${vectors[1] ? "" : careful("readV", "v", type, "params.valueWidth")}

/** Where a row of keys or values begins. */
fn rowAt(entry: u32, head: u32, key: u32, base: u32, outer: u32, ofHead: u32, ofRow: u32) -> u32 {
  ${
    paged
      ? `let page = extras[params.pagesAt + entry * params.pages + key / params.pageKeys];
  return base + page * outer + head * ofHead + (key % params.pageKeys) * ofRow;`
      : "return base + entry * outer + head * ofHead + key * ofRow;"
  }
}
fn keyAt(entry: u32, head: u32, key: u32) -> u32 {
  return rowAt(entry, head, key, params.k, params.kEntry, params.kHead, params.kRow);
}
fn valueAt(entry: u32, head: u32, key: u32) -> u32 {
  return rowAt(entry, head, key, params.v, params.vEntry, params.vHead, params.vRow);
}
fn scaleAt(entry: u32, head: u32, key: u32, base: u32) -> u32 {
  return rowAt(entry, head, key, base, params.scaleEntry, params.scaleHead, params.scaleRow);
}
/** Four features of a row of queries. */
fn question(entry: u32, head: u32, row: u32, four: u32) -> vec4f {
  let column = 4u * four;
  var features = vec4f();
  if (row < params.rows) {
    let ofGroup = params.rows / params.queries;
    let at = params.q + entry * params.qEntry + (head * ofGroup + row / params.queries) * params.qHead
      + (row % params.queries) * params.qRow + column;
${lines(4, (i) => `    if (column + ${i}u < params.width) { features.${xyzw[i]} = bitcast<f32>(extras[at + ${i}u]); }`)}
  }
  return features;
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let x = local % ${across}u;
  let y = local / ${across}u;
  let entry = group.z / params.keyHeads;
  let head = group.z % params.keyHeads;
  let firstRow = group.x * ${rows}u;
  // This range of what is seen at all.
  let count = ${lengths ? "extras[params.lengthsAt + entry]" : "params.keys"};
  let offset = i32(count) - i32(params.queries);
  let begin = max(u32(max(offset - params.left, 0)), params.keyFrom);
  let end = max(min(count, params.keyTo), begin);
  let most16 = (end - begin + 16u * params.splits - 1u) / (16u * params.splits) * 16u;
  let start = min(begin + group.y * most16, end);
  let stop = min(start + most16, end);

  // The row whose softmax this invocation shares.
  let lane = local % ${lanes}u;
  let own = min(local / ${lanes}u, ${rows - 1}u);
  let works = local / ${lanes}u < ${rows}u;
  let row = min(firstRow + own, params.rows - 1u);
  let query = row % params.queries;
  let place = i32(query) + offset;
  let wholeHead = head * (params.rows / params.queries) + row / params.queries;
  ${slopes ? "let slope = bitcast<f32>(extras[params.slopesAt + wholeHead]) * 1.4426950408889634;" : ""}
  ${bias ? "let biasAt = params.bias + entry * params.biasEntry + wholeHead * params.biasHead + query * params.biasRow;" : ""}
  ${mask ? "let maskAt = params.mask + entry * params.maskEntry + wholeHead * params.maskHead + query * params.maskRow;" : ""}
  var most = hidden;
  var sum = 0.0;

  // The columns of values that it adds up.
  let lot = local / ${valueLanes}u;
  let real = local % ${valueLanes}u < params.columns4;
  let column = select(0u, local % ${valueLanes}u, real);
${each((r) => `var o${r} = vec4f();`)}
${
  asked
    ? `let slots = params.words * ${fours}u;
  for (var i = local; i < ${rows}u * slots; i += ${threads}u) {
    let r = i / slots;
    let part = (i % slots) / params.words;
    let word = i % params.words;
    asked[i] = question(entry, head, firstRow + r, word * ${fours}u + part);
  }
  workgroupBarrier();`
    : ""
}
  for (var base = start; base < stop; base += ${block}u) {
    let limit = min(stop - base, ${block}u);
    for (var n = 0u; n < limit; n += ${round}u) {
      let place4 = n / 4u + y;
      let first = base + n + 4u * y;
${lines(4, (i) => `let at${i} = keyAt(entry, head, min(first + ${i}u, stop - 1u));`)}
${each((r) => `var s${r} = vec4f();`)}
      for (var c = x; c < params.words; c += ${across}u) {
${lines(4, (i) => `let w${i} = ${loadKey(`at${i}`)};`)}
${lines(
  fours,
  (j) => `{
${lines(4, (i) => `let k${i} = ${keyPart(`w${i}`, j)};`)}
${each(
  (r) => `{
let q = ${asked ? `asked[${r}u * slots + ${j}u * params.words + c]` : `question(entry, head, firstRow + ${r}u, c * ${fours}u + ${j}u)`};
${lines(4, (i) => `s${r}.${xyzw[i]} = fma(q.x, k${i}.x, fma(q.y, k${i}.y, fma(q.z, k${i}.z, fma(q.w, k${i}.w, s${r}.${xyzw[i]}))));`)}
}`,
)}
}`,
)}
      }
      ${together()}
    }
    workgroupBarrier();
    let quads = min(${block4}u, (limit + ${4 * ahead * groups - 1}u) / ${4 * ahead * groups}u * ${ahead * groups}u);
    var top = hidden;
    if (works) {
      for (var i = lane; i < quads; i += ${lanes}u) {
        let first = base + 4u * i;
        var four = scores[own * ${block4}u + i];
${lines(4, scored)}
        scores[own * ${block4}u + i] = four;
        top = max(top, max(max(four.x, four.y), max(four.z, four.w)));
      }
    }
    ${reduced("top", (a, b) => `max(${a}, ${b})`)}
    let higher = max(most, top);
    // Far above what hides a key, so that hidden ones weigh nothing even before any is seen.
    let level = max(higher, -1.0e38);
    let fade = exp2(max(most, -1.0e38) - level);
    most = higher;
    sum *= fade;
    if (works) {
      for (var i = lane; i < quads; i += ${lanes}u) {
        ${scaled ? "let first = base + 4u * i;" : ""}
        var four = exp2(scores[own * ${block4}u + i] - vec4f(level));
        sum += (four.x + four.y) + (four.z + four.w);
        ${scaled ? lines(4, (t) => `four.${xyzw[t]} *= vScales[scaleAt(entry, head, min(first + ${t}u, stop - 1u), params.vScales)];`) : ""}
        scores[own * ${block4}u + i] = four;
      }
      if (lane == 0u) { fades[own] = fade; }
    }
    workgroupBarrier();
${each((r) => `o${r} *= fades[${r}];`)}
    for (var n = lot; n < quads; n += ${ahead * groups}u) {
${lines(ahead, (u) =>
  lines(4, (t) => {
    const key = `min(base + 4u * (n + ${u * groups}u) + ${t}u, stop - 1u)`;
    return `let at${u}_${t} = valueAt(entry, head, ${key});\nlet w${u}_${t} = ${loadValue(`at${u}_${t}`)};`;
  }),
)}
${lines(
  ahead,
  (u) => `{
${lines(4, (t) => `let v${t} = ${valuePart(`w${u}_${t}`)};`)}
${each(
  (r) => `{
let weights = scores[${r * block4}u + n + ${u * groups}u];
o${r} = fma(vec4f(weights.x), v0, fma(vec4f(weights.y), v1, fma(vec4f(weights.z), v2, fma(vec4f(weights.w), v3, o${r}))));
}`,
)}
}`,
)}
    }
    workgroupBarrier();
  }
  ${reduced("sum", (a, b) => `${a} + ${b}`)}
  let split = params.splitAt + group.y;
  let firstOut = group.z * params.rows + firstRow;
  if (works & (lane == 0u) & (firstRow + own < params.rows)) {
    partial[params.statsAt + (firstOut + own) * params.allSplits + split] = vec4f(most, sum, 0.0, 0.0);
  }
${each(
  (r) => `stage[local] = o${r};
workgroupBarrier();
if ((lot == 0u) & real & (firstRow + ${r}u < params.rows)) {
  var total = stage[local];
  for (var n = 1u; n < ${groups}u; n++) { total += stage[local + n * ${valueLanes}u]; }
  partial[((firstOut + ${r}u) * params.allSplits + split) * params.columnsAll4 + params.column4 + column] = total;
}
workgroupBarrier();`,
)}
}
`;
}
