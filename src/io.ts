/**
 * Tensor files: safetensors and npy, read and written in memory. `attnspec/io/files` does the same on disk (Node, Deno, Bun).
 *
 * @module
 */
export type { Dtype } from "./io/dtypes.ts";
export { FileFormatError } from "./io/errors.ts";
export { readNpy, writeNpy } from "./io/npy.ts";
export {
  readSafetensors,
  type StoredTensor,
  type TensorFile,
  type WritableTensor,
  writeSafetensors,
} from "./io/safetensors.ts";
