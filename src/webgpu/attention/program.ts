/** Fused softmax attention: scores and weights never leave a workgroup. */
import { hyperbolicTangent } from "../functions.ts";
import { params } from "../params.ts";
import { lines, short, storage, xyzw } from "../wgsl.ts";
import { type AttentionShape, keysOf, queriesOf, sharedVectors } from "./shapes.ts";

/** What a program does; each combination is compiled once. */
export interface AttentionProgram extends AttentionShape {
  /** Whether rows of q and k, and of v and the result, are multiples of four long. */
  readonly vectors: readonly [boolean, boolean];
  /** Whether q and k are as wide as several of the shape's features, and v as all of its values. */
  readonly evenKeys: boolean;
  readonly evenValues: boolean;
  readonly subgroups: boolean;
  readonly windowed: boolean;
  readonly capped: boolean;
  readonly sinks: boolean;
  readonly slopes: boolean;
  readonly relative: boolean;
  readonly bias: boolean;
  readonly mask: boolean;
  readonly blocks: boolean;
  readonly lengths: boolean;
  readonly packed: boolean;
  /** Whether several workgroups share the keys of a query, each leaving a result of its own. */
  readonly split: boolean;
  /** The type that numbers are rounded to before they are multiplied: sums over a part are kept in it, those of all in float32. */
  readonly half?: "f16" | "f32" | undefined;
}

/** Scores are in powers of two; with a cap, `scale` is before it and `cap` after. */
export const attentionParams = params({
  ...{ queries: "u32", keys: "u32", width: "u32", valueWidth: "u32", group: "u32" },
  ...{ q: "u32", qEntry: "u32", qHead: "u32", qRow: "u32", k: "u32", kEntry: "u32", kHead: "u32", kRow: "u32" },
  ...{ v: "u32", vEntry: "u32", vHead: "u32", vRow: "u32", out: "u32", outEntry: "u32", outHead: "u32", outRow: "u32" },
  ...{ lse: "u32", lseEntry: "u32", lseHead: "u32" },
  ...{ scale: "f32", cap: "f32", left: "i32", right: "i32", offset: "i32", reach: "i32" },
  ...{ bias: "u32", biasEntry: "u32", biasHead: "u32", biasRow: "u32" },
  ...{ mask: "u32", maskEntry: "u32", maskHead: "u32", maskRow: "u32" },
  ...{ blockHead: "u32", blockRow: "u32", blockQueries: "u32", blockKeys: "u32" },
  ...{ lengthsAt: "u32", jobsAt: "u32", blocksAt: "u32", sinksAt: "u32", slopesAt: "u32", relativeAt: "u32" },
  ...{ firstHead: "u32", atEnd: "u32", minusInfinity: "u32", splits: "u32", outShare: "u32", lseShare: "u32" },
});

/** Four neighbouring numbers of a row, 0 where there are none. */
const row = (name: string, array: string, columns: string, vector: boolean, even: boolean): string =>
  vector
    ? `fn ${name}(base: u32, column4: u32) -> vec4f {
  ${even ? "" : `if (4u * column4 >= ${columns}) { return vec4f(); }`}
  return ${array}[base / 4u + column4];
}`
    : `fn ${name}(base: u32, column4: u32) -> vec4f {
  let column = 4u * column4;
  var four = vec4f();
${lines(4, (i) => `  if (column + ${i}u < ${columns}) { four.${xyzw[i]} = ${array}[base + column + ${i}u]; }`)}
  return four;
}`;

