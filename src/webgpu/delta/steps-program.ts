/** The delta rule write by write: each workgroup keeps some columns of the state of one head in order. */
import { opened } from "../gates.ts";
import { params } from "../params.ts";
import { lines, storage } from "../wgsl.ts";

export interface DeltaSteps {
  readonly gate: "none" | "token" | "channel";
  readonly logs: boolean;
  readonly beta: "none" | "write" | "column";
  readonly read: boolean;
  readonly erase: boolean;
  readonly readBefore: boolean;
  readonly diagonal: boolean;
}

const across = 32;
const down = 8;
const batch = 4;
export const deltaStepColumns = across;

export const deltaStepsParams = params({
  ...{ all: "u32", writes: "u32", width: "u32", columns: "u32", share: "u32", fresh: "u32", scale: "f32" },
  ...{ qHead: "u32", qRow: "u32", kHead: "u32", kRow: "u32", readAt: "u32", eraseAt: "u32" },
  ...{ vHead: "u32", vRow: "u32", outHead: "u32", outRow: "u32" },
  ...{ betaHead: "u32", betaRow: "u32", gateHead: "u32", gateRow: "u32" },
});

export function deltaStepsProgram({ gate, logs, beta, read, erase, readBefore, diagonal }: DeltaSteps): string {
  const each = (f: (i: number) => string) => lines(batch, f);
  /** Rows of the state that an invocation has, some at a time, so that their values come together. */
  const rows = (body: string) => `for (var d = y; d < params.width; d += ${down * batch}u) {
${each((i) => `let c${i} = min(d + ${i * down}u, params.width - 1u);\nlet s${i} = state[stateAt + c${i} * params.columns];`)}
${body}
}`;
  const fade = (i: number) =>
    gate === "none" ? "1.0" : gate === "token" ? "fade" : `select(1.0, opened(gates[gateAt + c${i}]), first)`;
  const key = (i: number) => (erase ? `keys[params.eraseAt + kAt + c${i}]` : `k[kAt + c${i}]`);
  const reader = (i: number) => (read ? `keys[params.readAt + kAt + c${i}]` : `k[kAt + c${i}]`);
  const b = {
    none: "1.0",
    write: "betas[betaBase + write * params.betaRow]",
    column: "betas[betaBase + write * params.betaRow + column]",
  }[beta];
  const seen = (i: number) => (readBefore ? `${reader(i)} * s${i}` : `${reader(i)} * ${fade(i)} * s${i}`);
  const together = (target: string) => `parts[local] = sum;
    workgroupBarrier();
    var ${target} = 0.0;
    for (var i = 0u; i < ${down}u; i++) { ${target} += parts[i * ${across}u + x]; }
    workgroupBarrier();`;
  return `${deltaStepsParams.wgsl}
${storage(1, "q", "f32")}
${storage(2, "k", "f32")}
${storage(3, "state", "f32", true)}
${storage(4, "out", "f32", true)}
${storage(5, "v", "f32")}
${storage(6, "keys", "f32")}
${storage(7, "betas", "f32")}
${storage(8, "gates", "u32")}
var<workgroup> parts: array<f32, ${across * down}>;
${opened(logs)}
@compute @workgroup_size(${across * down})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let x = local % ${across}u;
  let y = local / ${across}u;
  let head = group.y;
  let inside = group.x * ${across}u + x < params.columns;
  // Those beyond the last column follow it and write nothing.
  let column = min(group.x * ${across}u + x, params.columns - 1u);
  let stateAt = head * params.width * params.columns + column;
  let qBase = (head / params.share) * params.qHead;
  let kBase = (head / params.share) * params.kHead;
  let betaBase = head * params.betaHead;
  if (params.fresh != 0u && inside) {
    for (var d = y; d < params.width; d += ${down}u) { state[stateAt + d * params.columns] = 0.0; }
  }
  for (var write = 0u; write < params.all; write++) {
    let token = write / params.writes;
    let first = write % params.writes == 0u;
    let last = write % params.writes == params.writes - 1u;
    let kAt = kBase + write * params.kRow;
    let qAt = qBase + token * params.qRow;
    let gateAt = head * params.gateHead + token * params.gateRow;
    ${gate === "token" ? "let fade = select(1.0, opened(gates[gateAt]), first);" : ""}
    let v = v[head * params.vHead + write * params.vRow + column];
    let beta = ${b};
    var sum = 0.0;
    ${
      diagonal
        ? ""
        : `${rows(each((i) => `sum += select(0.0, ${seen(i)}, d + ${i * down}u < params.width);`))}
    ${together("found")}
    let u = beta * (${erase ? "" : "v"} - found);
    sum = 0.0;`
    }
    ${rows(
      each((i) => {
        const u = diagonal ? `(beta * (v - ${seen(i)}))` : "u";
        const added = erase ? `fma(k[kAt + c${i}], v, ${fade(i)} * s${i})` : `${fade(i)} * s${i}`;
        return `let x${i} = fma(${key(i)}, ${u}, ${added});`;
      }) +
        "\n" +
        each(
          (i) => `if (inside && d + ${i * down}u < params.width) { state[stateAt + c${i} * params.columns] = x${i}; }
sum += select(0.0, q[qAt + c${i}] * x${i}, d + ${i * down}u < params.width);`,
        ),
    )}
    if (last) {
      ${together("total")}
      if (y == 0u && inside) { out[head * params.outHead + token * params.outRow + column] = params.scale * total; }
    }
  }
}
`;
}
