/** Weights of few bits: the formats, and rounding to and from them. */
import { KernelError } from "./error.ts";
import type { Floats } from "./tensor.ts";

/** The formats, in the order in which `assembly/quantised/layout.ts` numbers them. */
export const formats = ["int8", "q8_0", "q4_0"] as const;

/**
 * `int8` has one scale a row; `q8_0` and `q4_0` are GGUF's: a scale (an IEEE half) for each 32 numbers of a row, and then
 * 32 bytes, or 16 bytes of which byte i holds numbers i and i + 16 in its lower and upper half, 8 added to each.
 */
export type Format = (typeof formats)[number];

/** Quantised weights [N, K]; K is a multiple of 32 but for `int8`. */
export interface Quantised {
  readonly shape: readonly number[];
  readonly format: Format;
  /** Row by row: K bytes in two's complement, or K/32 blocks of 34 or 18 bytes as GGUF files have them. */
  readonly data: Uint8Array;
  /** [N], with `int8` alone. */
  readonly scales?: Float32Array | undefined;
}

/** Bytes of one row of K numbers. */
export const rowBytes = (format: Format, K: number): number =>
  format === "int8" ? K : (K / 32) * (format === "q8_0" ? 34 : 18);

/**
 * Rounds weights [N, K] to a format. With s the scale, a number is x / s rounded to the nearest integer, halves away from
 * zero. The scale is the largest size of the row or block over 127; for `q4_0` it is the value of largest size over −8, and
 * numbers go from −8 to 7. The scale of a block is rounded to a half (to nearest, ties to even) after the numbers are found.
 *
 * @throws KernelError if the shape is not [N, K], K is no multiple of 32 where it must be, a weight is not finite, or a
 * scale does not fit in a half.
 */
export function quantise(w: Floats, format: Format): Quantised {
  const fail = (argument: string, problem: string): never => {
    throw new KernelError("quantise", argument, problem);
  };
  if (!formats.includes(format)) fail("format", `format must be ${formats.join(" or ")}, got ${format}`);
  if (w.shape.length !== 2 || w.data.length !== w.shape[0]! * w.shape[1]!)
    fail("w", `w has shape [${w.shape.join(", ")}] and ${w.data.length} values, expected [N, K] and N · K of them`);
  const [N, K] = w.shape as [number, number];
  if (format !== "int8" && K % 32 !== 0)
    fail("w", `w has K = ${K}; ${format} needs a multiple of 32: pad it, or take int8`);
  if (!w.data.every(Number.isFinite)) fail("w", "w holds a value that is not finite");
  const width = format === "int8" ? K : 32;
  const data = new Uint8Array(N * rowBytes(format, K));
  const bytes = new DataView(data.buffer);
  const scales = new Float32Array(format === "int8" ? N : 0);
  let at = 0;
  for (let from = 0; from < N * K; from += width) {
    const group = w.data.subarray(from, from + width);
    const largest = group.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
    const scale = Math.fround(format === "q4_0" ? largest / -8 : Math.abs(largest) / 127);
    const numbers = Array.from(group, (x) => (scale === 0 ? 0 : awayFromZero(x / scale)));
    if (format === "int8") scales[from / K] = scale;
    else {
      const half = halfOf(scale);
      if ((half & 0x7c00) === 0x7c00) fail("w", `w holds ${largest}, too large for the scale of ${format}`);
      bytes.setUint16(at, half, true);
      at += 2;
    }
    if (format === "q4_0")
      for (let i = 0; i < 16; i++) data[at++] = nibble(numbers[i]!) | (nibble(numbers[i + 16]!) << 4);
    else for (const n of numbers) data[at++] = Math.min(Math.max(n, -127), 127);
  }
  return { shape: [N, K], format, data, ...(format === "int8" ? { scales } : {}) };
}

/** The weights that quantised ones stand for. */
export function dequantise({ shape, format, data, scales }: Quantised): Floats {
  const [N, K] = shape as [number, number];
  const signed = new Int8Array(data.buffer, data.byteOffset, data.length);
  const bytes = new DataView(data.buffer, data.byteOffset, data.length);
  const step = format === "q8_0" ? 34 : 18;
  const value = (place: number): number => {
    if (format === "int8") return signed[place]! * scales![Math.floor(place / K)]!;
    const [block, i] = [Math.floor(place / 32) * step, place % 32];
    const scale = floatOf(bytes.getUint16(block, true));
    if (format === "q8_0") return signed[block + 2 + i]! * scale;
    const byte = data[block + 2 + (i % 16)]!;
    return ((i < 16 ? byte & 15 : byte >> 4) - 8) * scale;
  };
  return { shape: [N, K], data: Float32Array.from({ length: N * K }, (_, place) => value(place)) };
}

const awayFromZero = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
const nibble = (n: number): number => Math.min(Math.max(n, -8), 7) + 8;

/** The bits of the half nearest to a number, ties to even; ∞ from 65520 on. */
export function halfOf(x: number): number {
  const size = Math.abs(x);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  if (Number.isNaN(x)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Adding and taking off 2^52 rounds to an integer; a fraction of 1024 or more moves the exponent on.
  const fraction = size * 2 ** (10 - exponent) + 2 ** 52 - 2 ** 52;
  return sign | (size === 0 ? 0 : ((exponent + 14) << 10) + fraction);
}

/** The number that the bits of a half stand for. */
export function floatOf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}
