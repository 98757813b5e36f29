/** Tensors of a checkpoint, read piece by piece. */
import { readRange } from "../io/ranges.ts";
import type { Stored } from "./checkpoint.ts";
import type { Encoding } from "./encodings.ts";
import { ModelError } from "./error.ts";

/** Where row `row` of heads of `width` rows belongs, of which the file has rotary pairs side by side: even ones first. */
export const halfPlace = (row: number, width: number): number => {
  const feature = row % width;
  return row - feature + (feature % 2 ? width / 2 : 0) + Math.floor(feature / 2);
};

/** A tensor whose encoding is supported. */
export type Readable = Stored & { readonly encoding: Required<Encoding> };

/** Bytes that are read at once. */
const piece = 2 ** 24;

/**
 * Reads the bytes of `count` values: `take` is given those from value `from` on, whole pieces of `together` values, as
 * many as lie within 16 MiB, but at least one.
 */
export async function readBytes(
  stored: Readable,
  count: number,
  together: number,
  signal: AbortSignal | undefined,
  take: (from: number, bytes: Uint8Array) => void,
): Promise<void> {
  const { values: each, bytes: size } = stored.encoding;
  const most = Math.max(1, Math.floor(piece / ((together / each) * size))) * together;
  for (let from = 0; from < count; from += most) {
    signal?.throwIfAborted();
    const upTo = Math.min(count, from + most);
    const place = (value: number) => stored.begin + (value / each) * size;
    take(from, await readRange(stored.file, place(from), place(upTo), signal));
  }
}

/** Decodes a tensor piece by piece: `take` is given the values from element `from` on. */
export async function read(
  stored: Readable,
  name: string,
  count: number,
  signal: AbortSignal | undefined,
  take: (from: number, values: Float32Array) => void,
): Promise<void> {
  await readBytes(stored, count, stored.encoding.values, signal, (from, bytes) =>
    take(from, decoded(stored, bytes, name, from)),
  );
}

/**
 * The values of bytes, of which the first is element `from`.
 *
 * @throws ModelError if one is NaN or infinite
 */
export function decoded({ encoding }: Readable, bytes: Uint8Array, name: string, from: number): Float32Array {
  const values = new Float32Array((bytes.length / encoding.bytes) * encoding.values);
  encoding.decode(bytes, values);
  let check = 0;
  for (let i = 0; i < values.length; i++) check += 0 * values[i]!;
  if (check === 0) return values;
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw new ModelError(
    name,
    `element ${from + at} is ${values[at]}; a weight must be a finite number: take another checkpoint`,
  );
}
