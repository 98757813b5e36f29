/// <reference types="@webgpu/types" />
/**
 * Kernels on a GPU through WebGPU: `open()` gives one, then the calls are those of `attnspec/wasm`, over tensors that
 * stay there until they are read.
 *
 * @module
 */

export { KernelError } from "./wasm/error.ts";
export type { GpuCalls } from "./webgpu/calls.ts";
export type { AttendedAnywhere } from "./webgpu/decode/merge.ts";
export type { GpuIntegerRows, GpuRows } from "./webgpu/decode/rows.ts";
export { type Dispatched, type DispatchOptions, dispatch } from "./webgpu/dispatch.ts";
export { DeviceError } from "./webgpu/error.ts";
export type { HalvesAnywhere } from "./webgpu/gather.ts";
export { hosted } from "./webgpu/hosted.ts";
export { type Gpu, type OpenOptions, open } from "./webgpu/open.ts";
export type { OnGpu } from "./webgpu/options.ts";
export type { Precise } from "./webgpu/precision.ts";
export type { RotaryTableAnywhere } from "./webgpu/rotary.ts";
export type { GpuTop } from "./webgpu/rows/top.ts";
export { type FloatsAnywhere, GpuTensor, type GpuType } from "./webgpu/tensor.ts";
