/** Reads matrices into the kernels' memory in 8 or 4 bits, and never makes floats of more than a piece of one. */
import type { Packing } from "../wasm.ts";
import { ModelError } from "./error.ts";
import { toQ4_0, toQ8_0 } from "./gguf-blocks.ts";
import { type Int8Rows, toInt8 } from "./int8-rows.ts";
import { decoded, halfPlace, type Readable, readBytes } from "./reading.ts";
import type { Part, Weight } from "./weights.ts";

/** Formats of blocks, 32 values of a row with a scale of their own; and that of rows with one scale each. */
const blockFormats = ["q8_0", "q4_0"] as const;
export const packedFormats = [...blockFormats, "int8"] as const;
type BlockFormat = (typeof blockFormats)[number];
export type PackedFormat = (typeof packedFormats)[number];

/** Columns that products of int8 take at most. */
const widest = 2 ** 17;

const encodings = { q8_0: "Q8_0", q4_0: "Q4_0" } as const;
const encoders = { q8_0: toQ8_0, q4_0: toQ4_0 } as const;
const blockBytes = { q8_0: 34, q4_0: 18 } as const;

/** A part of a weight, and where it is stored. */
export interface Found {
  readonly part: Part;
  readonly stored: Readable;
}

/** Which of the formats a matrix is kept in: the one asked for, or as it is stored; `undefined`: as floats. */
export function formatOf(
  { shape, transposed, plus, minusExp }: Weight,
  parts: readonly Found[],
  asked: PackedFormat | "float32" | undefined,
): PackedFormat | undefined {
  const [, columns] = shape as [number, number];
  if (asked === "float32" || shape.length !== 2 || plus || minusExp) return undefined;
  if (asked === "int8" ? columns > widest : columns % 32 !== 0) return undefined;
  // Blocks go along the rows of one matrix after the other; four rows lie side by side.
  if (transposed && parts.some(({ part }) => part.shape.length > 2 && part.shape.at(-1)! % 4 !== 0)) return undefined;
  if (transposed && parts.length > 1) return undefined;
  if (asked) return asked;
  const stored = new Set(parts.map(({ stored }) => stored.encoding.name));
  // Blocks that are stored along the columns are none of the rows.
  if (transposed || [...stored].some((name) => !name.startsWith("Q"))) return undefined;
  if (stored.has("Q4_K") || stored.has("Q6_K")) return "q8_0";
  return blockFormats.find((format) => stored.size === 1 && stored.has(encodings[format]));
}

/** Bytes of the kernels' memory that a weight takes. */
export function bytesOf({ shape }: Weight, format: PackedFormat | undefined): number {
  if (!format) return 4 * shape.reduce((product, length) => product * length, 1);
  const [rows, columns] = shape as [number, number];
  const fours = Math.ceil(rows / 4);
  // Of int8 the scales are beside the numbers.
  return format === "int8"
    ? 4 * fours * (32 * Math.ceil(columns / 32) + 4) + 64
    : 4 * fours * (columns / 32) * blockBytes[format];
}

/** Reads the parts of a weight below one another; `seen` is told how many bytes of which part were read. */
export async function packWeight(
  packing: Packing,
  weight: Weight,
  parts: readonly Found[],
  format: PackedFormat,
  signal: AbortSignal | undefined,
  seen: (name: string, bytes: number) => void,
): Promise<void> {
  const packed = format === "int8" ? packRows : packBlocks;
  await packed(packing, weight, parts, format as BlockFormat, signal, seen);
}

async function packRows(
  packing: Packing,
  { transposed }: Weight,
  parts: readonly Found[],
  _format: unknown,
  signal: AbortSignal | undefined,
  seen: (name: string, bytes: number) => void,
): Promise<void> {
  const columns = packing.weights.shape[1]!;
  const writer = new RowWriter(packing, columns);
  const write = ({ bytes, scales }: Int8Rows, interleaved: number | undefined) => {
    const [numbers, own] = interleaved
      ? [
          halved(bytes, interleaved, columns),
          new Float32Array(halved(new Uint8Array(scales.buffer), interleaved, 4).buffer),
        ]
      : [bytes, scales];
    packing.scales.data.set(own, writer.rows);
    writer.push(numbers);
  };
  for (const { part, stored } of parts) {
    const count = part.shape.reduce((product, length) => product * length, 1);
    const outputs = part.shape.at(-1)!;
    // The rows of a matrix that is stored the other way round begin in its first piece and end in its last.
    const matrix = new Float32Array(transposed ? columns * outputs : 0);
    const together = transposed ? outputs : (stored.interleaved ?? 1) * columns;
    await readBytes(stored, count, together, signal, (from, bytes) => {
      const values = decoded(stored, bytes, part.name, from);
      if (!transposed) write(toInt8(values, values.length / columns, columns), stored.interleaved);
      for (let at = 0; transposed && at < values.length; ) {
        const filled = (from + at) % matrix.length;
        const some = values.subarray(at, at + matrix.length - filled);
        matrix.set(some, filled);
        at += some.length;
        if (filled + some.length === matrix.length) write(toInt8(matrix, outputs, columns, true), undefined);
      }
      seen(part.name, bytes.length);
    });
  }
  writer.end();
}

