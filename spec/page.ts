/**
 * The vocabulary of the pages. A page declares shapes, options and properties once and gives each output as a function
 * of its indices; everything else (checking, defaults, batches, test cases, docs) follows from the declaration.
 *
 * One letter, one meaning, on every page:
 *
 * | letters | meaning |
 * | --- | --- |
 * | `T`, `Tq`, `Tk` | tokens of one sequence; queries; keys and values |
 * | `H`, `Hq`, `Hk` | heads; query heads; key and value heads |
 * | `D`, `E` | features of a query or key of one head; features of a value of one head |
 * | `M`, `Mc`, `Mo` | model width of the tokens; of a context; of an output |
 * | `A` | width of a hidden or latent layer inside the mechanism |
 * | `F` | width of a feed-forward layer |
 * | `L`, `P` | levels, layers or list entries; entries of a positional table |
 * | `Y`, `X`, `Z` | rows, columns and depth of a grid |
 * | `C` | channels of an image, vocabulary entries or classes |
 * | `W`, `B`, `K`, `R`, `G`, `N` | window; blocks or buckets; things kept or kernel taps; rank; groups; samples or states |
 */
export { bind, type Fitted } from "./page/bind.ts";
export { type Domain, type Extent, extentOf } from "./page/domain.ts";
export { nearest, PageError } from "./page/error.ts";
export { evaluate, expect } from "./page/evaluate.ts";
export * from "./page/mechanism.ts";
export { layerNorm, rmsNorm } from "./page/norms.ts";
export { choice, flag, integer, numbers, real } from "./page/options.ts";
export { type Precision, rounded } from "./page/precision.ts";
export type { Property } from "./page/property.ts";
export { type Layout, rotate, type Vector } from "./page/rotary.ts";
export { lettersOf, shapeOf } from "./page/shape.ts";
export { lengthOf, lengthsOf } from "./page/sizes.ts";
export * from "./page/special.ts";
export { at, type Float64Tensor, indexOf, sizeOf, type Tensor, tensor } from "./page/tensor.ts";
export * from "./page/words.ts";
