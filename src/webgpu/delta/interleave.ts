/** Erasing at one key and adding at another: two writes of the delta rule, one after the other. */
import type { GpuCall } from "../call.ts";
import { params } from "../params.ts";
import type { GpuTensor } from "../tensor.ts";
import { storage } from "../wgsl.ts";
import type { Delta, Rows } from "./job.ts";

const interleaveParams = params({
  ...{ size: "u32", rows: "u32", columns: "u32", across: "u32", evenHead: "u32", evenRow: "u32" },
  ...{ oddHead: "u32", oddRow: "u32", even: "f32", odd: "f32" },
});

/** Rows of two tensors in turn, heads first; or of numbers. */
function interleave(
  call: GpuCall,
  even: Rows | number,
  odd: Rows | number,
  [heads, rows, columns]: readonly [number, number, number],
): GpuTensor {
  const tensor = call.temporary([heads, 2 * rows, columns], "float32");
  const across = Math.min(call.device.gpu.limits.maxComputeWorkgroupsPerDimension, Math.ceil(tensor.size / 64));
  const given = [even, odd].map((of) => typeof of !== "number") as [boolean, boolean];
  const of = (rows: Rows | number) => (typeof rows === "number" ? { head: 0, row: 0 } : rows);
  const tensorOf = (rows: Rows | number) => (typeof rows === "number" ? undefined : rows.tensor);
  const any = (tensorOf(even) ?? tensorOf(odd))!;
  call.device.run({
    key: `delta interleave ${given}`,
    code: () => `${interleaveParams.wgsl}
${storage(1, "evens", "f32")}
${storage(2, "odds", "f32")}
${storage(3, "all", "f32", true)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.y * params.across + id.x;
  if (at >= params.size) { return; }
  let column = at % params.columns;
  let line = at / params.columns;
  let row = (line / 2u) % params.rows;
  let head = line / (2u * params.rows);
  if (line % 2u == 0u) {
    all[at] = ${given[0] ? "evens[head * params.evenHead + row * params.evenRow + column]" : "params.even"};
  } else {
    all[at] = ${given[1] ? "odds[head * params.oddHead + row * params.oddRow + column]" : "params.odd"};
  }
}
`,
    params: interleaveParams.fill({
      ...{ size: tensor.size, rows, columns, across: 64 * across },
      ...{ evenHead: of(even).head, evenRow: of(even).row, oddHead: of(odd).head, oddRow: of(odd).row },
      ...{ even: typeof even === "number" ? even : 0, odd: typeof odd === "number" ? odd : 0 },
    }),
    bindings: [
      ...[tensorOf(even) ?? any, tensorOf(odd) ?? any].map(({ buffer }) => ({ buffer })),
      { buffer: tensor.buffer, written: true },
    ],
    workgroups: [across, Math.ceil(tensor.size / 64 / Math.max(1, across)), 1],
  });
  return tensor;
}

/** The same rule with twice the writes: one that takes away what was read, then one that adds. */
export function interleaved(call: GpuCall, delta: Delta): Delta {
  const { heads, keyHeads, tokens, writes, width, valueWidth, k, v, read, erase, beta } = delta;
  const all = tokens * writes;
  const rows = (tensor: GpuTensor, columns: number): Rows => ({ tensor, head: 2 * all * columns, row: columns });
  return {
    ...delta,
    writes: 2 * writes,
    k: rows(interleave(call, erase!, k, [keyHeads, all, width]), width),
    read: rows(interleave(call, read ?? k, 0, [keyHeads, all, width]), width),
    erase: undefined,
    v: rows(interleave(call, 0, v, [heads, all, valueWidth]), valueWidth),
    beta: beta && rows(interleave(call, beta, 1, [heads, all, 1]), 1),
  };
}
