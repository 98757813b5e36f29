/** The products around heads in layers. */
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given } from "./adapt.ts";
import { reshaped } from "./arrays.ts";
import type { Calls } from "./calls.ts";

/** x [T, M] times w [M, H·width], as [T, H, width]. */
export async function projected(
  kernels: Calls,
  x: KernelTensor,
  w: KernelTensor,
  heads: number,
  bias?: KernelTensor,
): Promise<Floats> {
  const y = await kernels.matmul(floats(x), floats(w), { bias: given(bias) });
  return reshaped(y, y.shape[0]!, heads, y.shape[1]! / heads);
}

/** Heads [T, H, E] side by side, times w [H·E, Mo]. */
export async function joined(
  kernels: Calls,
  heads: Floats,
  w: KernelTensor,
  bias?: KernelTensor,
): Promise<Float32Array> {
  const flat = reshaped(heads, heads.shape[0]!, w.shape[0]!);
  return (await kernels.matmul(flat, floats(w), { bias: given(bias) })).data;
}
