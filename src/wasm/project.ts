import type { Arena, Region } from "./arena.ts";
import { type Call, calling, shown } from "./call.ts";
import { KernelError } from "./error.ts";
import type { Exports } from "./exports.ts";
import { type Format, floatOf, formats, type Quantised, rowBytes } from "./quantise.ts";
import type { Floats, WasmTensor } from "./tensor.ts";

/** Quantised weights in the memory of the kernels, in the order in which they read them; valid until the region is released. */
export class PackedWeights {
  readonly arena: Arena;
  readonly shape: readonly number[];
  readonly format: Format;
  readonly #address: number;
  readonly #scales: WasmTensor;

  /** `scales` is a tensor of the region that the numbers at `address` are in. */
  constructor(arena: Arena, shape: readonly number[], format: Format, address: number, scales: WasmTensor) {
    this.arena = arena;
    this.shape = [...shape];
    this.format = format;
    this.#address = address;
    this.#scales = scales;
  }

  /**
   * Where the scales of the rows begin, for `int8`.
   *
   * @throws KernelError if the region is released.
   */
  get scales(): number {
    return this.#scales.address;
  }

  /**
   * Where the numbers begin.
   *
   * @throws KernelError if the region is released.
   */
  get address(): number {
    return this.#scales.address && this.#address;
  }
}

/**
 * Copies quantised weights into a region of the kernels' memory, four rows side by side: as many bytes, but for rows that
 * are missing of four (and columns of 32, with `int8`). Done once, when weights are loaded.
 *
 * @throws KernelError naming what does not fit.
 */
export function pack(exports: Exports, arena: Arena, weights: Quantised, region: Region): PackedWeights {
  const { shape, format, data, scales } = weights;
  const fail = (argument: string, problem: string): never => {
    throw new KernelError("pack", argument, problem);
  };
  const which = formats.indexOf(format);
  if (which < 0) fail("format", `format must be ${formats.join(" or ")}, got ${format}`);
  const [N, K] = shape as [number, number];
  if (shape.length !== 2 || !shape.every((n) => Number.isSafeInteger(n) && n >= 1))
    fail("weights", `weights have shape ${shown(shape)}, expected [N, K], both at least 1`);
  if (format === "int8" ? K > 2 ** 17 : K % 32 !== 0)
    fail(
      "weights",
      `weights have K = ${K}; ${format} needs ${format === "int8" ? "at most 2^17" : "a multiple of 32"}`,
    );
  const expected = N * rowBytes(format, K);
  if (!(data instanceof Uint8Array) || data.length !== expected)
    fail("data", `data of ${shown(shape)} in ${format} must be a Uint8Array of ${expected} bytes, got ${data?.length}`);
  if (format === "int8" && !(scales instanceof Float32Array && scales.length === N))
    fail("scales", `int8 needs a Float32Array of scales, one for each of ${N} rows, got ${scales?.length}`);
  if (format !== "int8") {
    const [bytes, step] = [new DataView(data.buffer, data.byteOffset, data.length), rowBytes(format, 32)];
    for (let at = 0; at < data.length; at += step)
      if (!Number.isFinite(floatOf(bytes.getUint16(at, true))))
        fail("data", `the scale of block ${at / step} is not finite: are these ${format} blocks?`);
  }
  const address = region.allocate(exports.packedBytes(which, N, K) >>> 0);
  const rowScales = region.tensor([(N + 3) & ~3]);
  rowScales.data.fill(0);
  if (scales) rowScales.data.set(scales);
  // A MiB at a time, so that the file's order takes no second memory.
  const rows = Math.max(4, Math.floor(2 ** 20 / rowBytes(format, K)) & ~3);
  const call = arena.region();
  try {
    const source = call.allocate(rowBytes(format, K) * Math.min(rows, N));
    for (let row = 0; row < N; row += rows) {
      const part = data.subarray(rowBytes(format, K) * row, rowBytes(format, K) * Math.min(row + rows, N));
      new Uint8Array(arena.memory.buffer, source, part.length).set(part);
      const target = address + (row && exports.packedBytes(which, row, K));
      exports.pack(which, source, Math.min(rows, N - row), K, target);
    }
  } finally {
    call.release();
  }
  return new PackedWeights(arena, shape, format, address, rowScales);
}

