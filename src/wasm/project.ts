import type { Arena, Region } from "./arena.ts";
import { type Call, calling, shown } from "./call.ts";
import { sizeOf } from "./checks.ts";
import { type Dots, integerProduct } from "./dots.ts";
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
  readonly #first: number;

  /**
   * `scales` is a tensor of the region that the numbers at `address` are in; of `int8` the scales of the rows, those of these
   * rows from `first` on.
   */
  constructor(arena: Arena, shape: readonly number[], format: Format, address: number, scales: WasmTensor, first = 0) {
    this.arena = arena;
    this.shape = [...shape];
    this.format = format;
    this.#address = address;
    this.#scales = scales;
    this.#first = first;
  }

  /**
   * Where the scales of the rows begin, for `int8`.
   *
   * @throws KernelError if the region is released.
   */
  get scales(): number {
    return this.#scales.address + 4 * this.#first;
  }

  /**
   * Where the numbers begin.
   *
   * @throws KernelError if the region is released.
   */
  get address(): number {
    return this.#scales.address && this.#address;
  }

  /** Bytes of the memory that the numbers take, with their scales. */
  get bytes(): number {
    const [N, K] = this.shape as [number, number];
    return Math.ceil(N / 4) * (groupBytes(this.format, K) + (this.format === "int8" ? 16 : 0));
  }

  /**
   * `count` rows from `first` on, a multiple of four, not a copy.
   *
   * @throws KernelError if they are not there, or begin elsewhere.
   */
  rows(first: number, count: number): PackedWeights {
    const [N, K] = this.shape as [number, number];
    if (!(Number.isSafeInteger(first) && first >= 0 && first % 4 === 0))
      throw new KernelError("rows", "first", `first must be a multiple of 4, got ${first}`);
    if (!(Number.isSafeInteger(count) && count >= 1 && first + count <= N))
      throw new KernelError("rows", "count", `count must be 1 to ${N - first}, got ${count}`);
    const address = this.address + (first / 4) * groupBytes(this.format, K);
    return new PackedWeights(this.arena, [count, K], this.format, address, this.#scales, this.#first + first);
  }

  /**
   * Writes the numbers that row `row` stands for to the front of `target`, as the lookup of an embedding wants them.
   *
   * @throws KernelError if there is no such row.
   */
  readRow(row: number, target: Float32Array): void {
    const [N, K] = this.shape as [number, number];
    if (!(Number.isSafeInteger(row) && row >= 0 && row < N))
      throw new KernelError("readRow", "row", `row must be a whole number from 0 to ${N - 1}, got ${row}`);
    if (target.length < K)
      throw new KernelError("readRow", "target", `target has room for ${target.length} values, expected at least ${K}`);
    const { format } = this;
    const at = this.address + Math.floor(row / 4) * groupBytes(format, K);
    const view = new DataView(this.arena.memory.buffer, at, groupBytes(format, K));
    const lane = row % 4;
    const numbers = format === "q4_0" ? 64 : 128;
    const step = groupBytes(format, 32);
    for (let block = 0; 32 * block < K; block++) {
      const from = block * step;
      const scale =
        format === "int8"
          ? this.#scales.data[this.#first + row]!
          : floatOf(view.getUint16(from + numbers + 2 * lane, true));
      for (let i = 0; i < Math.min(32, K - 32 * block); i++) {
        const place = format === "q4_0" ? i % 16 : i;
        const byte = view.getInt8(from + 16 * (place >> 2) + 4 * lane + (place & 3));
        const number = format === "q4_0" ? ((i < 16 ? byte : byte >> 4) & 15) - 8 : byte;
        target[32 * block + i] = number * scale;
      }
    }
  }
}

/** Bytes of four rows of K numbers side by side; see `assembly/quantised/layout.ts`. */
const groupBytes = (format: Format, K: number): number => 4 * rowBytes(format, 32) * Math.ceil(K / 32);

/** Room for quantised weights that come piece by piece, so that beside them there is never a second copy of all. */
export class Packing {
  /** What is packed; what it holds is undefined until all is written. */
  readonly weights: PackedWeights;
  /** [N], of `int8` the scales of the rows, zeros at first; empty of the other formats. */
  readonly scales: WasmTensor;
  readonly #exports: Exports;
  readonly #arena: Arena;

  /**
   * Takes room for [N, K] from a region of the kernels' memory.
   *
   * @throws KernelError naming what does not fit.
   */
  constructor(exports: Exports, arena: Arena, shape: readonly number[], format: Format, region: Region) {
    const which = formats.indexOf(format);
    if (which < 0) refuse("format", `format must be ${formats.join(" or ")}, got ${format}`);
    const [N, K] = shape as [number, number];
    if (shape.length !== 2 || !shape.every((n) => Number.isSafeInteger(n) && n >= 1))
      refuse("weights", `weights have shape ${shown(shape)}, expected [N, K], both at least 1`);
    if (format === "int8" ? K > 2 ** 17 : K % 32 !== 0)
      refuse(
        "weights",
        `weights have K = ${K}; ${format} needs ${format === "int8" ? "at most 2^17" : "a multiple of 32"}`,
      );
    this.#exports = exports;
    this.#arena = arena;
    const address = region.allocate(exports.packedBytes(which, N, K) >>> 0);
    this.scales = region.tensor([format === "int8" ? (N + 3) & ~3 : 0]);
    this.scales.data.fill(0);
    this.weights = new PackedWeights(arena, shape, format, address, this.scales);
  }

