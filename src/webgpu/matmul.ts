import { type MatmulOptions, measure } from "../wasm/matmul.ts";
import { checked } from "../wasm/options.ts";
import { calling, shown } from "./call.ts";
import type { Device } from "./device.ts";
import { matricesBytes, matricesProgram, matricesThreads, matricesTile } from "./matmul-matrices.ts";
import {
  type MatmulProgram,
  type MatmulShape,
  matmulParams,
  matmulProgram,
  sharedBytes,
  tileOf,
} from "./matmul-program.ts";
import type { OnGpu } from "./options.ts";
import { held, part, runs } from "./parts.ts";
import { multiplying, type Precise, precise } from "./precision.ts";
import type { FloatsAnywhere, GpuTensor } from "./tensor.ts";

/** From large to small; the first that leaves no part of the device idle is taken. */
export const shapes: readonly MatmulShape[] = [
  { tall: 8, wide: 4, across: 8, down: 16, deep: 16, ahead: true },
  { tall: 4, wide: 1, across: 16, down: 16, deep: 16, ahead: false },
  { tall: 4, wide: 1, across: 8, down: 8, deep: 16, ahead: false },
];
/** Workgroups that keep a large device busy. */
const enough = 256;

/** For numbers of float16, whose sums over a part are kept beside those of all. */
const halfShapes: readonly MatmulShape[] = [
  { tall: 8, wide: 2, across: 8, down: 16, deep: 16, ahead: true },
  ...shapes.slice(1),
];

interface Wanted extends Pick<MatmulProgram, "vectors" | "transposed" | "biased" | "half"> {
  readonly depth: number;
  readonly rows: number;
  readonly columns: number;
  readonly batch: number;
}

/** The program for a product, and what of the result a workgroup of it makes. */
function programFor(device: Device, { rows, columns, depth, batch, ...wanted }: Wanted, shape?: MatmulShape) {
  const { half, transposed, biased, vectors } = wanted;
  const { matrices: sizes } = device;
  const { maxComputeWorkgroupStorageSize: most, maxComputeInvocationsPerWorkgroup: threads } = device.gpu.limits;
  if (half && sizes && !shape && matricesBytes(sizes, transposed) <= most && matricesThreads(sizes) <= threads) {
    const program = { sizes, vectors: [vectors[0], vectors[1]] as const, transposed, biased };
    return {
      tile: { rows: matricesTile, columns: matricesTile },
      key: `matmul of matrices ${JSON.stringify(program)}`,
      code: () => matricesProgram(program),
    };
  }
  const chosen = shape ?? shapeFor(device, half ? halfShapes : shapes, rows, columns, batch);
  const even = vectors[0] && vectors[1] && depth > 0 && depth % chosen.deep === 0;
  const program = { ...chosen, ...wanted, even };
  return {
    tile: tileOf(program),
    key: `matmul ${JSON.stringify(program)}`,
    code: () => matmulProgram(program),
  };
}

/** The shape for a product of that size. */
function shapeFor(
  device: Device,
  among: readonly MatmulShape[],
  rows: number,
  columns: number,
  batch: number,
): MatmulShape {
  const fitting = among.filter(
    (shape) =>
      sharedBytes(shape) <= device.gpu.limits.maxComputeWorkgroupStorageSize &&
      shape.across * shape.down <= device.gpu.limits.maxComputeInvocationsPerWorkgroup,
  );
  const groups = (shape: MatmulShape) => {
    const tile = tileOf(shape);
    return batch * Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
  };
  return fitting.find((shape) => groups(shape) >= enough) ?? fitting.at(-1)!;
}

/**
 * a · b: [..., M, K] times [K, N], or [..., K, N] with the same leading axes, gives [..., M, N], in float32. Any sizes.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function matmul(
  device: Device,
  a: FloatsAnywhere,
  b: FloatsAnywhere,
  options: OnGpu<MatmulOptions> & Precise = {},
  shape?: MatmulShape,
): GpuTensor<"float32"> {
  const { transposed = false, bias, into } = checked("matmul", options, precise);
  return calling("matmul", device, (call) => {
    const { batch, rows, columns, depth, lead } = measure(call, a, b, transposed);
    if (bias) {
      call.check("bias", bias, Float32Array);
      if (bias.shape.length !== 1 || bias.shape[0] !== columns)
        call.fail("bias", `bias has shape ${shown(bias.shape)}, expected [N] = [${columns}]`);
    }
    const [left, right] = [call.on(a, "float32"), call.on(b, "float32")];
    const added = bias && call.on(bias, "float32");
    const target = call.target("into", [...lead, columns], into, { a, b, bias });
    const vectors = [depth % 4 === 0, (transposed ? depth : columns) % 4 === 0, columns % 4 === 0] as const;
    const { half } = multiplying(call, device, options);
    const wanted = { rows, columns, depth, batch, vectors, transposed, biased: added !== undefined, half };
    const { tile, key, code } = programFor(device, wanted, shape);
    const most = device.gpu.limits.maxComputeWorkgroupsPerDimension;
    // What one binding cannot hold or one dispatch not reach goes to further ones: entries, then rows, then columns.
    const fits = (bytes: number) => held(device, bytes);
    const widest = transposed ? Math.min(fits(4 * depth), most * tile.columns) : columns;
    if (!transposed && depth > fits(4 * columns))
      call.fail("b", `b of ${4 * depth * columns} bytes is more than this device binds at once; give it transposed`);
    const tallest = Math.min(fits(4 * Math.max(depth, columns)), most * tile.rows);
    const whole = rows <= tallest && columns <= widest;
    const together = whole ? Math.min(most, fits(4 * Math.max(rows * depth, rows * columns, depth * columns))) : 1;
    for (const [entry, entries] of runs(batch, together))
      for (const [row, height] of runs(rows, tallest))
        for (const [column, width] of runs(
          columns,
          columns <= widest ? columns : Math.max(4, Math.floor(widest / 4) * 4),
        )) {
          const from = part(left, (entry * rows + row) * depth, (entries - 1) * rows * depth + height * depth);
          const by = part(
            right,
            entry * depth * columns + column * depth,
            (entries - 1) * depth * columns + width * depth,
          );
          const to = part(target, (entry * rows + row) * columns, (entries - 1) * rows * columns + height * columns);
          device.run({
            key,
            code,
            params: matmulParams.fill({
              ...{ rows: height, columns: width, depth, a: from.first, b: by.first, out: to.first + column },
              ...{
                aStep: rows * depth,
                bStep: depth * columns,
                outStep: rows * columns,
                outRow: columns,
                bias: column,
              },
            }),
            bindings: [from, by, { ...to, written: true }, ...(added ? [{ buffer: added.buffer }] : [])],
            workgroups: [Math.ceil(width / tile.columns), Math.ceil(height / tile.rows), entries],
          });
        }
    return target;
  });
}
