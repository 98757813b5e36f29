import { byteSize, type Dtype, decodeBfloat16, decodeFloat16 } from "./dtypes.ts";
import { FileFormatError } from "./errors.ts";
import type { TensorData } from "./tensors.ts";

/** Where the elements of one tensor lie, for reading them and for naming them in errors. */
export interface ElementSource {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** Byte of the file at which the first element starts; all elements must lie within `bytes`. */
  readonly offset: number;
  readonly count: number;
  readonly dtype: Dtype;
  readonly littleEndian: boolean;
  /** Path or label of the file. */
  readonly file: string;
  /** The tensor as errors name it, such as `tensor "query"`. */
  readonly label: string;
}

type ElementReader = (view: DataView, at: number, littleEndian: boolean) => number;

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const TWO_32 = 2 ** 32;
const TWO_21 = 2 ** 21;

const READERS: Readonly<Record<Dtype, ElementReader>> = {
  BOOL: (view, at) => view.getUint8(at),
  U8: (view, at) => view.getUint8(at),
  I8: (view, at) => view.getInt8(at),
  I16: (view, at, littleEndian) => view.getInt16(at, littleEndian),
  U16: (view, at, littleEndian) => view.getUint16(at, littleEndian),
  F16: (view, at, littleEndian) => decodeFloat16(view.getUint16(at, littleEndian)),
  BF16: (view, at, littleEndian) => decodeBfloat16(view.getUint16(at, littleEndian)),
  I32: (view, at, littleEndian) => view.getInt32(at, littleEndian),
  U32: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  F32: (view, at, littleEndian) => view.getFloat32(at, littleEndian),
  F64: (view, at, littleEndian) => view.getFloat64(at, littleEndian),
  I64: (view, at, littleEndian) =>
    joinWords(view.getInt32(at + (littleEndian ? 4 : 0), littleEndian), view, at, littleEndian),
  U64: (view, at, littleEndian) =>
    joinWords(view.getUint32(at + (littleEndian ? 4 : 0), littleEndian), view, at, littleEndian),
};

/**
 * Decodes the elements of a tensor to JavaScript numbers, each exactly.
 *
 * Throws a {@link FileFormatError} at the element that is a 64-bit integer beyond ±2^53, or a BOOL other than 0 and 1.
 */
export function decodeElements(source: ElementSource): TensorData {
  const { bytes, offset, count, dtype, littleEndian } = source;
  const size = byteSize(dtype);
  const data = allocate(dtype, count);
  const storedAsIs = data.BYTES_PER_ELEMENT === size && dtype !== "BOOL" && dtype !== "I64" && dtype !== "U64";
  if (storedAsIs && (size === 1 || littleEndian === HOST_IS_LITTLE_ENDIAN)) {
    new Uint8Array(data.buffer).set(bytes.subarray(offset, offset + count * size));
    return data;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, count * size);
  const read = READERS[dtype];
  for (let index = 0; index < count; index++) data[index] = read(view, index * size, littleEndian);
  refuseInexact(source, data, view);
  return data;
}

function allocate(dtype: Dtype, count: number): TensorData {
  switch (dtype) {
    case "F64":
    case "I64":
    case "U64":
      return new Float64Array(count);
    case "F32":
    case "F16":
    case "BF16":
      return new Float32Array(count);
    case "I32":
      return new Int32Array(count);
    case "U32":
      return new Uint32Array(count);
    case "I16":
      return new Int16Array(count);
    case "U16":
      return new Uint16Array(count);
    case "I8":
      return new Int8Array(count);
    case "U8":
    case "BOOL":
      return new Uint8Array(count);
  }
}

/** The 64-bit integer with the given high word, or NaN when its magnitude exceeds 2^53. */
function joinWords(high: number, view: DataView, at: number, littleEndian: boolean): number {
  const low = view.getUint32(at + (littleEndian ? 0 : 4), littleEndian);
  const exact = high >= -TWO_21 && (high < TWO_21 || (high === TWO_21 && low === 0));
  return exact ? high * TWO_32 + low : Number.NaN;
}

function refuseInexact(source: ElementSource, data: TensorData, view: DataView): void {
  const { dtype, file, label, littleEndian } = source;
  if (dtype !== "BOOL" && dtype !== "I64" && dtype !== "U64") return;
  const index = data.findIndex((value) => Number.isNaN(value) || (dtype === "BOOL" && value > 1));
  if (index < 0) return;
  const at = index * byteSize(dtype);
  const offset = source.offset + at;
  if (dtype === "BOOL") {
    throw new FileFormatError({
      file,
      offset,
      reason: `${label} holds a BOOL that is neither 0 nor 1 (flat index ${index})`,
      expected: "0 or 1",
      found: `${data[index]}`,
      mend: "Write the tensor again as 0 and 1, or as U8",
    });
  }
  const found = dtype === "I64" ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian);
  throw new FileFormatError({
    file,
    offset,
    reason: `${label} holds a 64-bit integer that a JavaScript number cannot hold exactly (flat index ${index})`,
    expected: "a magnitude of at most 2^53 = 9007199254740992",
    found: `${found}`,
    mend: "Write the tensor with smaller integers, or split it into two I32 or U32 tensors",
  });
}
