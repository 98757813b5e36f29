import type { MapOptions } from "../../wasm/elementwise.ts";
import { checked } from "../../wasm/options.ts";
import { rowsOf } from "../../wasm/rows.ts";
import { calling, type GpuCall } from "../call.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { held, part, runs } from "../parts.ts";
import type { FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { bindable, lanesFor, workgroupsFor } from "./layout.ts";
import { softmaxParams, softmaxProgram } from "./softmax-program.ts";

function run(
  call: GpuCall,
  x: FloatsAnywhere,
  logarithms: boolean,
  into: GpuTensor<"float32"> | undefined,
): GpuTensor<"float32"> {
  const { device } = call;
  const { rows, width } = rowsOf(call, "x", x);
  bindable(call, width);
  const target = call.target("into", logarithms ? x.shape.slice(0, -1) : x.shape, into, { x });
  const source = call.on(x, "float32");
  const program = { lanes: lanesFor(width), logarithms };
  const each = logarithms ? 1 : width;
  for (const [row, some] of runs(rows, held(device, 4 * width))) {
    const [from, to] = [part(source, row * width, some * width), part(target, row * each, some * each)];
    device.run({
      key: `softmax ${JSON.stringify(program)}`,
      code: () => softmaxProgram(program),
      params: softmaxParams.fill({
        ...{ rows: some, width, x: from.first, out: to.first, endless: 0x7f800000, notANumber: 0x7fc00000 },
      }),
      bindings: [from, { ...to, written: true }],
      workgroups: workgroupsFor(device, some, program.lanes),
    });
  }
  return target;
}

/**
 * The softmax of each row. A row of −∞ alone gives zeros; one that holds NaN or ∞ gives NaN. Weights below 2^−100 of the
 * largest are 0.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function softmax(device: Device, x: FloatsAnywhere, options: OnGpu<MapOptions> = {}): GpuTensor<"float32"> {
  const { into } = checked("softmax", options);
  return calling("softmax", device, (call) => run(call, x, false, into));
}

/**
 * ln Σ e^x of each row: [..., D] gives [...]. A row of −∞ alone gives −∞, one that holds ∞ gives ∞.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function logSumExp(device: Device, x: FloatsAnywhere, options: OnGpu<MapOptions> = {}): GpuTensor<"float32"> {
  const { into } = checked("logSumExp", options);
  return calling("logSumExp", device, (call) => run(call, x, true, into));
}
