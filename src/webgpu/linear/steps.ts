/** Linear attention token by token, with every option: for few tokens, and for what does not go in chunks. */
import type { LinearSizes } from "../../wasm/linear.ts";
import type { GpuCall } from "../call.ts";
import { params } from "../params.ts";
import type { GpuTensor } from "../tensor.ts";
import { storage } from "../wgsl.ts";
import type { Linear, Part, Rows } from "./job.ts";
import { linearStepsParams, linearStepsProgram, stepColumns } from "./steps-program.ts";

export function steps(call: GpuCall, linear: Linear): void {
  const { keys, queries } = linear.sizes;
  for (const part of linear.parts)
    if (linear.causal) run(call, linear, part, { keys, queries, offset: keys - queries, fresh: part.fresh });
    else {
      run(call, linear, part, { keys, queries: 0, offset: 0, fresh: part.fresh });
      run(call, linear, part, { keys: 0, queries, offset: -queries, fresh: false });
    }
}

function run(
  call: GpuCall,
  linear: Linear,
  { values, columns, out, state }: Part,
  { keys, queries, offset, fresh }: { keys: number; queries: number; offset: number; fresh: boolean },
): void {
  const { sizes, q, k, gates, bonus } = linear;
  const program = {
    ...{ gates: gates ? linear.fades : ("none" as const), logs: linear.logs },
    ...{ before: linear.before, bonus: bonus !== undefined, ones: values === undefined },
  };
  // What is not given is bound to what is there.
  const or = (tensor: GpuTensor | undefined) => ({ buffer: (tensor ?? q.tensor).buffer });
  call.device.run({
    key: `linear steps ${JSON.stringify(program)}`,
    code: () => linearStepsProgram(program),
    params: linearStepsParams.fill({
      ...{ queries, keys, offset, width: sizes.width, columns, readers: sizes.heads / sizes.states },
      ...{ qShare: sizes.heads / sizes.qHeads, qHead: q.head, qRow: q.row },
      ...{ kShare: sizes.states / sizes.kHeads, kHead: k.head, kRow: k.row },
      ...{ vShare: sizes.states / sizes.vHeads, vHead: values?.head ?? 0, vRow: values?.row ?? 0 },
      ...{ gateShare: sizes.states / sizes.gateHeads, gateHead: gates?.head ?? 0, gateRow: gates?.row ?? 0 },
      ...{ outHead: out.head, outRow: out.row, bonusShare: sizes.heads / linear.bonusHeads },
      ...{ scale: linear.scale, fresh: Number(fresh) },
    }),
    bindings: [
      ...[or(q.tensor), or(k.tensor)],
      ...[state, out.tensor].map(({ buffer }) => ({ buffer, written: true })),
      ...[or(values?.tensor), or(gates?.tensor), or(bonus)],
    ],
    workgroups: [Math.ceil(columns / stepColumns), sizes.states, 1],
  });
}

const divideParams = params({
  ...{ size: "u32", heads: "u32", queries: "u32", columns: "u32", head: "u32", row: "u32", across: "u32" },
  epsilon: "f32",
});

/** Divides what was read by the sums of its weights. */
export function divide(call: GpuCall, sizes: LinearSizes, out: Rows, sums: GpuTensor, epsilon: number): void {
  const size = sizes.heads * sizes.queries * sizes.valueWidth;
  const across = Math.min(call.device.gpu.limits.maxComputeWorkgroupsPerDimension, Math.ceil(size / 64));
  call.device.run({
    key: "linear divide",
    code: () => `${divideParams.wgsl}
${storage(1, "sums", "f32")}
${storage(2, "out", "f32", true)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * params.across + id.x;
  if (i >= params.size) { return; }
  let row = i / params.columns;
  let at = (row / params.queries) * params.head + (row % params.queries) * params.row + i % params.columns;
  out[at] /= sums[row] + params.epsilon;
}
`,
    params: divideParams.fill({
      ...{ size, heads: sizes.heads, queries: sizes.queries, columns: sizes.valueWidth },
      ...{ head: out.head, row: out.row, across: 64 * across, epsilon },
    }),
    bindings: [{ buffer: sums.buffer }, { buffer: out.tensor.buffer, written: true }],
    workgroups: [across, Math.ceil(size / 64 / Math.max(1, across)), 1],
  });
}