async function packBlocks(
  packing: Packing,
  { transposed }: Weight,
  parts: readonly Found[],
  format: BlockFormat,
  signal: AbortSignal | undefined,
  seen: (name: string, bytes: number) => void,
): Promise<void> {
  const columns = packing.weights.shape[1]!;
  const writer = new RowWriter(packing, (columns / 32) * blockBytes[format]);
  for (const { part, stored } of parts) {
    const count = part.shape.reduce((product, length) => product * length, 1);
    const finite = (bytes: Uint8Array, first: number) => refuseInfinite(bytes, blockBytes[format], part.name, first);
    if (transposed) {
      const outputs = part.shape.at(-1)!;
      await readBytes(stored, count, 32 * outputs, signal, (from, bytes) => {
        const values = decoded(stored, bytes, part.name, from);
        for (let at = 0; at < values.length; at += 32 * outputs) {
          const row = (from + at) / outputs;
          const blocks = encoders[format](turned(values.subarray(at, at + 32 * outputs), outputs));
          packing.write(outputs * Math.floor(row / columns), finite(blocks, from + at), row % columns, 32);
        }
        seen(part.name, bytes.length);
      });
    } else {
      const as = stored.encoding.name === encodings[format];
      const together = (stored.interleaved ?? 1) * columns;
      await readBytes(stored, count, together, signal, (from, bytes) => {
        const blocks = as ? bytes : encoders[format](decoded(stored, bytes, part.name, from));
        const rows = stored.interleaved ? halved(blocks, stored.interleaved, writer.rowBytes) : blocks;
        writer.push(finite(rows, from));
        seen(part.name, bytes.length);
      });
    }
  }
  writer.end();
}

/** Collects rows, and writes them four by four. */
class RowWriter {
  readonly rowBytes: number;
  readonly #packing: Packing;
  #row = 0;
  #left: Uint8Array = new Uint8Array(0);

  constructor(packing: Packing, rowBytes: number) {
    this.#packing = packing;
    this.rowBytes = rowBytes;
  }

  /** Rows so far. */
  get rows(): number {
    return this.#row + this.#left.length / this.rowBytes;
  }

  push(rows: Uint8Array): void {
    let all = rows;
    if (this.#left.length) {
      all = new Uint8Array(this.#left.length + rows.length);
      all.set(this.#left);
      all.set(rows, this.#left.length);
    }
    // A quarter of a MiB at a time: the memory that the kernels read them from is small.
    const four = 4 * this.rowBytes;
    const most = Math.max(1, Math.floor(2 ** 18 / four)) * four;
    const whole = all.length - (all.length % four);
    for (let at = 0; at < whole; at += most) this.#write(all.subarray(at, Math.min(at + most, whole)));
    this.#left = all.slice(whole);
  }

  end(): void {
    if (this.#left.length) this.#write(this.#left);
  }

  #write(bytes: Uint8Array): void {
    this.#packing.write(this.#row, bytes);
    this.#row += bytes.length / this.rowBytes;
  }
}

/** Values [32, outputs] the other way round. */
function turned(values: Float32Array, outputs: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < 32; i++) for (let o = 0; o < outputs; o++) result[32 * o + i] = values[i * outputs + o]!;
  return result;
}

/** Rows of heads of `width` rows, the even ones before the odd ones. */
function halved(bytes: Uint8Array, width: number, rowBytes: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row * rowBytes < bytes.length; row++)
    result.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), halfPlace(row, width) * rowBytes);
  return result;
}

/** The same blocks, whose scales are float16; those of values beyond its range are infinite. */
function refuseInfinite(blocks: Uint8Array, size: number, name: string, first: number): Uint8Array {
  for (let at = 1; at < blocks.length; at += size)
    if ((blocks[at]! & 0x7c) === 0x7c)
      throw new ModelError(
        name,
        `the scale of the block of element ${first + 32 * Math.floor(at / size)} is not finite; take another checkpoint, or weights: "float32" where these are too large for 8 bits`,
      );
  return blocks;
}
