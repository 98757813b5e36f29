/** Keys and values as a decode step takes them. */
import { type Call, shown } from "../call.ts";
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
export function typeOf(call: Call, name: string, rows: Rows): RowType {
  const data = rows?.data as unknown;
  const type = rowTypes.find((each) => data instanceof arrays[each]);
  if (!type) {
    call.check(name, rows as Floats, Float32Array);
    return "float32";
  }
  call.check(name, rows as Floats, arrays[type] as typeof Float32Array);
  if (type === "int8") {
    const { scales, shape } = rows as IntegerRows;
    if (!scales) call.fail(name, `${name} holds integers and needs scales, of shape ${shown(shape.slice(0, -1))}`);
    call.check(`${name}.scales`, scales, Float32Array);
    if (scales.shape.join() !== shape.slice(0, -1).join())
      call.fail(name, `${name}.scales has shape ${shown(scales.shape)}, expected ${shown(shape.slice(0, -1))}`);
  }
  return type;
}
