/** How a workgroup divides its rows of queries, keys and values among its invocations. */
import type { RowType } from "../../wasm/decode/rows.ts";

export interface DecodeShape {
  /** Queries, of all the heads that share keys, that a workgroup takes at once; a power of two. */
  readonly rows: number;
  /** Invocations of a workgroup, and how many of them share a key; powers of two. */
  readonly threads: number;
  readonly across: number;
  /** Keys whose scores are kept at a time; a power of two. */
  readonly block: number;
  /** Invocations that share the softmax of a row, and those that share a row of values; powers of two. */
  readonly lanes: number;
  readonly valueLanes: number;
  /** Vectors of four of the queries that are shared; 0 if they are read anew for each key. */
  readonly asked: number;
}

/** What a word of 16 bytes holds. */
export const perWord = { float32: 4, float16: 8, int8: 16 } as const satisfies Record<RowType, number>;

/** Keys that a workgroup scores in one round: four for each of those that share a key. */
export const keysOfRound = ({ threads, across }: DecodeShape): number => (4 * threads) / across;

const powerFrom = (count: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, count)));

/** Bytes that a workgroup shares: scores, queries, what invocations hand each other. */
export const sharedBytes = ({ rows, block, asked, threads }: DecodeShape): number =>
  4 * rows * block + 16 * asked + 16 * threads + 4 * threads + 4 * rows;

/**
 * The shape for so many rows of queries (`rows`, for each head of keys), `features` wide and rounded up to whole words, and
 * values of so many columns, where so many bytes may be shared.
 */
export function shapeFor(
  { rows, features, columns }: { readonly rows: number; readonly features: number; readonly columns: number },
  subgroup: number,
  bytes: number,
): DecodeShape {
  const threads = 128;
  const across = subgroup >= 4 && subgroup < 8 ? 4 : 8;
  const valueLanes = Math.min(threads, Math.max(8, powerFrom(columns / 4)));
  const shaped = (most: number, block: number, queries: boolean): DecodeShape => {
    const tall = Math.min(most, powerFrom(rows));
    const lanes = Math.min(threads / tall, subgroup >= 4 ? Math.min(subgroup, 32) : 16);
    const asked = queries ? powerFrom((tall * features) / 4) : 0;
    return { rows: tall, threads, across, block, lanes, valueLanes, asked };
  };
  const tried = [256, 128].flatMap((block) => [16, 8, 4].map((most) => shaped(most, block, true)));
  return (
    tried.sort((a, b) => b.rows - a.rows).find((shape) => sharedBytes(shape) <= Math.min(bytes, 24576)) ??
    shaped(4, 128, false)
  );
}
