import { checked } from "../../wasm/options.ts";
import { measureNorm, type Norm, type NormOptions, rowsOf } from "../../wasm/rows.ts";
import { calling } from "../call.ts";
import type { Device } from "../device.ts";
import type { OnGpu } from "../options.ts";
import { held, part, runs } from "../parts.ts";
import type { FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { bindable, lanesFor, workgroupsFor } from "./layout.ts";
import { furtherOf, normParams, normProgram } from "./norm-program.ts";

/**
 * The norm of each row, times weight, plus bias; with `residual` of the sum of the two. Sums are taken in float32, of rows
 * brought near 1, so that no row is too large.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function norm(
  device: Device,
  x: FloatsAnywhere,
  kind: Norm,
  options: OnGpu<NormOptions> = {},
): GpuTensor<"float32"> {
  const { weight, bias, residual, sum, offset = 0, into } = checked("norm", options);
  return calling("norm", device, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    const { epsilon } = measureNorm(call, x, width, kind, options);
    bindable(call, width);
    const inputs = { x, residual, weight, bias };
    const target = call.target("into", x.shape, into, { ...inputs, sum });
    if (sum) call.target("sum", x.shape, sum, inputs);
    const source = call.on(x, "float32");
    const others = {
      weight: weight && call.on(weight, "float32"),
      bias: bias && call.on(bias, "float32"),
      residual: residual && call.on(residual, "float32"),
      sum,
    };
    const program = {
      ...{ lanes: lanesFor(width), kind, weight: !!weight, bias: !!bias, residual: !!residual, sum: !!sum },
    };
    for (const [row, some] of runs(rows, held(device, 4 * width))) {
      const of = (tensor: GpuTensor) => part(tensor, row * width, some * width);
      const [from, to] = [of(source), of(target)];
      const [more, added] = [others.residual && of(others.residual), sum && of(sum)];
      const bound = { weight: others.weight, bias: others.bias, residual: more, sum: added };
      device.run({
        key: `norm ${JSON.stringify(program)}`,
        code: () => normProgram(program),
        params: normParams.fill({
          ...{ rows: some, width, x: from.first, residual: more?.first ?? 0, out: to.first, sum: added?.first ?? 0 },
          ...{ epsilon, offset },
        }),
        bindings: [
          ...[from, { ...to, written: true }],
          ...furtherOf(program).map((name) => {
            const {
              buffer,
              offset: begin,
              size,
            } = bound[name] as { buffer: GPUBuffer; offset?: number; size?: number };
            return { buffer, offset: begin, size: begin === undefined ? undefined : size, written: name === "sum" };
          }),
        ],
        workgroups: workgroupsFor(device, some, program.lanes),
      });
    }
    return target;
  });
}
