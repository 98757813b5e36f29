/**
 * GGUF files, versions 2 and 3: metadata, tensors, and the configuration they mean. Format: ggml-org/ggml docs/gguf.md.
 * (The parser of @huggingface/gguf takes only URLs and paths, not buffers or `File`s, and brings another package along.)
 */
import { type RangeFile, readRange } from "../io/ranges.ts";
import type { Checkpoint, Stored } from "./checkpoint.ts";
import { Config } from "./config.ts";
import { encodingOf } from "./encodings.ts";
import { ModelError } from "./error.ts";
import { configOf, tensorOf } from "./gguf-names.ts";
import { tokenizerOf } from "./gguf-tokenizer.ts";

/** Encodings by their number in the file; those without a decoder are named in errors. */
const types: Readonly<Record<number, string>> = {
  ...{ 0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K" },
  ...{ 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S" },
  ...{ 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64" },
  ...{ 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4" },
};

export type Metadata = Readonly<Record<string, unknown>>;

/**
 * Opens a GGUF file.
 *
 * @throws ModelError if it is none, is cut off, or its architecture or an encoding is not supported
 */
export async function openGguf(file: RangeFile, signal?: AbortSignal): Promise<Checkpoint> {
  const { metadata, entries, data } = await header(file, signal);
  const config = configOf(metadata, file.name);
  const tensors = new Map<string, Stored>();
  for (const { name, shape, type, offset } of entries) {
    const encoding = encodingOf(types[type] ?? `number ${type}`);
    const count = shape.reduce((product, length) => product * length, 1);
    const { values: each = 1, bytes: size = 0 } = encoding;
    if (count % each !== 0 || shape.at(-1)! % each !== 0)
      throw new ModelError(`${file.name}: ${name}`, `its rows of ${shape.at(-1)} are no whole blocks of ${each}`);
    const begin = data + offset;
    const end = begin + (count / each) * size;
    if (end > file.size)
      throw new ModelError(
        `${file.name}: ${name}`,
        `the file ends at byte ${file.size}, the tensor at ${end}; copy the file again, it is probably cut off`,
      );
    const renamed = tensorOf(name, metadata);
    tensors.set(renamed.name, {
      ...{ file, shape, encoding, begin, end },
      ...(renamed.interleaved !== undefined && { interleaved: renamed.interleaved }),
    });
  }
  // An output matrix that is left out is the embedding's.
  const tied = !tensors.has("lm_head.weight");
  const divisors = tensors.get("rope_freqs.weight");
  const scaling = divisors && { rope_scaling: await frequencies(divisors, signal) };
  return {
    config: new Config({ ...config, ...scaling, tie_word_embeddings: tied }, file.name),
    generation: new Config({ eos_token_id: metadata["tokenizer.ggml.eos_token_id"] }, file.name),
    tensors,
    tokenizer: tokenizerOf(metadata),
  };
}

/** Llama 3's frequencies as the file has them: a divisor for each pair. */
async function frequencies({ file, shape, encoding, begin, end }: Stored, signal?: AbortSignal): Promise<object> {
  const values = new Float32Array(shape[0]!);
  encoding.decode?.(await readRange(file, begin, end, signal), values);
  return { rope_type: "divided", divisors: [...values] };
}

interface Entry {
  readonly name: string;
  /** Outermost axis first. */
  readonly shape: readonly number[];
  readonly type: number;
  readonly offset: number;
}

interface Header {
  readonly metadata: Metadata;
  readonly entries: readonly Entry[];
  /** Where the data begin. */
  readonly data: number;
}

/** Reads the header, taking as much of the file as it turns out to need. */
async function header(file: RangeFile, signal?: AbortSignal): Promise<Header> {
  for (let length = 2 ** 20; ; length *= 4) {
    const bytes = await readRange(file, 0, Math.min(length, file.size), signal);
    try {
      return parse(new Reader(bytes, file.name));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (bytes.length === file.size)
        throw new ModelError(
          file.name,
          `the header reaches beyond the end of the file, ${file.size} bytes; copy it again`,
        );
    }
  }
}

function parse(reader: Reader): Header {
  if (reader.u32() !== 0x46554747)
    throw new ModelError(reader.file, `this is no GGUF file: it does not begin with GGUF`);
  const version = reader.u32();
  if (version !== 2 && version !== 3)
    throw new ModelError(reader.file, `GGUF version ${version} is not supported; supported are 2 and 3`);
  const [tensors, pairs] = [reader.u64(), reader.u64()];
  const metadata: Record<string, unknown> = Object.create(null);
  for (let i = 0; i < pairs; i++) metadata[reader.text()] = reader.value(reader.u32());
  const entries: Entry[] = [];
  for (let i = 0; i < tensors; i++) {
    const name = reader.text();
    const axes = Array.from({ length: reader.u32() }, () => reader.u64());
    entries.push({ name, shape: axes.reverse(), type: reader.u32(), offset: reader.u64() });
  }
  const alignment = Number(metadata["general.alignment"] ?? 32);
  return { metadata, entries, data: Math.ceil(reader.at / alignment) * alignment };
}

/** Little-endian values one after the other; a RangeError where the bytes end. */
class Reader {
  at = 0;
  readonly file: string;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.file = file;
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  u64(): number {
    const value = Number(this.#view.getBigUint64(this.#step(8), true));
    if (Number.isSafeInteger(value)) return value;
    throw new ModelError(this.file, `byte ${this.at - 8} holds a count of ${value}; the file is damaged`);
  }

  text(): string {
    const length = this.u64();
    const at = this.#step(length);
    if (at + length > this.#bytes.length) throw new RangeError();
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  value(type: number): unknown {
    const view = this.#view;
    switch (type) {
      case 0:
        return view.getUint8(this.#step(1));
      case 1:
        return view.getInt8(this.#step(1));
      case 2:
        return view.getUint16(this.#step(2), true);
      case 3:
        return view.getInt16(this.#step(2), true);
      case 4:
        return this.u32();
      case 5:
        return view.getInt32(this.#step(4), true);
      case 6:
        return view.getFloat32(this.#step(4), true);
      case 7:
        return view.getUint8(this.#step(1)) !== 0;
      case 8:
        return this.text();
      case 9: {
        const [inner, count] = [this.u32(), this.u64()];
        const list: unknown[] = [];
        for (let i = 0; i < count; i++) list.push(this.value(inner));
        return list;
      }
      case 10:
        return Number(view.getBigUint64(this.#step(8), true));
      case 11:
        return Number(view.getBigInt64(this.#step(8), true));
      case 12:
        return view.getFloat64(this.#step(8), true);
      default:
        throw new ModelError(this.file, `byte ${this.at - 4} holds the unknown type ${type}; the file is damaged`);
    }
  }

  #step(bytes: number): number {
    const at = this.at;
    this.at += bytes;
    return at;
  }
}
