/** Keys and values as a decode step takes them. */
import { type Checks, type Shaped, shown } from "../checks.ts";
import type { Floats } from "../tensor.ts";

/** Numbers in float16, as their bits; where there is a Float16Array, give its buffer: `new Uint16Array(x.buffer)`. */
export interface HalfRows {
  readonly shape: readonly number[];
  readonly data: Uint16Array;
}

/** Whole numbers, each row times a scale of its own. */
export interface IntegerRows {
  readonly shape: readonly number[];
  readonly data: Int8Array;
  /** The shape of the integers without its last axis. */
  readonly scales: Floats;
}

export type Rows = Floats | HalfRows | IntegerRows;

/** What rows are kept as. */
export type RowType = "float32" | "float16" | "int8";

export const rowTypes = ["float32", "float16", "int8"] as const satisfies readonly RowType[];
const arrays = { float32: Float32Array, float16: Uint16Array, int8: Int8Array } as const;
export const rowBytes = { float32: 4, float16: 2, int8: 1 } as const;

/** Checks rows and says what they are. */
export function typeOf(call: Checks, name: string, rows: Shaped): RowType {
  const data = rows?.data;
  const type = rowTypes.find((each) => data instanceof arrays[each]) ?? "float32";
  call.check(name, rows, arrays[type]);
  if (type === "int8") checkScales(call, name, rows, (rows as IntegerRows).scales);
  return type;
}

/** Checks that integers have scales, one a row. */
export function checkScales(call: Checks, name: string, { shape }: Shaped, scales: Shaped | undefined): void {
  if (!scales) call.fail(name, `${name} holds integers and needs scales, of shape ${shown(shape.slice(0, -1))}`);
  call.check(`${name}.scales`, scales, Float32Array);
  if (scales.shape.join() !== shape.slice(0, -1).join())
    call.fail(name, `${name}.scales has shape ${shown(scales.shape)}, expected ${shown(shape.slice(0, -1))}`);
}

/** The one type of keys and values. */
export function typesOf(call: Checks, k: Shaped, v: Shaped, of: typeof typeOf = typeOf): RowType {
  const [type, valueType] = [of(call, "k", k), of(call, "v", v)];
  if (valueType !== type) call.fail("v", `v holds ${valueType}, but k holds ${type}; keep both in one type`);
  return type;
}
