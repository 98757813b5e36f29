/** Products of numbers rounded to float16, or cut into two of them, for callers who allow it. */
import type { GpuCall } from "./call.ts";
import type { Device } from "./device.ts";
import type { Parts } from "./halves/tiles.ts";
import type { MatrixSizes } from "./matrices.ts";

export interface Precise {
  /**
   * What becomes of the numbers that are multiplied. Inputs and results are float32 in any case, and so are sums.
   * - `float32` (default), which nothing else ever replaces.
   * - `float16`: they are rounded to it. Needs the GPU's feature `shader-f16`; where the GPU offers matrix units for such
   *   products to the caller's program, they are used.
   * - `float16x2`: each may become the sum of two numbers of float16, which keeps 22 bits of those that are not below a
   *   2^18th of the largest of their row, and three products of parts stand for one. Done where the GPU offers matrix units
   *   and sizes suit them; else float32 itself. An infinite number gives NaN there.
   */
  readonly precision?: "float32" | "float16" | "float16x2" | undefined;
}

/** The name of the option, for what refuses those that a call does not have. */
export const precise = { precision: true } as const;

/** How a call may multiply. */
export interface Multiplying {
  /** The number type of WGSL to multiply in, or none for float32. */
  readonly half: Device["half"];
  /** The matrix units that may be used, and of how many numbers each factor is made for them. */
  readonly units: { readonly sizes: MatrixSizes; readonly parts: Parts } | undefined;
}

export function multiplying(call: GpuCall, device: Device, { precision = "float32" }: Precise): Multiplying {
  const parts = call.choose("precision", precision, ["float32", "float16", "float16x2"]);
  const { matrices: sizes, half } = device;
  const units = sizes && (parts === 1 || parts === 2) ? { sizes, parts: parts as Parts } : undefined;
  if (parts !== 1) return { half: undefined, units };
  if (half) return { half, units };
  return call.fail(
    "precision",
    "precision is float16, but this GPU does not have shader-f16, or its device was opened without; leave precision out",
  );
}
