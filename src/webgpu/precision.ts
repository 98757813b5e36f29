/** Products of numbers rounded to float16, for callers who allow it. */
import type { GpuCall } from "./call.ts";
import type { Device } from "./device.ts";

export interface Precise {
  /**
   * What the numbers that are multiplied are rounded to. `float16` needs the GPU's feature `shader-f16`; where the GPU
   * offers matrix units for such products to the caller's program, products of matrices use them. Inputs and results are
   * float32 in any case. Default `float32`, which nothing else ever replaces.
   */
  readonly precision?: "float32" | "float16" | undefined;
}

/** The name of the option, for what refuses those that a call does not have. */
export const precise = { precision: true } as const;

/** The number type of WGSL to multiply in, or none for float32. */
export function halfOf(call: GpuCall, device: Device, { precision = "float32" }: Precise): Device["half"] {
  if (call.choose("precision", precision, ["float32", "float16"]) === 0) return undefined;
  return (
    device.half ??
    call.fail(
      "precision",
      "precision is float16, but this GPU does not have shader-f16, or its device was opened without; leave precision out",
    )
  );
}
