/** How a workgroup divides its queries, keys and values among its invocations. */
export interface AttentionShape {
  /** Queries that an invocation keeps. */
  readonly tall: number;
  /** Vectors of four keys whose scores it keeps. */
  readonly keys4: number;
  /** Vectors of four values that it keeps of each query. */
  readonly values4: number;
  /** Invocations that share queries, and how many such rows there are. */
  readonly across: number;
  readonly down: number;
  /** Features of queries and keys that are shared at a time, 4 times a power of two. */
  readonly features: number;
  /** Keys whose values are shared at a time, at most 4 · across. */
  readonly keysAtOnce: number;
  /** Whether the loop over shared features is written out. */
  readonly unrolled: boolean;
}

export const queriesOf = ({ tall, down }: AttentionShape): number => tall * down;
export const keysOf = ({ keys4, across }: AttentionShape): number => 4 * keys4 * across;

/**
 * Vectors of four that a workgroup shares: keys, and behind them queries; then weights of 4 · across keys, and behind them
 * values. Keys, queries and weights lie turned, four neighbours of one feature or of one key in a vector, so that each
 * vector that is read gives four multiplications of vectors.
 */
export function sharedVectors(shape: AttentionShape) {
  const queries = queriesOf(shape);
  const keyed = (shape.features * keysOf(shape)) / 4;
  const weighed = shape.across * queries;
  const valued = shape.keysAtOnce * shape.across * shape.values4;
  return { keyed, weighed, held: Math.max(keyed + (shape.features * queries) / 4, weighed + valued) };
}

/** Bytes that a workgroup shares; without subgroups also what each row of invocations finds out. */
export function sharedBytes(shape: AttentionShape, subgroups: boolean): number {
  return 16 * sharedVectors(shape).held + (subgroups ? 0 : 4 * queriesOf(shape) * shape.across);
}

/** Those that fit anywhere, for values up to 32, 64, 128 and 256 wide. */
const small = (values4: number, keysAtOnce: number): AttentionShape => ({
  ...{ tall: 4, keys4: 1, values4, across: 8, down: 8, features: 32, keysAtOnce, unrolled: false },
});
export const smallShapes: readonly AttentionShape[] = [small(1, 32), small(2, 32), small(4, 16), small(8, 8)];

/**
 * For many queries, keys and values of up to 64 features, and 128. They share 24 KiB, so that two workgroups stand side
 * by side where a processor sets 48 KiB aside, as NVIDIA's do.
 */
export const largeShapes: readonly AttentionShape[] = [
  { tall: 8, keys4: 2, values4: 2, across: 8, down: 16, features: 32, keysAtOnce: 32, unrolled: true },
  { tall: 8, keys4: 2, values4: 4, across: 8, down: 16, features: 32, keysAtOnce: 16, unrolled: false },
];
