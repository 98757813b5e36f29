/** Results over disjoint sets of keys become one. */
import { functions } from "../functions.ts";
import { params } from "../params.ts";
import { lines, storage, xyzw } from "../wgsl.ts";

export interface MergingProgram {
  /** Whether the parts are in vectors of four, and the columns of the result too. */
  readonly vectors: readonly [boolean, boolean];
  /** Whether the parts are sums of weighted values and of weights, with their largest score; else means, with lse. */
  readonly sums: boolean;
  readonly sinks: boolean;
}

/** Parts are counted in vectors where they are vectors. `unit` makes powers of two of the scores, `natural` those of e. */
export const mergingParams = params({
  ...{ rows: "u32", parts: "u32", columns: "u32", heads: "u32", queries: "u32" },
  ...{ valuesEntry: "u32", valuesHead: "u32", valuesRow: "u32", valuesPart: "u32" },
  ...{ stats: "u32", statsRow: "u32", statsPart: "u32" },
  ...{ out: "u32", outEntry: "u32", outHead: "u32", outRow: "u32", lse: "u32", firstHead: "u32" },
  ...{ unit: "f32", natural: "f32", minusInfinity: "u32", endless: "u32" },
});

/** Vectors of columns that a workgroup makes, and how many invocations share the parts of each. */
export const mergingColumns4 = 8;
const lots = 16;
const threads = mergingColumns4 * lots;

export function mergingProgram({ vectors, sums, sinks }: MergingProgram): string {
  const reduced = (from: string, join: (a: string, b: string) => string) =>
    lines(
      Math.log2(threads),
      (
        n,
      ) => `if (local < ${threads >> (n + 1)}u) { ${from}[local] = ${join(`${from}[local]`, `${from}[local + ${threads >> (n + 1)}u]`)}; }
workgroupBarrier();`,
    );
  return `${mergingParams.wgsl}
${storage(1, "values", vectors[0] ? "vec4f" : "f32")}
${storage(2, "stats", "u32")}
${storage(3, "out", vectors[1] ? "vec4f" : "f32", true)}
${storage(4, "lse", "f32", true)}
${sinks ? storage(5, "sinks", "u32") : ""}
var<workgroup> tops: array<f32, ${threads}>;
var<workgroup> stage: array<vec4f, ${threads}>;
const hidden = -3.0e38;
${functions("f32", "bitcast<f32>(params.endless)")}

/** A score, or far below all where it is −∞. */
fn scoreOf(bits: u32) -> f32 { return bitcast<f32>(select(bits, 0xff61b1e6u, bits == 0xff800000u)); }
fn valuesAt(at: u32, column4: u32) -> vec4f {
${
  vectors[0]
    ? "  return values[at + column4];"
    : `  let column = 4u * column4;
  var four = vec4f();
${lines(4, (i) => `  if (column + ${i}u < params.columns) { four.${xyzw[i]} = values[at + column + ${i}u]; }`)}
  return four;`
}
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = group.y + group.z * groups.y;
  if (row >= params.rows) { return; }
  let entry = row / (params.heads * params.queries);
  let head = row / params.queries % params.heads;
  let query = row % params.queries;
  let column4 = group.x * ${mergingColumns4}u + local % ${mergingColumns4}u;
  let real = 4u * column4 < params.columns;
  let lot = local / ${mergingColumns4}u;
  var top = hidden;
  for (var p = local; p < params.parts; p += ${threads}u) {
    top = max(top, scoreOf(stats[params.stats + row * params.statsRow + p * params.statsPart]));
  }
  tops[local] = top;
  workgroupBarrier();
${reduced("tops", (a, b) => `max(${a}, ${b})`)}
  top = tops[0];
  ${sinks ? "let sink = scoreOf(sinks[params.firstHead + head]) * 1.4426950408889634;\n  top = max(top, sink);" : ""}
  let level = max(top, -1.0e38);
  workgroupBarrier();
  let valuesFrom = entry * params.valuesEntry + head * params.valuesHead + query * params.valuesRow;
  var sum = 0.0;
  var all = vec4f();
  for (var p = lot; p < params.parts; p += ${lots}u) {
    let at = params.stats + row * params.statsRow + p * params.statsPart;
    let score = scoreOf(stats[at]);
    let weight = select(weight2((score - level) * params.unit), 0.0, score < -1.0e38);
    // What saw nothing may hold anything.
    if (weight > 0.0) {
      sum = fma(weight, ${sums ? "bitcast<f32>(stats[at + 1u])" : "1.0"}, sum);
      if (real) {
        all = fma(vec4f(weight), valuesAt(valuesFrom + p * params.valuesPart, column4), all);
      }
    }
  }
  stage[local] = all;
  // One of those that share the parts says for its lot what they weigh.
  tops[local] = select(0.0, sum, local % ${mergingColumns4}u == 0u);
  workgroupBarrier();
${reduced("tops", (a, b) => `${a} + ${b}`)}
  sum = tops[0]${sinks ? " + select(weight2(sink - level), 0.0, sink < -1.0e38)" : ""};
  if ((lot == 0u) & real) {
    for (var n = 1u; n < ${lots}u; n++) { all += stage[local + n * ${mergingColumns4}u]; }
    all *= select(1.0 / sum, 0.0, sum == 0.0);
    let at = params.out + entry * params.outEntry + head * params.outHead + query * params.outRow + 4u * column4;
    ${
      vectors[1]
        ? "out[at / 4u] = all;"
        : lines(4, (i) => `if (4u * column4 + ${i}u < params.columns) { out[at + ${i}u] = all.${xyzw[i]}; }`)
    }
  }
  if ((local == 0u) & (group.x == 0u)) {
    let found = fma(level, params.natural, logarithm(max(sum, 1.0e-30)));
    lse[params.lse + row] = select(bitcast<f32>(params.minusInfinity), found, sum > 0.0);
  }
}
`;
}
