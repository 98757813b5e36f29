import { type MergeOptions, measureMerge } from "../../wasm/decode/merge.ts";
import { checked } from "../../wasm/options.ts";
import type { GpuAttended } from "../attention/attention.ts";
import { calling, type GpuCall } from "../call.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { runMerging } from "./merging-run.ts";

/** A result of attention or of a decode step, here or there. */
export interface AttendedAnywhere {
  readonly out: FloatsAnywhere;
  readonly lse: FloatsAnywhere;
}

/**
 * Results of the same queries over disjoint sets of keys become the result over all keys, up to rounding: so keys can be
 * split over calls or devices. A sink belongs to one of the parts only. A part that saw nothing adds nothing.
 *
 * @throws KernelError naming the argument if there is no part, or their shapes differ.
 */
export function merge(
  device: Device,
  parts: readonly AttendedAnywhere[],
  options: OnGpu<MergeOptions> = {},
): GpuAttended {
  const { layout = "heads-first", into } = checked("merge", options);
  return calling("merge", device, (call) => {
    const { batch, heads, queries, width, tokensFirst } = measureMerge(call, parts, layout);
    const { out: one, lse: two } = parts[0]!;
    const named = Object.fromEntries(parts.map(({ out }, p) => [`parts[${p}].out`, out]));
    const out = call.target("into", one.shape, into, named);
    const lse = new GpuTensor(device, two.shape, "float32");
    const [size, count] = [batch * heads * queries * width, batch * heads * queries];
    if (4 * size * parts.length > device.gpu.limits.maxStorageBufferBindingSize)
      call.fail("parts", "all parts together are more than this device binds at once; merge some of them first");
    const [outs, lses] = [gathered(call, parts, "out", size), gathered(call, parts, "lse", count)];
    runMerging(device, {
      program: { sums: false, vectors: width % 4 === 0 },
      ...{ values: { buffer: outs.buffer }, stats: { buffer: lses.buffer } },
      at: {
        valuesPart: width % 4 === 0 ? size / 4 : size,
        parts: parts.length,
        stats: 0,
        statsRow: 1,
        statsPart: count,
      },
      ...{ entries: batch, heads, firstEntry: 0, firstHead: 0, allHeads: heads },
      ...{ queries, columns: width, tokensFirst, out, lse },
    });
    return { out, lse };
  });
}

/** One thing of all parts, one after the other; each may begin anywhere. */
function gathered(
  call: GpuCall,
  parts: readonly AttendedAnywhere[],
  name: "out" | "lse",
  size: number,
): GpuTensor<"float32"> {
  const all = call.temporary([parts.length, size], "float32");
  parts.forEach((each, p) => {
    const { buffer } = call.floats("parts", each[name]);
    if (size) call.device.copy({ buffer }, { buffer: all.buffer, offset: 4 * p * size }, 4 * size);
  });
  return all;
}
