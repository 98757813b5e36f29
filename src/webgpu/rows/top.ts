import { checkCount, rowsOf } from "../../wasm/rows.ts";
import { calling } from "../call.ts";
import type { Device } from "../device.ts";
import { held, part, runs } from "../parts.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";
import { bindable, lanesFor, threads, workgroupsFor } from "./layout.ts";
import { argmaxParams, argmaxProgram, mostTop, topParams, topProgram } from "./top-program.ts";

export interface GpuTop {
  /** [..., K], largest first. */
  readonly values: GpuTensor<"float32">;
  /** [..., K], where in the row they stand. */
  readonly indices: GpuTensor<"int32">;
}

/**
 * The `count` largest values of each row, at most 1024, and their places, largest first; of equal ones (0 and −0 are equal)
 * the earlier comes first. NaN counts as larger than all numbers.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function topK(device: Device, x: FloatsAnywhere, count: number): GpuTop {
  return calling("topK", device, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    checkCount(call, count, width);
    if (count > mostTop)
      call.fail("count", `count is ${count}; on a GPU at most ${mostTop}: read the row and use attnspec/wasm`);
    bindable(call, width);
    const source = call.on(x, "float32");
    const shape = [...x.shape.slice(0, -1), count];
    const [values, indices] = [new GpuTensor(device, shape, "float32"), new GpuTensor(device, shape, "int32")];
    for (const [row, some] of runs(rows, held(device, 4 * width))) {
      const from = part(source, row * width, some * width);
      const [best, at] = [part(values, row * count, some * count), part(indices, row * count, some * count)];
      device.run({
        key: "topK",
        code: topProgram,
        params: topParams.fill({
          ...{ rows: some, width, x: from.first, values: best.first, indices: at.first },
          ...{ count, sorted: 2 ** Math.ceil(Math.log2(count)) },
        }),
        bindings: [from, { ...best, written: true }, { ...at, written: true }],
        workgroups: workgroupsFor(device, some, threads),
      });
    }
    return { values, indices };
  });
}

/**
 * Where the largest value of each row stands, the earliest of equal ones: [..., D] gives [...]. NaN counts as larger than
 * all numbers.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function argmax(device: Device, x: FloatsAnywhere): GpuTensor<"int32"> {
  return calling("argmax", device, (call) => {
    const { rows, width } = rowsOf(call, "x", x);
    bindable(call, width);
    const source = call.on(x, "float32");
    const indices = new GpuTensor(device, x.shape.slice(0, -1), "int32");
    const lanes = lanesFor(width);
    for (const [row, some] of runs(rows, held(device, 4 * width))) {
      const [from, to] = [part(source, row * width, some * width), part(indices, row, some)];
      device.run({
        key: `argmax ${lanes}`,
        code: () => argmaxProgram(lanes),
        params: argmaxParams.fill({ rows: some, width, x: from.first, out: to.first }),
        bindings: [from, { ...to, written: true }],
        workgroups: workgroupsFor(device, some, lanes),
      });
    }
    return indices;
  });
}
