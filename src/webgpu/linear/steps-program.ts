/** Linear attention token by token: each workgroup keeps some columns of the state of one head in order. */
import { opened } from "../gates.ts";
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";

/** What fades: nothing, the whole state, its rows, or its columns. */
export type Fades = "none" | "token" | "channel" | "value";

export interface LinearSteps {
  readonly gates: Fades;
  readonly logs: boolean;
  readonly before: boolean;
  readonly bonus: boolean;
  /** Whether all values are 1: then the state is the sum of the keys. */
  readonly ones: boolean;
}

const across = 32;
const down = 8;
const batch = 4;
export const stepColumns = across;

export const linearStepsParams = params({
  ...{ queries: "i32", keys: "i32", offset: "i32", width: "u32", columns: "u32", readers: "u32", fresh: "u32" },
  ...{ qShare: "u32", qHead: "u32", qRow: "u32", kShare: "u32", kHead: "u32", kRow: "u32" },
  ...{ vShare: "u32", vHead: "u32", vRow: "u32", outHead: "u32", outRow: "u32" },
  ...{ gateShare: "u32", gateHead: "u32", gateRow: "u32", bonusShare: "u32", scale: "f32" },
});

/** Rows of the state that an invocation has, some at a time, so that their values come together. */
const rows = (each: (i: number) => string, together: (all: readonly number[]) => string = () => ""): string => `
for (var first = y; first < params.width; first += ${down * batch}u) {
${lines(batch, (i) => `let d${i} = first + ${i * down}u;\nlet c${i} = min(d${i}, params.width - 1u);\nlet s${i} = state[stateAt + c${i} * params.columns];`)}
${lines(batch, each)}
${together(Array.from({ length: batch }, (_, i) => i))}
}`;

export function linearStepsProgram({ gates, logs, before, bonus, ones }: LinearSteps): string {
  const place = { none: "", token: "", channel: "", value: " + column" }[gates];
  const fade = gates === "none" ? "1.0" : `opened(gates[gateAt${place}])`;
  const write = `if (place >= 0) {
    let kAt = kBase + u32(place) * params.kRow;
    let v = ${ones ? "1.0" : "v[vBase + u32(place) * params.vRow + column]"};
    let gateAt = gateBase + u32(place) * params.gateRow;
    ${gates === "channel" ? "" : `let fade = ${fade};`}
    ${rows(
      (i) =>
        `let x${i} = fma(${gates === "channel" ? `opened(gates[gateAt + c${i}])` : "fade"}, s${i}, k[kAt + c${i}] * v);`,
      (all) =>
        all
          .map((i) => `if (inside && d${i} < params.width) { state[stateAt + d${i} * params.columns] = x${i}; }`)
          .join("\n"),
    )}
  }`;
  const read = `if (place >= params.offset && place - params.offset < params.queries) {
    let t = u32(place - params.offset);
    ${
      bonus
        ? `let kAt = kBase + t * params.kRow;
    let v = ${ones ? "1.0" : "v[vBase + t * params.vRow + column]"};`
        : ""
    }
    for (var reader = 0u; reader < params.readers; reader++) {
      let head = group.y * params.readers + reader;
      let qAt = (head / params.qShare) * params.qHead + t * params.qRow;
      ${bonus ? "let bonusAt = (head / params.bonusShare) * params.width;" : ""}
      var sum = 0.0;
      ${rows((i) => {
        const seen = bonus ? `fma(bonus[bonusAt + c${i}] * k[kAt + c${i}], v, s${i})` : `s${i}`;
        return `sum += select(0.0, q[qAt + c${i}] * ${seen}, d${i} < params.width);`;
      })}
      parts[local] = sum;
      workgroupBarrier();
      if (y == 0u && inside) {
        var total = 0.0;
        for (var i = 0u; i < ${down}u; i++) { total += parts[i * ${across}u + x]; }
        out[head * params.outHead + t * params.outRow + column] = params.scale * total;
      }
      workgroupBarrier();
    }
  }`;
  return `${linearStepsParams.wgsl}
${storage(1, "q", "f32")}
${storage(2, "k", "f32")}
${storage(3, "state", "f32", true)}
${storage(4, "out", "f32", true)}
${storage(5, "v", "f32")}
${storage(6, "gates", "u32")}
${storage(7, "bonus", "f32")}
var<workgroup> parts: array<f32, ${across * down}>;
${opened(logs)}
@compute @workgroup_size(${across * down})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let x = local % ${across}u;
  let y = local / ${across}u;
  let inside = group.x * ${across}u + x < params.columns;
  // Those beyond the last column follow it and write nothing.
  let column = min(group.x * ${across}u + x, params.columns - 1u);
  let stateAt = group.y * params.width * params.columns + column;
  let kBase = (group.y / params.kShare) * params.kHead;
  let vBase = (group.y / params.vShare) * params.vHead;
  let gateBase = (group.y / params.gateShare) * params.gateHead;
  if (params.fresh != 0u && inside) {
    for (var d = y; d < params.width; d += ${down}u) { state[stateAt + d * params.columns] = 0.0; }
  }
  for (var place = min(params.offset, 0); place < params.keys; place++) {
    ${before ? `${read}\n${write}` : `${write}\n${read}`}
  }
}
`;
}
