import { checked } from "../wasm/options.ts";
import { measureRotary, type RotaryOptions } from "../wasm/rotary.ts";
import { calling } from "./call.ts";
import type { Device } from "./device.ts";
import type { OnGpu } from "./options.ts";
import { held, part, runs } from "./parts.ts";
import { rotaryParams, rotaryProgram, rotaryThreads } from "./rotary-program.ts";
import type { FloatsAnywhere, GpuTensor } from "./tensor.ts";

/** Cosines and sines of each place and plane, [P, R/2], here or there. */
export interface RotaryTableAnywhere {
  readonly cosines: FloatsAnywhere;
  readonly sines: FloatsAnywhere;
}

/**
 * Turns the first R features of each token by its place: x [..., T, D] or with the tokens elsewhere. R is twice the
 * width of the table, at most D; the other features stay.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function rotate(
  device: Device,
  x: FloatsAnywhere,
  table: RotaryTableAnywhere,
  options: OnGpu<RotaryOptions> = {},
): GpuTensor<"float32"> {
  const { first = 0, rows, into } = checked("rotate", options);
  return calling("rotate", device, (call) => {
    const { outer, tokens, inner, width, planes, interleaved } = measureRotary(call, x, table, options);
    const { cosines, sines } = table;
    const target = call.target("into", x.shape, into, { x, cosines, sines });
    if (target.size === 0) return target;
    const source = call.on(x, "float32");
    const of = [call.on(cosines, "float32"), call.on(sines, "float32")] as const;
    for (const { bytes } of of)
      if (bytes > device.gpu.limits.maxStorageBufferBindingSize)
        call.fail(
          "table",
          `a table of ${bytes} bytes is more than this device binds at once; give only the rows needed`,
        );
    const listed = rows && call.on(rows, "int32");
    const program = { interleaved: interleaved === 1, listed: listed !== undefined };
    const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
    for (const [row, some] of runs(outer * tokens * inner, held(device, 4 * width))) {
      const [from, to] = [part(source, row * width, some * width), part(target, row * width, some * width)];
      const groups = Math.ceil((some * width) / rotaryThreads);
      const across = Math.min(groups, most);
      device.run({
        key: `rotate ${JSON.stringify(program)}`,
        code: () => rotaryProgram(program),
        params: rotaryParams.fill({
          ...{ count: some * width, startRow: row, x: from.first, out: to.first },
          ...{ tokens, inner, width, planes, first },
        }),
        bindings: [
          from,
          ...of.map(({ buffer }) => ({ buffer })),
          { ...to, written: true },
          ...(listed ? [{ buffer: listed.buffer }] : []),
        ],
        workgroups: [across, Math.ceil(groups / across), 1],
      });
    }
    return target;
  });
}
