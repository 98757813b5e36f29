import type { MapOptions } from "../wasm/elementwise.ts";
import { measureGather } from "../wasm/gather.ts";
import { checked } from "../wasm/options.ts";
import type { Halves, Integers } from "../wasm/tensor.ts";
import { calling } from "./call.ts";
import type { Device } from "./device.ts";
import { gatherParams, gatherProgram, gatherThreads } from "./gather-program.ts";
import type { OnGpu } from "./options.ts";
import { held, part, runs } from "./parts.ts";
import type { FloatsAnywhere, GpuTensor } from "./tensor.ts";

/** Real numbers of two bytes, here or there. */
export interface HalvesAnywhere {
  readonly shape: readonly number[];
  readonly format: Halves["format"];
  readonly data: Uint16Array | GpuTensor<"float16">;
}

/**
 * Rows of a table by their numbers, as the lookup of embeddings: table [V, D] and indices [...] give [..., D] in float32.
 * The table may hold 2-byte floats. Of indices on the GPU nobody knows whether they are right: one outside the table gives
 * a row of zeros.
 *
 * @throws KernelError naming the argument whose shape or values do not fit, an index outside the table among them.
 */
export function gather(
  device: Device,
  table: FloatsAnywhere | HalvesAnywhere,
  indices: Integers | GpuTensor<"int32">,
  options: OnGpu<MapOptions> = {},
): GpuTensor<"float32"> {
  const { into } = checked("gather", options);
  return calling("gather", device, (call) => {
    const { halves, bfloat, height, width } = measureGather(call, table, indices);
    const target = call.target("into", [...indices.shape, width], into, { table });
    if (target.size === 0) return target;
    const [source, numbers] = [call.on(table, halves ? "float16" : "float32"), call.on(indices, "int32")];
    const format = halves ? (bfloat ? "bfloat16" : "float16") : "float32";
    const vector = width % 4 === 0;
    const per = vector ? 4 : 1;
    const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
    const atOnce = held(device, 4 * width);
    // At least once, so that what is in no table becomes zeros.
    for (const [row, rows] of runs(target.size / width, atOnce))
      for (const [first, seen] of height ? runs(height, held(device, (halves ? 2 : 4) * width)) : [[0, 0] as const]) {
        const [from, at] = [part(source, first * width, seen * width), part(numbers, row, rows)];
        const to = part(target, row * width, rows * width);
        const count = (rows * width) / per;
        const groups = Math.ceil(count / gatherThreads);
        const across = Math.min(groups, most);
        device.run({
          key: `gather ${format} ${vector}`,
          code: () => gatherProgram({ format, vector }),
          params: gatherParams.fill({
            ...{ count, width: width / per, table: from.first / per, first, seen, height },
            ...{ indices: at.first, out: to.first / per },
          }),
          bindings: [from, at, { ...to, written: true }],
          workgroups: [across, Math.ceil(groups / across), 1],
        });
      }
    return target;
  });
}
