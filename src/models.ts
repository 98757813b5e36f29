/**
 * Models on the WebAssembly kernels: load a checkpoint as it lies on Hugging Face, generate, embed.
 *
 * @module
 */
export type { Architecture } from "./models/architectures.ts";
export { architectures } from "./models/architectures.ts";
export type { Cache, CacheOptions } from "./models/cache.ts";
export { Config } from "./models/config.ts";
export { type EmbedOptions, embed } from "./models/embed.ts";
export { embedded } from "./models/embedded.ts";
export { ModelError } from "./models/error.ts";
export {
  type Completion,
  complete,
  type GenerateOptions,
  generate,
  type Piece,
  type Prompt,
} from "./models/generate.ts";
export type { Progress } from "./models/load-weights.ts";
export {
  type LoadModelOptions,
  loadModel,
  type Model,
  type Passed,
  type PassOptions,
  type Sequence,
} from "./models/model.ts";
export * from "./models/plan.ts";
export { type QuantiseOptions, quantise } from "./models/quantise.ts";
export type { SamplingOptions } from "./models/sampling.ts";
export type { RangeFile, Source } from "./models/source.ts";
export { fromBuffers } from "./models/sources/buffers.ts";
export { fromFiles } from "./models/sources/files.ts";
export { fromFolder } from "./models/sources/folder.ts";
export { fromUrl, type UrlOptions } from "./models/sources/url.ts";
export type { Message, Tokenizer } from "./models/tokenizer.ts";
