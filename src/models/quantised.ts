/**
 * Quantised tensors in safetensors files: bytes (U8) of the blocks that GGUF files have, with the metadata `quantised`, a
 * JSON object from the name of a tensor to its encoding and shape: `{ "lm_head.weight": ["Q8_0", 49152, 576], … }`.
 */
import { ModelError } from "./error.ts";

export interface Quantised {
  readonly encoding: string;
  readonly shape: readonly number[];
}

/** Of each quantised tensor what it is. */
export function quantisedOf(metadata: Readonly<Record<string, string>>, file: string): ReadonlyMap<string, Quantised> {
  if (metadata.quantised === undefined) return new Map();
  try {
    const entries = Object.entries(JSON.parse(metadata.quantised) as Record<string, [string, ...number[]]>);
    return new Map(entries.map(([name, [encoding, ...shape]]) => [name, { encoding, shape }]));
  } catch (cause) {
    throw new ModelError(file, "its metadata `quantised` are no object of lists; quantise the model again", { cause });
  }
}

/** The metadata that {@link quantisedOf} reads. */
export const quantisedMetadata = (tensors: ReadonlyMap<string, Quantised>): Record<string, string> => ({
  quantised: JSON.stringify(
    Object.fromEntries([...tensors].map(([name, { encoding, shape }]) => [name, [encoding, ...shape]])),
  ),
});
