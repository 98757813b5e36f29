/** Makes a checkpoint smaller: its matrices in blocks of 8 or 4 bits. */
import { type WritableTensor, writeSafetensors } from "../io/safetensors.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { Encoding } from "./encodings.ts";
import { ModelError } from "./error.ts";
import { toQ4_0, toQ8_0 } from "./gguf-blocks.ts";
import { checkOptions } from "./options.ts";
import { type Quantised, quantisedMetadata } from "./quantised.ts";
import { read } from "./reading.ts";
import type { Source } from "./source.ts";

const encoders = { Q8_0: toQ8_0, Q4_0: toQ4_0 } as const;

export interface QuantiseOptions {
  /** 8 bits a value and a scale for 32 of them (default), or 4 bits. */
  readonly encoding?: keyof typeof encoders | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told the name of each tensor. */
  readonly progress?: ((tensor: string, done: number, of: number) => void) | undefined;
}

/**
 * The weights of a model as a `model.safetensors` that `loadModel` reads beside the other files of the model. Matrices
 * whose rows are whole blocks of 32 are quantised; everything else becomes float32.
 *
 * @throws ModelError if a tensor cannot be read
 */
export async function quantise(source: Source, options: QuantiseOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions("quantise", options);
  const { encoding = "Q8_0", signal, progress } = options;
  if (!Object.hasOwn(encoders, encoding))
    throw new ModelError("encoding", `must be ${Object.keys(encoders).join(" or ")}, got ${encoding}`);
  const { tensors } = await openCheckpoint(source, signal);
  const written: Record<string, WritableTensor> = {};
  const quantised = new Map<string, Quantised>();
  let done = 0;
  for (const [name, stored] of tensors) {
    const { shape } = stored;
    if (!stored.encoding.decode)
      throw new ModelError(name, `the encoding ${stored.encoding.name} cannot be read, so not quantised`);
    const count = shape.reduce((product, length) => product * length, 1);
    const values = new Float32Array(count);
    await read({ ...stored, encoding: stored.encoding as Required<Encoding> }, name, count, signal, (from, some) =>
      values.set(some, from),
    );
    if (shape.length === 2 && shape[1]! % 32 === 0) {
      const data = encoders[encoding](values);
      written[name] = { shape: [shape[0]!, data.length / shape[0]!], data, dtype: "U8" };
      quantised.set(name, { encoding, shape });
    } else written[name] = { shape, data: values, dtype: "F32" };
    progress?.(name, ++done, tensors.size);
  }
  return writeSafetensors(written, { format: "pt", ...quantisedMetadata(quantised) }, "model.safetensors");
}
