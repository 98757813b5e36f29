/** The options of the WebAssembly calls, with tensors of the GPU beside arrays. */
import type { Floats, WasmTensor } from "../wasm/tensor.ts";
import type { FloatsAnywhere, GpuTensor } from "./tensor.ts";

type Anywhere<V> = [V] extends [WasmTensor | undefined]
  ? GpuTensor<"float32"> | undefined
  : [V] extends [Floats]
    ? FloatsAnywhere
    : [V] extends [Floats | undefined]
      ? FloatsAnywhere | undefined
      : V;

/** Real tensors may stand on the GPU; `into` and its like must. */
export type OnGpu<O> = { readonly [Name in keyof O]: Anywhere<O[Name]> };
