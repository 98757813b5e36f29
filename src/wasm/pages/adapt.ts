/** From the tensors of a page to those of the kernels. */
import type { Kernel, KernelTensor } from "../../oracle/kernel.ts";
import type { Kernels } from "../load.ts";
import type { Booleans, Floats } from "../tensor.ts";

/** The kernel of a page, over started kernels. */
export type Implementation<M> = (kernels: Kernels) => Kernel<M>;

/** A real input with other axes over the same values. */
export const as = ({ data }: KernelTensor, ...shape: number[]): Floats => ({ shape, data: data as Float32Array });
export const floats = (t: KernelTensor): Floats => as(t, ...t.shape);
export const given = (t: KernelTensor | undefined): Floats | undefined => t && floats(t);
export const booleans = (t: KernelTensor | undefined): Booleans | undefined =>
  t && { shape: t.shape, data: t.data as Uint8Array };
