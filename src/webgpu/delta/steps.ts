/** The delta rule write by write, with every option: for few writes, and for what does not go in chunks. */
import type { GpuCall } from "../call.ts";
import type { Delta, Rows } from "./job.ts";
import { deltaStepColumns, deltaStepsParams, deltaStepsProgram } from "./steps-program.ts";

export function steps(call: GpuCall, delta: Delta): void {
  const { heads, tokens, writes, width, valueWidth, q, k, read, erase, v, beta, gate, out, state } = delta;
  const program = {
    gate: !gate ? ("none" as const) : delta.gateWide ? ("channel" as const) : ("token" as const),
    beta: !beta ? ("none" as const) : delta.betaWide ? ("column" as const) : ("write" as const),
    ...{ logs: delta.logs, read: !!read, erase: !!erase, readBefore: delta.readBefore, diagonal: delta.diagonal },
  };
  const or = (rows: Rows | undefined) => ({ buffer: (rows ?? q).tensor.buffer });
  call.device.run({
    key: `delta steps ${JSON.stringify(program)}`,
    code: () => deltaStepsProgram(program),
    params: deltaStepsParams.fill({
      ...{ all: tokens * writes, writes, width, columns: valueWidth, share: heads / delta.keyHeads },
      ...{ fresh: Number(delta.fresh), scale: delta.scale },
      ...{ qHead: q.head, qRow: q.row, kHead: k.head, kRow: k.row, readAt: 0, eraseAt: read ? k.tensor.size : 0 },
      ...{ vHead: v.head, vRow: v.row, outHead: out.head, outRow: out.row },
      ...{ betaHead: beta?.head ?? 0, betaRow: beta?.row ?? 0, gateHead: gate?.head ?? 0, gateRow: gate?.row ?? 0 },
    }),
    bindings: [
      ...[or(q), or(k), { buffer: state.buffer, written: true }, { buffer: out.tensor.buffer, written: true }],
      ...[or(v), read && erase ? { buffer: both(call, read, erase) } : or(read ?? erase), or(beta), or(gate)],
    ],
    workgroups: [Math.ceil(valueWidth / deltaStepColumns), heads, 1],
  });
}

/** Two tensors in one, since a program may bind eight only. */
function both(call: GpuCall, { tensor: a }: Rows, { tensor: b }: Rows): GPUBuffer {
  const { buffer } = call.temporary([a.size + b.size], "float32");
  if (a.size) call.device.copy({ buffer: a.buffer }, { buffer }, a.bytes);
  if (b.size) call.device.copy({ buffer: b.buffer }, { buffer, offset: a.bytes }, b.bytes);
  return buffer;
}
