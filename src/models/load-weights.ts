/** Reads the weights of a plan into the memory of the kernels. */
import type { PackedWeights, WasmTensor } from "../wasm.ts";
import type { Checkpoint, Stored } from "./checkpoint.ts";
import { encodings } from "./encodings.ts";
import { ModelError } from "./error.ts";
import type { Memory } from "./memory.ts";
import { bytesOf, type Found, formatOf, type PackedFormat, packWeight } from "./pack-weights.ts";
import { halfPlace, type Readable, read } from "./reading.ts";
import { keyOf, type Part, type Weight } from "./weights.ts";

export interface Progress {
  /** The tensor that is being read. */
  readonly tensor: string;
  /** Bytes read so far and in all. */
  readonly loaded: number;
  readonly total: number;
}

export interface LoadWeightsOptions {
  readonly prefixes?: readonly string[] | undefined;
  /** The format of `products`. Default: as they are stored. */
  readonly format?: PackedFormat | "float32" | undefined;
  /** The keys of those that may be held in few bits. Default none. */
  readonly products?: ReadonlySet<string> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** The tensors of weights, by {@link keyOf}; of products also quantised. */
export type Loaded = ReadonlyMap<string, WasmTensor | PackedWeights>;

/**
 * Reads all weights, in pieces of at most 16 MiB, so that beside what is read there is never more than a piece (of floats
 * in a matrix that is stored the other way round: 32 of its rows at least, for int8 all). Names and shapes of all are checked before the
 * first is read.
 *
 * @throws ModelError for a tensor that is missing, of another shape or encoding, or that holds NaN or infinity
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  weights: readonly Weight[],
  memory: Memory,
  { prefixes = [], format: asked, products, signal, progress }: LoadWeightsOptions = {},
): Promise<Loaded> {
  const plan = weights.map((weight) => {
    const parts = weight.parts.map((part) => ({ part, stored: find(checkpoint, part, prefixes) }));
    return { weight, parts, format: products?.has(keyOf(weight)) ? formatOf(weight, parts, asked) : undefined };
  });
  const total = plan.flatMap(({ parts }) => parts).reduce((sum, { stored }) => sum + stored.end - stored.begin, 0);
  memory.reserve(plan.reduce((sum, { weight, format }) => sum + bytesOf(weight, format) + 64, 0));
  const loaded = new Map<string, WasmTensor | PackedWeights>();
  let bytes = 0;
  const seen = (name: string, count: number) => {
    bytes += count;
    progress?.({ tensor: name, loaded: Math.min(Math.round(bytes), total), total });
  };
  for (const { weight, parts, format } of plan)
    if (format) {
      const packing = memory.packing(weight.shape, format);
      await packWeight(packing, weight, parts, format, signal, seen);
      loaded.set(keyOf(weight), packing.weights);
    } else {
      const tensor = memory.take(weight.shape);
      await readFloats(tensor, weight, parts, signal, seen);
      loaded.set(keyOf(weight), tensor);
    }
  return loaded;
}

async function readFloats(
  tensor: WasmTensor,
  weight: Weight,
  parts: readonly Found[],
  signal: AbortSignal | undefined,
  seen: (name: string, bytes: number) => void,
): Promise<void> {
  let first = 0;
  for (const { part, stored } of parts) {
    const count = part.shape.reduce((product, length) => product * length, 1);
    await read(stored, part.name, count, signal, (from, values) => {
      place(tensor.data, first, from, values, weight, part, stored);
      seen(part.name, (values.length / count) * (stored.end - stored.begin));
    });
    first += count;
  }
  const { plus = 0, minusExp = false } = weight;
  const { data } = tensor;
  if (plus) for (let i = 0; i < data.length; i++) data[i]! += plus;
  if (minusExp) for (let i = 0; i < data.length; i++) data[i] = -Math.exp(data[i]!);
}

function find({ tensors }: Checkpoint, part: Part, prefixes: readonly string[]): Readable {
  const stored = ["", ...prefixes].map((prefix) => tensors.get(prefix + part.name)).find((found) => found);
  if (!stored)
    throw new ModelError(
      part.name,
      `this tensor is missing; the checkpoint has ${tensors.size}, such as ${[...tensors.keys()].slice(0, 3).join(", ")}`,
    );
  if (stored.shape.join() !== part.shape.join())
    throw new ModelError(
      part.name,
      `expected shape [${part.shape.join(", ")}], got [${stored.shape.join(", ")}] in ${stored.file.name}; take the config.json that belongs to the weights`,
    );
  const { encoding } = stored;
  if (!encoding.decode)
    throw new ModelError(
      part.name,
      `the encoding ${encoding.name} is not supported; supported are ${Object.keys(encodings).join(", ")}`,
    );
  return stored as Readable;
}

/** Puts values to where they belong: in order, or each matrix the other way round, or rotary pairs into halves. */
function place(
  target: Float32Array,
  first: number,
  from: number,
  values: Float32Array,
  weight: Weight,
  part: Part,
  stored: Stored,
): void {
  if (weight.transposed) {
    const [inputs, outputs] = part.shape.slice(-2) as [number, number];
    const size = inputs * outputs;
    for (let i = 0; i < values.length; i++) {
      const within = (from + i) % size;
      const [row, column] = [Math.floor(within / outputs), within % outputs];
      target[first + from + i - within + column * inputs + row] = values[i]!;
    }
  } else if (stored.interleaved) {
    const columns = part.shape.length > 1 ? part.shape.at(-1)! : 1;
    const width = stored.interleaved;
    for (let i = 0; i < values.length; i++) {
      const [row, column] = [Math.floor((from + i) / columns), (from + i) % columns];
      target[first + halfPlace(row, width) * columns + column] = values[i]!;
    }
  } else target.set(values, first + from);
}
