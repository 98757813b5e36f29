/**
 * Kernels in WebAssembly SIMD over float32: `load()` starts them, then `matmul` and `attention`. Each is judged against
 * the pages it implements, in `test/wasm/conformance.test.ts`.
 *
 * @module
 */
export { Arena, type ArenaOptions, type Region } from "./wasm/arena.ts";
export type { Attended, AttentionOptions, Blocks, Packed } from "./wasm/attention/options.ts";
export { type AppendOptions, Cache, type CacheOptions } from "./wasm/cache.ts";
export type { Carried, CarriedOptions } from "./wasm/carried.ts";
export type { ConvolutionOptions } from "./wasm/convolution.ts";
export type { MergeOptions } from "./wasm/decode/merge.ts";
export type { DecodeOptions, StepOptions } from "./wasm/decode/options.ts";
export type { HalfRows, IntegerRows, Rows, RowType } from "./wasm/decode/rows.ts";
export type { DeltaRuled, DeltaRuleOptions } from "./wasm/delta.ts";
export { type Dots, dots } from "./wasm/dots.ts";
export type { Elementwise, MapOptions } from "./wasm/elementwise.ts";
export { KernelError } from "./wasm/error.ts";
export type { Exports } from "./wasm/exports.ts";
export { hasRelaxedSimd, hasSimd } from "./wasm/features.ts";
export type { Complex, FourierOptions, LongConvolutionOptions } from "./wasm/fourier.ts";
export type { LinearAttentionOptions, LinearlyAttended } from "./wasm/linear.ts";
export { type Kernels, type LoadOptions, load, type Source } from "./wasm/load.ts";
export type { MatmulOptions } from "./wasm/matmul.ts";
export { PackedWeights, type Packing, type ProjectOptions } from "./wasm/project.ts";
export { dequantise, type Format, type Quantised, quantise } from "./wasm/quantise.ts";
export { type RotaryOptions, type RotaryTable, rotaryFrequencies, rotaryTable } from "./wasm/rotary.ts";
export type { Norm, NormOptions, Top } from "./wasm/rows.ts";
export type { DiagonalInputs, DiagonalOptions, DiagonalStates, ScanInputs, ScanOptions } from "./wasm/scan.ts";
export type { SsdInputs, SsdOptions } from "./wasm/ssd.ts";
export { type Booleans, type Floats, type Halves, type Integers, WasmTensor } from "./wasm/tensor.ts";
export { type Tile, tiles } from "./wasm/tile.ts";
