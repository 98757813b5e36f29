export { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "./narrow-floats.ts";

/** Element types, spelt as in safetensors and ordered as the reference writer of that format orders them. */
export const DTYPES = [
  "BOOL",
  "U8",
  "I8",
  "I16",
  "U16",
  "F16",
  "BF16",
  "I32",
  "U32",
  "F32",
  "F64",
  "I64",
  "U64",
] as const;

/** An element type in its safetensors spelling. */
export type Dtype = (typeof DTYPES)[number];

/** The whole numbers an integer element type can hold and a JavaScript number can tell apart, both ends included. */
export interface IntegerRange {
  readonly least: number;
  readonly most: number;
}

const LARGEST_EXACT = 2 ** 53;

const BYTE_SIZES: Readonly<Record<Dtype, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};

const INTEGER_RANGES: Readonly<Partial<Record<Dtype, IntegerRange>>> = {
  BOOL: { least: 0, most: 1 },
  U8: { least: 0, most: 2 ** 8 - 1 },
  I8: { least: -(2 ** 7), most: 2 ** 7 - 1 },
  I16: { least: -(2 ** 15), most: 2 ** 15 - 1 },
  U16: { least: 0, most: 2 ** 16 - 1 },
  I32: { least: -(2 ** 31), most: 2 ** 31 - 1 },
  U32: { least: 0, most: 2 ** 32 - 1 },
  I64: { least: -LARGEST_EXACT, most: LARGEST_EXACT },
  U64: { least: 0, most: LARGEST_EXACT },
};

/** Whether a text is the safetensors spelling of an element type this library reads and writes. */
export function isDtype(text: string): text is Dtype {
  return (DTYPES as readonly string[]).includes(text);
}

/** Bytes one element occupies in a file. */
export function byteSize(dtype: Dtype): number {
  return BYTE_SIZES[dtype];
}

/**
 * The range of an integer element type (BOOL counts as 0 to 1), or undefined for a floating-point type.
 *
 * I64 and U64 stop at ±2^53, where JavaScript numbers stop telling neighbours apart.
 */
export function integerRange(dtype: Dtype): IntegerRange | undefined {
  return INTEGER_RANGES[dtype];
}
