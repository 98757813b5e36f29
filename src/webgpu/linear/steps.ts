/** Linear attention token by token, with every option: for few tokens, and for what does not go in chunks. */
import type { GpuCall } from "../call.ts";
import { params } from "../params.ts";
import type { GpuTensor } from "../tensor.ts";
import { storage } from "../wgsl.ts";
import type { Linear } from "./job.ts";
import { linearStepsParams, linearStepsProgram, stepColumns } from "./steps-program.ts";

/** What is read goes to `out`, what is written to `state`, which is taken for zeros if it is `fresh`. */
export function steps(call: GpuCall, linear: Linear): void {
  const { sizes, gates, logs, before, bonus, values, state, out } = linear;
  const program = { gates: gates ? linear.fades : ("none" as const), logs, before, bonus: !!bonus, ones: !values };
  const run = (keys: number, queries: number, offset: number, fresh: boolean) => {
    const all = {
      ...{ queries, keys, offset, width: sizes.width, columns: linear.columns, readers: sizes.heads / sizes.states },
      ...{ qShare: sizes.heads / sizes.qHeads, qHead: linear.q.head, qRow: linear.q.row },
      ...{ kShare: sizes.states / sizes.kHeads, kHead: linear.k.head, kRow: linear.k.row },
      ...{ vShare: sizes.states / sizes.vHeads, vHead: values?.head ?? 0, vRow: values?.row ?? 0 },
      ...{ gateShare: sizes.states / sizes.gateHeads, gateHead: gates?.head ?? 0, gateRow: gates?.row ?? 0 },
      ...{ outHead: out.head, outRow: out.row, bonusShare: sizes.heads / linear.bonusHeads },
      ...{ scale: linear.scale, fresh: Number(fresh) },
    };
    // What is not given is bound to what is there.
    const or = (tensor: GpuTensor | undefined) => ({ buffer: (tensor ?? linear.q.tensor).buffer });
    call.device.run({
      key: `linear steps ${JSON.stringify(program)}`,
      code: () => linearStepsProgram(program),
      params: linearStepsParams.fill(all),
      bindings: [
        ...[or(linear.q.tensor), or(linear.k.tensor)],
        ...[state, out.tensor].map(({ buffer }) => ({ buffer, written: true })),
        ...[or(values?.tensor), or(gates?.tensor), or(bonus)],
      ],
      workgroups: [Math.ceil(linear.columns / stepColumns), sizes.states, 1],
    });
  };
  if (linear.causal) run(sizes.keys, sizes.queries, sizes.keys - sizes.queries, linear.fresh);
  else {
    run(sizes.keys, 0, 0, linear.fresh);
    run(0, sizes.queries, -sizes.queries, false);
  }
}

const divideParams = params({
  ...{ size: "u32", heads: "u32", queries: "u32", columns: "u32", head: "u32", row: "u32", across: "u32" },
  epsilon: "f32",
});

/** Divides what was read by the sums of its weights. */
export function divide(call: GpuCall, { sizes, out }: Linear, sums: GpuTensor, epsilon: number): void {
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
