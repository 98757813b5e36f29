/** Keys and values as a decode step on a GPU takes them. */
import type { Shaped } from "../../wasm/checks.ts";
import { checkScales, type HalfRows, type IntegerRows, type RowType, typeOf } from "../../wasm/decode/rows.ts";
import type { GpuCall } from "../call.ts";
import { type FloatsAnywhere, GpuTensor } from "../tensor.ts";

/** Whole numbers here or there, each row times a scale of its own. */
export interface GpuIntegerRows {
  readonly shape: readonly number[];
  readonly data: Int8Array | GpuTensor<"int8">;
  /** The shape of the integers without its last axis. */
  readonly scales: FloatsAnywhere;
}

export type GpuRows = FloatsAnywhere | HalfRows | GpuTensor<"float16"> | IntegerRows | GpuIntegerRows;

/** Checks rows and says what they are. */
export function gpuTypeOf(call: GpuCall, name: string, rows: Shaped): RowType {
  if (rows instanceof GpuTensor) {
    const { type } = rows;
    if (type !== "float32" && type !== "float16")
      call.fail(
        name,
        `${name} holds ${type}; keys and values are float32, float16 or { shape, data, scales } with data in int8`,
      );
    call.check(name, rows, type === "float32" ? Float32Array : Uint16Array);
    return type;
  }
  const data = rows?.data;
  if (!(data instanceof GpuTensor)) return typeOf(call, name, rows);
  call.check(name, rows, Int8Array);
  checkScales(call, name, rows, (rows as GpuIntegerRows).scales);
  return "int8";
}
