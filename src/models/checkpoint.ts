/** A checkpoint as it lies in its source: the configuration, and tensors by name that are read one by one. */
import type { RangeFile } from "../io/ranges.ts";
import { readSafetensorsHeader } from "../io/ranges.ts";
import { Config } from "./config.ts";
import { type Encoding, encodingOf } from "./encodings.ts";
import { ModelError } from "./error.ts";
import { openGguf } from "./gguf.ts";
import { quantisedOf } from "./quantised.ts";
import type { Source } from "./source.ts";

/** One tensor in a file. */
export interface Stored {
  readonly file: RangeFile;
  readonly shape: readonly number[];
  readonly encoding: Encoding;
  /** Where in the file it begins and ends, in bytes. */
  readonly begin: number;
  readonly end: number;
  /** Rows of heads of this many features whose even ones stand before the odd ones, as rotary halves want them. */
  readonly interleaved?: number;
}

export interface Checkpoint {
  readonly config: Config;
  /** `generation_config.json`, empty if there is none. */
  readonly generation: Config;
  readonly tensors: ReadonlyMap<string, Stored>;
  /** Of a GGUF file, which holds its tokenizer: what would be `tokenizer.json` and `tokenizer_config.json`. */
  readonly tokenizer?: { readonly json: unknown; readonly config: unknown } | undefined;
}

/** A JSON file of a source; `undefined` if there is none. */
export async function readJson(source: Source, file: string, signal?: AbortSignal): Promise<unknown> {
  const text = await readText(source, file, signal);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelError(`${source.name}: ${file}`, `is no JSON (${String(cause)}); copy the file again`, { cause });
  }
}

export async function readText(source: Source, file: string, signal?: AbortSignal): Promise<string | undefined> {
  const opened = await source.open(file, signal);
  return opened && new TextDecoder().decode(await opened.read(0, opened.size, signal));
}

/**
 * Opens a checkpoint: `config.json` with `model.safetensors` or its shards, or the GGUF file `gguf`. Only headers are read.
 *
 * @throws ModelError naming the file that is missing or the encoding that is not supported
 * @throws FileFormatError where a file is cut off or malformed
 */
export async function openCheckpoint(source: Source, signal?: AbortSignal, gguf?: string): Promise<Checkpoint> {
  if (gguf !== undefined) {
    const file = await source.open(gguf, signal);
    if (!file) throw new ModelError(source.name, `there is no ${gguf}`);
    return openGguf(file, signal);
  }
  const values = await readJson(source, "config.json", signal);
  if (values === undefined)
    throw new ModelError(source.name, "there is no config.json; name the folder that holds it, or a GGUF file");
  const generation = (await readJson(source, "generation_config.json", signal)) ?? {};
  return {
    config: new Config(values, `${source.name}: config.json`),
    generation: new Config(generation, `${source.name}: generation_config.json`),
    tensors: await tensorsOf(source, signal),
  };
}

async function tensorsOf(source: Source, signal?: AbortSignal): Promise<Map<string, Stored>> {
  const tensors = new Map<string, Stored>();
  const single = await source.open("model.safetensors", signal);
  const files = single ? [single] : await shards(source, signal);
  for (const file of files) {
    const header = await readSafetensorsHeader(file, signal);
    const quantised = quantisedOf(header.metadata, file.name);
    for (const { name, dtype, shape, begin, end } of header.tensors)
      tensors.set(name, {
        file,
        shape: quantised.get(name)?.shape ?? shape,
        encoding: encodingOf(quantised.get(name)?.encoding ?? dtype),
        begin: header.dataStart + begin,
        end: header.dataStart + end,
      });
  }
  return tensors;
}

/** The files of a sharded checkpoint, as its index lists them. */
async function shards(source: Source, signal?: AbortSignal): Promise<RangeFile[]> {
  const index = await readJson(source, "model.safetensors.index.json", signal);
  if (index === undefined)
    throw new ModelError(source.name, "there is neither model.safetensors nor model.safetensors.index.json");
  const map = new Config(index, `${source.name}: model.safetensors.index.json`).part("weight_map");
  const names = [...new Set(Object.values(map.values))];
  const files: RangeFile[] = [];
  for (const name of names) {
    if (typeof name !== "string")
      throw new ModelError(map.file, `expected names of files, got ${JSON.stringify(name)}`);
    const file = await source.open(name, signal);
    if (!file)
      throw new ModelError(source.name, `the shard ${name} is missing, which model.safetensors.index.json lists`);
    files.push(file);
  }
  return files;
}
