/** From the tensors of a page to those of the kernels. */
import type { Kernel, KernelTensor } from "../oracle/kernel.ts";
import type { Booleans, Floats } from "../wasm/tensor.ts";
import { reshaped } from "./arrays.ts";
import type { Calls } from "./calls.ts";

/** The kernel of a page, over the calls of a backend. */
export type Implementation<M> = (kernels: Calls) => Kernel<M>;

export const floats = (t: KernelTensor): Floats => reshaped(t, ...t.shape);
export const given = (t: KernelTensor | undefined): Floats | undefined => t && floats(t);
export const numbers = (t: KernelTensor): Float32Array => floats(t).data;
export const booleans = (t: KernelTensor | undefined): Booleans | undefined =>
  t && { shape: t.shape, data: t.data as Uint8Array };

/** The input with an axis of one head in front, which its page does not have; if it is given. */
export const oneHead = <T extends KernelTensor | undefined>(t: T) =>
  (t && reshaped(t, 1, ...t.shape)) as T extends undefined ? Floats | undefined : Floats;
