/** Fused softmax attention: scores and weights never leave a workgroup. */
import { hyperbolicTangent } from "../functions.ts";
import { params } from "../params.ts";
import { lines, short, storage, xyzw } from "../wgsl.ts";
import { type AttentionShape, keysOf, queriesOf, sharedVectors } from "./shapes.ts";
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

/** What a program does; each combination is compiled once. */
export interface AttentionProgram extends AttentionShape, AttentionFeatures {
  /** Whether rows of q and k, and of v and the result, are multiples of four long. */
  readonly vectors: readonly [boolean, boolean];
  /** Whether q and k are as wide as several of the shape's features, and v as all of its values. */
  readonly evenKeys: boolean;
  readonly evenValues: boolean;
  readonly subgroups: boolean;
  /** The type that numbers are rounded to before they are multiplied: sums over a part are kept in it, those of all in float32. */
  readonly half?: "f16" | "f32" | undefined;
}

export const attentionParams = params({
  ...attentionFields,
  ...{ q: "u32", qEntry: "u32", qHead: "u32", qRow: "u32", k: "u32", kEntry: "u32", kHead: "u32", kRow: "u32" },
  ...{ v: "u32", vEntry: "u32", vHead: "u32", vRow: "u32" },
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
  const { capped, subgroups, half } = program;
  const threads = across * down;
  const [queries, keys] = [queriesOf(program), keysOf(program)];
  const [queries4, allKeys4, tall4] = [queries / 4, keys / 4, tall / 4];
  const { keyed, weighed, held } = sharedVectors(program);
  const wide = across * values4;
  const features4 = features / 4;
  const keysOfGroup = 4 * across;
  const type = (vector: boolean) => (vector ? "vec4f" : "f32");

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
${row("readQ", "q", "params.width", vectors[0], evenKeys)}
${row("readK", "k", "params.width", vectors[0], evenKeys)}
${row("readV", "v", "params.valueWidth", vectors[1], evenValues)}
${capped ? hyperbolicTangent : ""}
${outside}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // In the order in which wide reads of shared memory go together.
  let x = (local / 2u) % ${across}u;
  let y = local / ${2 * across}u * 2u + local % 2u;
${opening(program, queries)}
  let qBase = params.q + entry * params.qEntry + group.x * params.qHead + queryStart * params.qRow;
  let kBase = params.k + entry * params.kEntry + keyHead * params.kHead + keyStart * params.kRow;
  let vBase = params.v + entry * params.vEntry + keyHead * params.vHead + keyStart * params.vRow;
${range(program, queries, keys)}
${lines(
  tall,
  (i) => `let row${i} = first + ${rowOf(i)};
var most${i} = hidden;
var sum${i} = 0.0;
${lines(values4, (j) => `var o${i}_${j} = vec4f();`)}`,
)}
  for (var start = keyBegin; start < keyEnd; start += ${keys}u) {
${skipping(program, queries, keys)}
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
    if (${plain(program, queries, keys)}) {
${scaleOfScores && lines(tall, (i) => lines(keys4, (g) => `s${i}_${g} = s${i}_${g}${scaleOfScores};`))}
    } else {
${lines(
  tall,
  (i) => `{
let place = i32(row${i}) + offset;
${lines(keys4, (g) => lines(4, (t) => scored(program, i, `s${i}_${g}.${xyzw[t]}`, `i32(start + 4u * (x + ${g * across}u) + ${t}u)`, scaleOfScores)))}
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
${advance(
  i,
  lines(values4, (j) => `o${i}_${j} *= fade;`),
)}
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
${sinkOf(
  program,
  i,
  lines(values4, (j) => `o${i}_${j} *= fade;`),
)}
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
if (x == 0u) { ${leaveLse(i)} }
}`,
)}
}
`.replace(/^/, subgroups ? "enable subgroups;\n" : "");
}