export interface ProjectOptions {
  /** [N], added to each row. Default none. */
  readonly bias?: Floats | undefined;
  /**
   * `float32` (default) takes x as it is. `int8` rounds it to 8 bits, each 32 columns (with `int8` weights each row) with a
   * scale of its own: much faster, and exact but for that rounding and the last scaling.
   */
  readonly activations?: "float32" | "int8" | undefined;
  /** A tensor of the kernels' memory for the result; may not overlap the inputs. Default: the result is a copy outside. */
  readonly into?: WasmTensor | undefined;
}

/** From this many rows on, weights are turned into panels of floats, block by block. */
const MANY = 4;

/**
 * x · Wᵀ + bias for quantised weights: x [..., K] and W [N, K] give [..., N] in float32. Weights that are not packed yet are
 * packed in the call, which costs more than the product.
 *
 * Activations of 8 bits: with m the largest size of a group and all in float32, a number is x · (127 / m) rounded to the
 * nearest integer, halves to even, and its scale m / 127; groups below 2^−120 are 0. What is infinite or NaN gives NaN.
 *
 * @throws KernelError naming the argument whose shape or values do not fit.
 */
export function project(
  exports: Exports,
  arena: Arena,
  x: Floats,
  weights: PackedWeights | Quantised,
  options: ProjectOptions = {},
): Floats {
  const { bias, activations = "float32", into } = options;
  return calling("project", arena, (call) => {
    call.check("x", x, Float32Array);
    const whole = call.choose("activations", activations, ["float32", "int8"]) === 1;
    if (!Array.isArray(weights?.shape))
      call.fail("weights", "weights must be what pack or quantise gives, [N, K]; got none with a shape");
    const [N, K] = weights.shape as [number, number];
    if (x.shape.at(-1) !== K)
      call.fail("x", `x has shape ${shown(x.shape)}, expected [..., K] with K = ${K} as the weights have`);
    if (bias) call.same("bias", bias, [N]);
    if (weights instanceof PackedWeights && weights.arena !== arena)
      call.fail("weights", "weights belong to the memory of other kernels; pack them for these");
    const packed = weights instanceof PackedWeights ? weights : pack(exports, arena, weights, call.region);
    const rows = x.data.length / K;
    const source = call.addressOf("x", x);
    const target = call.target("into", [...x.shape.slice(0, -1), N], into, { x, bias });
    const plus = bias ? padded(call, bias) : 0;
    const format = formats.indexOf(packed.format);
    const { address } = packed;
    const scales = packed.format === "int8" ? packed.scales : 0;
    if (whole) {
      const blocks = Math.ceil(K / 32);
      const numbers = call.region.allocate(rows * exports.activationBytes(format, K));
      const groups = call.region.allocate(4 * rows * (packed.format === "int8" ? 1 : blocks));
      const sums = call.region.allocate(4 * rows * blocks);
      const scratch = call.region.allocate(64);
      exports.quantiseActivations(format, source, rows, K, numbers, groups, sums);
      exports.integerProduct(
        ...([format, address, scales, numbers, groups, sums, plus] as const),
        ...([target.address, rows, N, K, scratch] as const),
      );
    } else if (rows < MANY) {
      const from = K % 32 === 0 ? source : paddedRows(call, x, rows, K);
      exports.directProduct(format, address, scales, from, plus, target.address, rows, N, K);
    } else {
      const scratch = call.region.allocate(exports.panelScratch());
      exports.panelProduct(format, address, scales, source, plus, target.address, rows, N, K, scratch);
    }
    return call.result(target, into);
  });
}

/** A copy of a bias to the next multiple of four, zeros beyond. */
function padded(call: Call, bias: Floats): number {
  const copy = call.region.tensor([(bias.data.length + 3) & ~3]);
  copy.data.fill(0);
  copy.data.set(bias.data);
  return copy.address;
}

/** A copy of a few rows, each to the next multiple of 32 columns, zeros beyond. */
function paddedRows(call: Call, x: Floats, rows: number, K: number): number {
  const width = Math.ceil(K / 32) * 32;
  const copy = call.region.tensor([rows, width]);
  copy.data.fill(0);
  for (let r = 0; r < rows; r++) copy.data.set(x.data.subarray(r * K, (r + 1) * K), r * width);
  return copy.address;
}