export function attentionProgram(program: AttentionProgram): string {
  const { tall, keys4, values4, across, down, features, keysAtOnce, unrolled, vectors, evenKeys, evenValues } = program;
  const { windowed, capped, sinks, slopes, relative, bias, mask, blocks, lengths, packed, subgroups, split, half } =
    program;
  const threads = across * down;
  const [queries, keys] = [queriesOf(program), keysOf(program)];
  const [queries4, allKeys4, tall4] = [queries / 4, keys / 4, tall / 4];
  const { keyed, weighed, held } = sharedVectors(program);
  const wide = across * values4;
  const features4 = features / 4;
  const keysOfGroup = 4 * across;
  const type = (vector: boolean) => (vector ? "vec4f" : "f32");
  const checked = mask || bias || blocks || relative;

  /** The row of the i-th query of an invocation, among those of its workgroup. */
  const rowOf = (i: number) => `4u * (y + ${down * (i >> 2)}u) + ${i & 3}u`;
  /** What is read together lies in different banks: eight neighbours are exchanged by the row that they are in. */
  const exchanged = (at: string, row4: string) => `(${at} ^ ((${row4} * ${Math.max(1, 8 / features4)}u) & 7u))`;
  const exchangedKeys = (at: string, key4: string) => `(${at} ^ ((2u * ${key4}) & 6u))`;
  /** Repeats a step; written out, a driver's compiler brings in time what it reads. */
  const repeated = (count: number, step: (at: string) => string, writtenOut: boolean): string =>
    writtenOut
      ? lines(count, (n) => `{\n${step(`${n}u`)}\n}`)
      : `for (var at = 0u; at < ${count}u; at++) {\n${step("at")}\n}`;
  /** Moves `count` things with all invocations. */
  const together = (count: number, move: (at: string, unit: number) => string): string =>
    lines(Math.ceil(count / threads), (n) => {
      const at = `(local + ${n * threads}u)`;
      return (n + 1) * threads > count ? `if (${at} < ${count}u) {\n${move(at, n)}\n}` : `{\n${move(at, n)}\n}`;
    });

  /** Four rows of four columns, `name`0 to 3, become columns of four rows, `row` vectors apart from `place` on. */
  const turned = (name: string, place: string, row: number, factor = "") =>
    lines(4, (c) => {
      const four = [0, 1, 2, 3].map((i) => `${name}${i}.${xyzw[c]}`).join(", ");
      return `held[${place} + ${c * row}u] = Short(vec4f(${four})${factor});`;
    });
  /** The sums of vectors over a part: straight into `total`, or in the short type first. */
  const summed = (total: string, columns: number, part: (sum: string) => string) => {
    const all = (one: (name: string) => string) => lines(tall, (i) => lines(columns, (j) => one(`${i}_${j}`)));
    if (!half) return part(total);
    return `${all((at) => `var h${at} = Short();`)}\n${part("h")}\n${all((at) => `${total}${at} += vec4f(h${at});`)}`;
  };
  // Scores of short numbers are scaled before they may overflow, to powers of two only after.
  const [scaleOfQueries, scaleOfScores] = !half
    ? ["", " * params.scale"]
    : capped
      ? [" * params.scale", ""]
      : [" * (params.scale * 0.6931471805599453)", " * 1.4426950408889634"];
  const [keyUnits, queryUnits, valueUnits] = [allKeys4 * features4, queries4 * features4, keysAtOnce * wide];
  // What an invocation carries to what is shared: read first, written where all are done with what stood there.
  const fetchKeys = together(
    keyUnits,
    (at, unit) => `let c = ${at} % ${features4}u;
let key = start + 4u * (${at} / ${features4}u);
${lines(4, (i) => `k${unit}_${i} = readK(kBase + min(key + ${i}u, keyCount - 1u) * params.kRow, part / 4u + c);`)}`,
  );
  const fetchQueries = together(
    queryUnits,
    (at, unit) => `let c = ${at} % ${features4}u;
let query = first + 4u * (${at} / ${features4}u);
${lines(4, (i) => `q${unit}_${i} = readQ(qBase + min(query + ${i}u, count - 1u) * params.qRow, part / 4u + c);`)}`,
  );
  const writeKeys = together(
    keyUnits,
    (at, unit) => `let c = ${at} % ${features4}u;
let place = 4u * c * ${allKeys4}u + ${exchanged(`(${at} / ${features4}u)`, "c")};
${turned(`k${unit}_`, "place", allKeys4)}`,
  );
  const writeQueries = together(
    queryUnits,
    (at, unit) => `let c = ${at} % ${features4}u;
let place = ${keyed}u + 4u * c * ${queries4}u + ${exchanged(`(${at} / ${features4}u)`, "c")};
${turned(`q${unit}_`, "place", queries4, scaleOfQueries)}`,
  );
  const fetchValues = (group: number) =>
    together(
      valueUnits,
      (at, unit) => `let key = min(start + ${group * keysOfGroup}u + done + ${at} / ${wide}u, keyCount - 1u);
v${unit} = readV(vBase + key * params.vRow, ${at} % ${wide}u);`,
    );
  const writeValues = together(valueUnits, (at, unit) => `held[${weighed}u + ${at}] = Short(v${unit});`);
  const carried = (name: string, count: number, each: number) =>
    lines(Math.ceil(count / threads), (n) =>
      each === 1 ? `var ${name}${n}: vec4f;` : lines(each, (i) => `var ${name}${n}_${i}: vec4f;`),
    );

  // Without branches, which some compilers of shaders take long over: what may not be read is read at place 0.
  const added = (entry: string) => `{
    let entry = ${entry};
    hides = hides | (entry == 0xff800000u);
    s += bitcast<f32>(select(entry, 0u, hides)) * 1.4426950408889634;
  }`;
  const scored = (i: number, s: string, key: string) => `{
  let key = ${key};
  var hides = (key >= i32(keyCount)) | (row${i} >= count)${windowed ? " | (key - place > params.right) | (place - key > params.left)" : ""};
  ${
    mask
      ? `{
    let at = select(maskAt + row${i} * params.maskRow + u32(key), 0u, hides);
    hides = hides | (byte(mask[at / 4u], at) == 0u);
  }`
      : ""
  }
  ${
    blocks
      ? `{
    let at = select(head * params.blockHead + (row${i} / params.blockQueries) * params.blockRow + u32(key) / params.blockKeys, 0u, hides);
    hides = hides | (byte(extras[params.blocksAt + at / 4u], at) == 0u);
  }`
      : ""
  }
  var s = ${s}${scaleOfScores};
  ${capped ? "s = params.cap * tangent(s);" : ""}
  ${slopes ? "s -= slope * f32(abs(key - place));" : ""}
  ${relative ? added("extras[relativeAt + u32(clamp(key - place, -params.reach, params.reach) + params.reach)]") : ""}
  ${bias ? added(`bias[select(biasAt + row${i} * params.biasRow + u32(key), 0u, hides)]`) : ""}
  ${s} = select(s, hidden, hides);
}`;
  return `${short(half)}${attentionParams.wgsl}
${storage(1, "q", type(vectors[0]))}
${storage(2, "k", type(vectors[0]))}
${storage(3, "v", type(vectors[1]))}
${storage(4, "out", type(vectors[1]), true)}
${storage(5, "lse", "f32", true)}
${storage(6, "extras", "u32")}
${storage(7, "bias", "u32")}
${storage(8, "mask", "u32")}
${subgroups ? "" : `var<workgroup> found: array<f32, ${queries * across}>;`}
var<workgroup> held: array<Short, ${held}>;
const hidden = -3.0e38;
${row("readQ", "q", "params.width", vectors[0], evenKeys)}
${row("readK", "k", "params.width", vectors[0], evenKeys)}
${row("readV", "v", "params.valueWidth", vectors[1], evenValues)}
${capped ? hyperbolicTangent : ""}
fn byte(word: u32, at: u32) -> u32 { return (word >> (8u * (at & 3u))) & 0xffu; }

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // In the order in which wide reads of shared memory go together.
  let x = (local / 2u) % ${across}u;
  let y = local / ${2 * across}u * 2u + local % 2u;
  // Those with most keys begin.
  let turn = groups.y - 1u - group.y;
  let head = params.firstHead + group.x;
  let keyHead = group.x / params.group;
  ${split ? "let entry = group.z / params.splits;\n  let share = group.z % params.splits;" : "let entry = group.z;"}
  var count = params.queries;
  var keyCount = ${lengths ? "extras[params.lengthsAt + entry]" : "params.keys"};
  var queryStart = 0u;
  var keyStart = 0u;
  var offset = params.offset;
  var first = turn * ${queries}u;
  ${
    packed
      ? `let job = params.jobsAt + 6u * turn;
  queryStart = extras[job];
  keyStart = extras[job + 1u];
  count = extras[job + 2u];
  keyCount = extras[job + 3u];
  first = extras[job + 4u];
  offset = bitcast<i32>(extras[job + 5u]);`
      : lengths
        ? "if (params.atEnd != 0u) { offset = i32(keyCount) - i32(count); }"
        : ""
  }
  let qBase = params.q + entry * params.qEntry + group.x * params.qHead + queryStart * params.qRow;
  let kBase = params.k + entry * params.kEntry + keyHead * params.kHead + keyStart * params.kRow;
  let vBase = params.v + entry * params.vEntry + keyHead * params.vHead + keyStart * params.vRow;
  let outBase = params.out + ${split ? "share * params.outShare + " : ""}entry * params.outEntry + group.x * params.outHead + queryStart * params.outRow;
  ${bias ? "let biasAt = params.bias + entry * params.biasEntry + group.x * params.biasHead + keyStart;" : ""}
  ${mask ? "let maskAt = params.mask + entry * params.maskEntry + group.x * params.maskHead + keyStart;" : ""}
  ${relative ? "let relativeAt = params.relativeAt + head * (2u * u32(params.reach) + 1u);" : ""}
  ${slopes ? "let slope = bitcast<f32>(extras[params.slopesAt + head]) * 1.4426950408889634;" : ""}
  ${
    windowed
      ? `var keyEnd = u32(clamp(i32(first) + ${queries - 1} + offset + params.right + 1, 0, i32(keyCount)));
  var keyBegin = (u32(clamp(i32(first) + offset - params.left, 0, i32(keyCount))) / ${keys}u) * ${keys}u;`
      : `var keyEnd = keyCount;
  var keyBegin = 0u;`
  }
  ${
    split
      ? `{
    let tiles = (max(keyEnd, keyBegin) - keyBegin + ${keys - 1}u) / ${keys}u;
    let each = (tiles + params.splits - 1u) / params.splits * ${keys}u;
    keyBegin += share * each;
    keyEnd = min(keyEnd, keyBegin + each);
  }`
      : ""
  }
${lines(
  tall,
  (i) => `let row${i} = first + ${rowOf(i)};
var most${i} = hidden;
var sum${i} = 0.0;
${lines(values4, (j) => `var o${i}_${j} = vec4f();`)}`,
)}
  for (var start = keyBegin; start < keyEnd; start += ${keys}u) {
${
  blocks
    ? `    var any = false;
    for (var b = first / params.blockQueries; b <= (min(first + ${queries}u, count) - 1u) / params.blockQueries; b++) {
      for (var c = start / params.blockKeys; c <= (min(start + ${keys}u, keyCount) - 1u) / params.blockKeys; c++) {
        let at = head * params.blockHead + b * params.blockRow + c;
        any = any || byte(extras[params.blocksAt + at / 4u], at) != 0u;
      }
    }
    if (!any) { continue; }`
    : ""
}
${lines(tall, (i) => lines(keys4, (g) => `var s${i}_${g} = vec4f();`))}
    for (var part = 0u; part < params.width; part += ${features}u) {
${carried("k", keyUnits, 4)}
${carried("q", queryUnits, 4)}
${fetchKeys}
${fetchQueries}
      workgroupBarrier();
${writeKeys}
${writeQueries}
      workgroupBarrier();
${summed("s", keys4, (sum) =>
  repeated(
    features4,
    (d) => `let keysAt = 4u * ${d} * ${allKeys4}u + ${exchanged("x", d)};
let queriesAt = ${keyed}u + 4u * ${d} * ${queries4}u + ${exchanged("y", d)};
${lines(
  4,
  (c) => `{
${lines(tall4, (i) => `let q${i} = held[queriesAt + ${c * queries4 + i * down}u];`)}
${lines(keys4, (g) => `let k${g} = held[keysAt + ${c * allKeys4 + g * across}u];`)}
${lines(tall, (i) => lines(keys4, (g) => `${sum}${i}_${g} = fma(Short(q${i >> 2}.${xyzw[i & 3]}), k${g}, ${sum}${i}_${g});`))}
}`,
)}`,
    unrolled,
  ),
)}
    }
    let whole = start + ${keys}u <= keyCount${
      windowed
        ? ` && i32(start + ${keys}u) - 1 <= i32(first) + offset + params.right && i32(start) >= i32(first) + ${queries - 1} + offset - params.left`
        : ""
    };
    if (${checked || slopes || capped ? "false" : "whole"}) {
${scaleOfScores && lines(tall, (i) => lines(keys4, (g) => `s${i}_${g} = s${i}_${g}${scaleOfScores};`))}
    } else {
${lines(
  tall,
  (i) => `{
let place = i32(row${i}) + offset;
${lines(keys4, (g) => lines(4, (t) => scored(i, `s${i}_${g}.${xyzw[t]}`, `i32(start + 4u * (x + ${g * across}u) + ${t}u)`)))}
}`,
)}
    }
${lines(tall, (i) => {
  const all = Array.from({ length: keys4 }, (_, g) => `s${i}_${g}`);
  const four = all.slice(1).reduce((sofar, next) => `max(${sofar}, ${next})`, all[0]!);
  return `var top${i}: f32;
{ let four = ${four}; top${i} = max(max(four.x, four.y), max(four.z, four.w)); }`;
})}
${
  subgroups
    ? lines(Math.log2(across), (n) =>
        lines(tall, (i) => `top${i} = max(top${i}, subgroupShuffleXor(top${i}, ${2 ** (n + 1)}u));`),
      )
    : `${lines(tall, (i) => `found[(y * ${tall}u + ${i}u) * ${across}u + x] = top${i};`)}`
}
    workgroupBarrier();
${
  subgroups
    ? ""
    : lines(tall, (i) =>
        lines(across, (n) => `top${i} = max(top${i}, found[(y * ${tall}u + ${i}u) * ${across}u + ${n}u]);`),
      )
}
${lines(
  tall,
  (i) => `{
let most = max(most${i}, top${i});
// Far above what hides a key, so that hidden ones weigh nothing even before any is seen.
let base = max(most, -1.0e38);
let fade = exp2(max(most${i}, -1.0e38) - base);
most${i} = most;
sum${i} *= fade;
${lines(values4, (j) => `o${i}_${j} *= fade;`)}
${lines(
  keys4,
  (g) => `s${i}_${g} = exp2(s${i}_${g} - vec4f(base));
sum${i} += (s${i}_${g}.x + s${i}_${g}.y) + (s${i}_${g}.z + s${i}_${g}.w);`,
)}
}`,
)}
${lines(
  keys4,
  (g) => `    ${g ? "workgroupBarrier();" : ""}
{
let place = 4u * x * ${queries4}u + ${exchangedKeys("y", "x")};
${lines(
  tall4,
  (i) => `{
${lines(4, (j) => `let r${j} = s${4 * i + j}_${g};`)}
${turned("r", `place + ${i * down}u`, queries4)}
}`,
)}
}
    for (var done = 0u; done < ${keysOfGroup}u; done += ${keysAtOnce}u) {
${carried("v", valueUnits, 1)}
${fetchValues(g)}
      if (done > 0u) { workgroupBarrier(); }
${writeValues}
      workgroupBarrier();
${summed("o", values4, (sum) =>
  repeated(
    keysAtOnce / 4,
    (c) => `let key4 = ${c} + done / 4u;
let weightsAt = 4u * key4 * ${queries4}u + ${exchangedKeys("y", "key4")};
let valuesAt = ${weighed}u + 4u * ${c} * ${wide}u + x;
${lines(
  4,
  (t) => `{
${lines(tall4, (i) => `let w${i} = held[weightsAt + ${t * queries4 + i * down}u];`)}
${lines(values4, (j) => `let v${j} = held[valuesAt + ${t * wide + j * across}u];`)}
${lines(tall, (i) => lines(values4, (j) => `${sum}${i}_${j} = fma(Short(w${i >> 2}.${xyzw[i & 3]}), v${j}, ${sum}${i}_${j});`))}
}`,
)}`,
    false,
  ),
)}
    }`,
)}
  }
${
  subgroups
    ? lines(Math.log2(across), (n) => lines(tall, (i) => `sum${i} += subgroupShuffleXor(sum${i}, ${2 ** (n + 1)}u);`))
    : `workgroupBarrier();
${lines(tall, (i) => `found[(y * ${tall}u + ${i}u) * ${across}u + x] = sum${i};`)}
workgroupBarrier();
${lines(tall, (i) => `sum${i} = 0.0;\n${lines(across, (n) => `sum${i} += found[(y * ${tall}u + ${i}u) * ${across}u + ${n}u];`)}`)}`
}
${lines(
  tall,
  (i) => `if (row${i} < count) {
${
  sinks
    ? `${split ? "if (share == 0u) " : ""}{
let sink = bitcast<f32>(extras[params.sinksAt + head]) * 1.4426950408889634;
let most = max(most${i}, max(sink, -1.0e38));
let fade = exp2(max(most${i}, -1.0e38) - most);
sum${i} = select(sum${i} * fade, 0.0, most${i} < -1.0e38) + exp2(max(sink, -3.0e38) - most);
most${i} = most;
${lines(values4, (j) => `o${i}_${j} *= fade;`)}
}`
    : ""
}
let over = select(0.0, 1.0 / sum${i}, sum${i} > 0.0);
${lines(
  values4,
  (j) => `{
let column = 4u * (x + ${j * across}u);
let at = outBase + row${i} * params.outRow + column;
let four = o${i}_${j} * over;
${
  vectors[1]
    ? "if (column < params.valueWidth) { out[at / 4u] = four; }"
    : lines(4, (t) => `if (column + ${t}u < params.valueWidth) { out[at + ${t}u] = four.${xyzw[t]}; }`)
}
}`,
)}
if (x == 0u) {
  let total = select(bitcast<f32>(params.minusInfinity), (most${i} + log2(sum${i})) * 0.6931471805599453, sum${i} > 0.0);
  lse[params.lse + ${split ? "share * params.lseShare + " : ""}entry * params.lseEntry + group.x * params.lseHead + queryStart + row${i}] = total;
}
}`,
)}
}
`.replace(/^/, subgroups ? "enable subgroups;\n" : "");
}
