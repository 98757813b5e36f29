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
  /** Features of the keys that are shared at a time; a multiple of four. */
  readonly features: number;
}

export const queriesOf = ({ tall, down }: AttentionShape): number => tall * down;
export const keysOf = ({ keys4, across }: AttentionShape): number => 4 * keys4 * across;

/** Vectors of four that a workgroup shares, keys and then weights in one place; and how far rows of each are apart. */
export function shared(shape: AttentionShape) {
  // One more than needed, so that rows begin at different banks of memory.
  const [keyStride, weightStride] = [shape.features / 4 + 1, shape.across + 1];
  return { keyStride, weightStride, size: Math.max(keysOf(shape) * keyStride, queriesOf(shape) * weightStride) };
}

/** Bytes that a workgroup shares; without subgroups also what each row of invocations finds out. */
export function sharedBytes(shape: AttentionShape, subgroups: boolean): number {
  return 16 * shared(shape).size + (subgroups ? 0 : 4 * queriesOf(shape) * shape.across);
}

/** Those that fit anywhere, for values up to 32, 64, 128 and 256 wide. */
const small = (values4: number): AttentionShape => ({
  ...{ tall: 2, keys4: 1, values4, across: 8, down: 8, features: 32 },
});
export const smallShapes: readonly AttentionShape[] = [small(1), small(2), small(4), small(8)];

/**
 * For many queries, keys and values of up to 64 features, and 128. Few more bytes are shared than what lets two
 * workgroups stand side by side where a processor sets 48 KiB aside.
 */
export const largeShapes: readonly AttentionShape[] = [
  { tall: 8, keys4: 2, values4: 2, across: 8, down: 16, features: 64 },
  { tall: 8, keys4: 1, values4: 2, across: 16, down: 8, features: 64 },
];
