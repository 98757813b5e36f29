import {
  byteSize,
  DTYPES,
  type Dtype,
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  integerRange,
  isDtype,
} from "./dtypes.ts";
import { FileFormatError } from "./errors.ts";
import { elementCount, indexAt, isAxisLength, sizeText } from "./shapes.ts";
import type { WritableTensor } from "./tensors.ts";
import { listText, quote } from "./text.ts";

/** A tensor found fit to be written: its element type is known and its shape agrees with its data. */
export interface CheckedTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly byteLength: number;
  /** Path or label of the file to be written. */
  readonly file: string;
  /** The tensor as errors name it, such as `tensor "query"`. */
  readonly label: string;
}

type ElementWriter = (view: DataView, at: number, value: number) => void;

const TWO_32 = 2 ** 32;

const WRITERS: Readonly<Record<Dtype, ElementWriter>> = {
  BOOL: (view, at, value) => view.setUint8(at, value),
  U8: (view, at, value) => view.setUint8(at, value),
  I8: (view, at, value) => view.setInt8(at, value),
  I16: (view, at, value) => view.setInt16(at, value, true),
  U16: (view, at, value) => view.setUint16(at, value, true),
  F16: (view, at, value) => view.setUint16(at, encodeFloat16(value), true),
  BF16: (view, at, value) => view.setUint16(at, encodeBfloat16(value), true),
  I32: (view, at, value) => view.setInt32(at, value, true),
  U32: (view, at, value) => view.setUint32(at, value, true),
  F32: writeFloat32,
  F64: writeFloat64,
  I64: writeInteger64,
  U64: writeInteger64,
};

/** Checks element type, shape and number of elements; throws a {@link FileFormatError} that names the tensor. */
export function checkTensor(tensor: WritableTensor, file: string, label: string): CheckedTensor {
  const { shape, data, dtype = "F64" } = tensor;
  const refuse = (reason: string, expected: string, found: string, mend: string) =>
    new FileFormatError({ file, reason: `${label} ${reason}`, expected, found, mend });
  if (!isDtype(dtype)) {
    throw refuse(
      "has an unknown element type",
      `one of ${DTYPES.join(", ")}`,
      quote(String(dtype)),
      "Name one of these",
    );
  }
  const wrongAxis = shape.findIndex((length) => !isAxisLength(length));
  if (wrongAxis >= 0) {
    const found = `${shape[wrongAxis]} for axis ${wrongAxis}`;
    throw refuse(
      "has an impossible shape",
      "whole numbers from 0 to 2^53 - 1",
      found,
      "Give the true length of each axis",
    );
  }
  const count = elementCount(shape);
  if (count !== data.length) {
    const expected = `${sizeText(count)} elements for shape ${listText(shape)}`;
    throw refuse("has data that do not fill its shape", expected, `${data.length}`, "Make shape and data agree");
  }
  return { dtype, shape, data, byteLength: count * byteSize(dtype), file, label };
}

/**
 * Writes the elements little-endian into `target` from `offset` on, floating-point types rounded once to nearest even.
 *
 * Throws a {@link FileFormatError} naming tensor and index for a fraction or NaN in an integer type, for a value out
 * of range, and for a finite value that would become infinite.
 */
export function encodeElements(tensor: CheckedTensor, target: Uint8Array, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset + offset, tensor.byteLength);
  const size = byteSize(tensor.dtype);
  const write = WRITERS[tensor.dtype];
  const holds = holder(tensor.dtype);
  for (let index = 0; index < tensor.data.length; index++) {
    const value: unknown = tensor.data[index];
    if (typeof value !== "number" || !holds(value)) throw unfit(tensor, index, value);
    write(view, index * size, value);
  }
}

function holder(dtype: Dtype): (value: number) => boolean {
  const range = integerRange(dtype);
  if (range) return (value) => Number.isInteger(value) && value >= range.least && value <= range.most;
  const round = rounder(dtype);
  return (value) => Number.isFinite(round(value)) || !Number.isFinite(value);
}

function rounder(dtype: Dtype): (value: number) => number {
  if (dtype === "F32") return Math.fround;
  if (dtype === "F16") return (value) => decodeFloat16(encodeFloat16(value));
  if (dtype === "BF16") return (value) => decodeBfloat16(encodeBfloat16(value));
  return (value) => value;
}

function unfit(tensor: CheckedTensor, index: number, value: unknown): FileFormatError {
  const { dtype, file, label, shape } = tensor;
  const range = integerRange(dtype);
  const kind = range
    ? `a whole number from ${range.least} to ${range.most}`
    : `a number within the finite range of ${dtype}`;
  const place = `element ${listText(indexAt(index, shape))} (flat index ${index})`;
  return new FileFormatError({
    file,
    reason: `${label} holds a value that ${dtype} cannot hold, ${place}`,
    expected: kind,
    found: typeof value === "number" ? `${value}` : `${typeof value} ${quote(String(value))}`,
    mend: "Choose an element type that holds it, or change the value",
  });
}

function writeFloat32(view: DataView, at: number, value: number): void {
  if (Number.isNaN(value)) view.setUint32(at, 0x7fc00000, true);
  else view.setFloat32(at, value, true);
}

function writeFloat64(view: DataView, at: number, value: number): void {
  if (!Number.isNaN(value)) {
    view.setFloat64(at, value, true);
    return;
  }
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, 0x7ff80000, true);
}

function writeInteger64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setUint32(at, value - high * TWO_32, true);
  view.setInt32(at + 4, high, true);
}