  /**
   * Takes rows from `row` on, a multiple of four, in the order of {@link Quantised}; as many as `data` holds, which is a
   * multiple of four unless the last is among them. Of `q8_0` and `q4_0` these may be `columns` columns from `column` on,
   * multiples of 32. Scales must be finite, which is not checked.
   *
   * @throws KernelError naming what does not fit.
   */
  write(row: number, data: Uint8Array, column = 0, columns = this.weights.shape[1]!): void {
    const { format, shape, address } = this.weights;
    const [N, K] = shape as [number, number];
    const own = rowBytes(format, columns);
    const rows = data.length / own;
    if (
      !(
        row >= 0 &&
        row % 4 === 0 &&
        rows >= 1 &&
        Number.isSafeInteger(rows) &&
        row + rows <= N &&
        (rows % 4 === 0 || row + rows === N)
      )
    )
      refuse(
        "data",
        `${data.length} bytes from row ${row} on are no rows of ${own} bytes of four times n rows of ${N}`,
      );
    if (
      (column !== 0 || columns !== K) &&
      !(
        format !== "int8" &&
        column >= 0 &&
        column % 32 === 0 &&
        columns >= 32 &&
        columns % 32 === 0 &&
        column + columns <= K
      )
    )
      refuse("column", `columns ${column} to ${column + columns - 1} are no whole blocks of 32 of ${K}`);
    const which = formats.indexOf(format);
    const target = address + (row / 4) * groupBytes(format, K) + groupBytes(format, column);
    const call = this.#arena.region();
    try {
      const source = call.allocate(data.length);
      new Uint8Array(this.#arena.memory.buffer, source, data.length).set(data);
      if (columns === K) this.#exports.pack(which, source, rows, K, target);
      else
        for (let four = 0; four < rows; four += 4)
          this.#exports.pack(
            ...([which, source + four * own, Math.min(4, rows - four), columns] as const),
            target + (four / 4) * groupBytes(format, K),
          );
    } finally {
      call.release();
    }
  }
}

function refuse(argument: string, problem: string): never {
  throw new KernelError("pack", argument, problem);
}

/**
 * Copies quantised weights into a region of the kernels' memory, four rows side by side: as many bytes, but for rows that
 * are missing of four (and columns of 32, with `int8`). Done once, when weights are loaded.
 *
 * @throws KernelError naming what does not fit.
 */
export function pack(exports: Exports, arena: Arena, weights: Quantised, region: Region): PackedWeights {
  const { shape, format, data, scales } = weights;
  checkQuantised(weights);
  const packing = new Packing(exports, arena, shape, format, region);
  const [N, K] = shape as [number, number];
  if (scales) packing.scales.data.set(scales);
  // A MiB at a time, so that the file's order takes no second memory.
  const own = rowBytes(format, K);
  const rows = Math.max(4, Math.floor(2 ** 20 / own) & ~3);
  for (let row = 0; row < N; row += rows) packing.write(row, data.subarray(own * row, own * Math.min(row + rows, N)));
  return packing.weights;
}

/** Refuses numbers that are not as many as the shape says, and scales that are not finite. */
function checkQuantised({ shape, format, data, scales }: Quantised): void {
  const [N, K] = shape as [number, number];
  // What is no format and no shape is refused where room is taken.
  if (!formats.includes(format) || shape.length !== 2 || (format !== "int8" && K % 32 !== 0)) return;
  const expected = N * rowBytes(format, K);
  if (!(data instanceof Uint8Array) || data.length !== expected)
    refuse(
      "data",
      `data of ${shown(shape)} in ${format} must be a Uint8Array of ${expected} bytes, got ${data?.length}`,
    );
  if (format === "int8" && !(scales instanceof Float32Array && scales.length === N))
    refuse("scales", `int8 needs a Float32Array of scales, one for each of ${N} rows, got ${scales?.length}`);
  if (format === "int8") return;
  const [bytes, step] = [new DataView(data.buffer, data.byteOffset, data.length), rowBytes(format, 32)];
  for (let at = 0; at < data.length; at += step)
    if (!Number.isFinite(floatOf(bytes.getUint16(at, true))))
      refuse("data", `the scale of block ${at / step} is not finite: are these ${format} blocks?`);
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
  way: { readonly dots: Dots } = { dots: "wide" },
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
    const rows = sizeOf(x.shape) / K;
    const source = call.addressOf("x", x);
    const target = call.target("into", [...x.shape.slice(0, -1), N], into, { x, bias });
    const plus = bias ? padded(call, bias) : 0;
    const format = formats.indexOf(packed.format);
    const { address } = packed;
    const scales = packed.format === "int8" ? packed.scales : 0;
    if (whole) {
      integerProduct(exports, arena, way.dots, {
        ...{ format: packed.format, weights: address, scales, source, bias: plus },
        ...{ target: target.address, rows, columns: N, depth: K },
      });
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
