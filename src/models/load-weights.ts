/** Reads the weights of a plan into the memory of the kernels. */
import { readRange } from "../io/ranges.ts";
import type { WasmTensor } from "../wasm.ts";
import type { Checkpoint, Stored } from "./checkpoint.ts";
import { type Encoding, encodings } from "./encodings.ts";
import { ModelError } from "./error.ts";
import type { Memory } from "./memory.ts";
import { keyOf, type Part, type Weight } from "./weights.ts";

/** Bytes that are read at once. */
const piece = 2 ** 24;

export interface Progress {
  /** The tensor that is being read. */
  readonly tensor: string;
  /** Bytes read so far and in all. */
  readonly loaded: number;
  readonly total: number;
}

export interface LoadWeightsOptions {
  readonly prefixes?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** The tensors of weights, by {@link keyOf}. */
export type Loaded = ReadonlyMap<string, WasmTensor>;

/**
 * Reads all weights, in pieces of at most 16 MiB, so that beside what is read there is never more than a piece (of a
 * matrix that is stored the other way round: the matrix). Names and shapes of all are checked before the first is read.
 *
 * @throws ModelError for a tensor that is missing, of another shape or encoding, or that holds NaN or infinity
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  weights: readonly Weight[],
  memory: Memory,
  { prefixes = [], signal, progress }: LoadWeightsOptions = {},
): Promise<Loaded> {
  const plan = weights.map((weight) => ({
    weight,
    parts: weight.parts.map((part) => ({ part, stored: find(checkpoint, part, prefixes) })),
  }));
  const total = plan.flatMap(({ parts }) => parts).reduce((sum, { stored }) => sum + stored.end - stored.begin, 0);
  const loaded = new Map<string, WasmTensor>();
  let bytes = 0;
  for (const { weight, parts } of plan) {
    const tensor = memory.take(weight.shape);
    let first = 0;
    for (const { part, stored } of parts) {
      const count = part.shape.reduce((product, length) => product * length, 1);
      await read(stored, part.name, count, signal, (from, values) => {
        place(tensor.data, first, from, values, weight, part, stored);
        bytes += Math.round((values.length / count) * (stored.end - stored.begin));
        progress?.({ tensor: part.name, loaded: Math.min(bytes, total), total });
      });
      first += count;
    }
    const plus = weight.plus ?? 0;
    if (plus) for (let i = 0; i < tensor.data.length; i++) tensor.data[i]! += plus;
    loaded.set(keyOf(weight), tensor);
  }
  return loaded;
}

function find(
  { tensors }: Checkpoint,
  part: Part,
  prefixes: readonly string[],
): Stored & { encoding: Required<Encoding> } {
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
  return stored as Stored & { encoding: Required<Encoding> };
}

/** Decodes a tensor piece by piece: `take` is given the values from element `from` on. */
export async function read(
  stored: Stored & { encoding: Required<Encoding> },
  name: string,
  count: number,
  signal: AbortSignal | undefined,
  take: (from: number, values: Float32Array) => void,
): Promise<void> {
  const { values: each, bytes: size } = stored.encoding;
  const blocks = count / each;
  const most = Math.max(1, Math.floor(piece / size));
  for (let block = 0; block < blocks; block += most) {
    signal?.throwIfAborted();
    const upTo = Math.min(blocks, block + most);
    const bytes = await readRange(stored.file, stored.begin + block * size, stored.begin + upTo * size, signal);
    const values = new Float32Array((upTo - block) * each);
    stored.encoding.decode(bytes, values);
    refuseUndefined(values, name, block * each);
    take(block * each, values);
  }
}

function refuseUndefined(values: Float32Array, name: string, from: number): void {
  let check = 0;
  for (let i = 0; i < values.length; i++) check += 0 * values[i]!;
  if (check === 0) return;
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw new ModelError(
    name,
    `element ${from + at} is ${values[at]}; a weight must be a finite number: take another checkpoint`,
  );
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
      const feature = row % width;
      const place = row - feature + (feature % 2 ? width / 2 : 0) + Math.floor(feature / 2);
      target[first + place * columns + column] = values[i]!;
    }
  } else target.set(values, first + from);
}
