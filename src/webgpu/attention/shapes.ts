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
  /** Features of the keys that are shared at a time, and keys whose values are; multiples of four. */
  readonly features: number;
  readonly keysAtOnce: number;
  /** Whether the queries are shared too, all their features at once. */
  readonly queriesShared: boolean;
}

export const queriesOf = ({ tall, down }: AttentionShape): number => tall * down;
export const keysOf = ({ keys4, across }: AttentionShape): number => 4 * keys4 * across;

/** Vectors of four that a workgroup shares: keys or weights, values, queries; and how rows of each are apart. */
export function shared(shape: AttentionShape) {
  const [queries, keys] = [queriesOf(shape), keysOf(shape)];
  // One more than needed, so that rows begin at different banks of memory.
  const [keyStride, weightStride] = [shape.features / 4 + 1, keys / 4 + 1];
  const valueStride = shape.across * shape.values4;
  return {
    keyStride,
    weightStride,
    valueStride,
    keys: Math.max(keys * keyStride, queries * weightStride),
    values: shape.keysAtOnce * valueStride,
    queries: shape.queriesShared ? queries * keyStride : 0,
  };
}

/** Bytes that a workgroup shares; without subgroups also what each row of invocations finds out. */
export function sharedBytes(shape: AttentionShape, subgroups: boolean): number {
  const { keys, values, queries } = shared(shape);
  return 16 * (keys + values + queries) + (subgroups ? 0 : 4 * queriesOf(shape) * shape.across);
}

/** Those that fit anywhere, for values up to 32, 64, 128 and 256 wide. */
const small = (values4: number, keysAtOnce: number): AttentionShape => ({
  ...{ tall: 2, keys4: 1, values4, across: 8, down: 8, features: 32, keysAtOnce, queriesShared: false },
});
export const smallShapes: readonly AttentionShape[] = [small(1, 32), small(2, 32), small(4, 16), small(8, 8)];

/** For many queries, keys and values of up to 64 features, and 128. */
export const largeShapes: readonly AttentionShape[] = [
  { tall: 8, keys4: 2, values4: 2, across: 8, down: 8, features: 64, keysAtOnce: 32, queriesShared: true },
  { tall: 8, keys4: 1, values4: 2, across: 16, down: 8, features: 64, keysAtOnce: 32, queriesShared: false },
];
