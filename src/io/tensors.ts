import type { Dtype } from "./dtypes.ts";

/** Elements of a stored tensor in C order (last axis fastest), as JavaScript numbers. */
export type TensorData =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A tensor as read from a file. */
export interface StoredTensor {
  /** Element type in the file; F16 and BF16 are decoded to Float32Array, I64 and U64 to Float64Array. */
  readonly dtype: Dtype;
  /** Length of each axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** The product of `shape` many elements, in C order. */
  readonly data: TensorData;
}

/** A tensor to be written to a file; every {@link StoredTensor} is one. */
export interface WritableTensor {
  /** Length of each axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** The product of `shape` many elements, in C order. */
  readonly data: ArrayLike<number>;
  /** Element type in the file, F64 unless given. */
  readonly dtype?: Dtype | undefined;
}

/** Named tensors and the free-form texts stored beside them; both records have no prototype. */
export interface TensorFile {
  readonly tensors: Record<string, StoredTensor>;
  readonly metadata: Record<string, string>;
}

/** A record without a prototype, so that no name, not even `__proto__`, means anything but itself. */
export function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null);
}
