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
  /** Features of the keys that are shared at a time: 32 or more. */
  readonly features: number;
  /** Keys whose values are shared at a time, at most 4 · across. */
  readonly keysAtOnce: number;
  /** Whether queries are shared too, in the place of values; or each invocation reads its own. */
  readonly queriesShared: boolean;
}

export const queriesOf = ({ tall, down }: AttentionShape): number => tall * down;
export const keysOf = ({ keys4, across }: AttentionShape): number => 4 * keys4 * across;

/**
 * Vectors of four that a workgroup shares: keys and then weights in one place, and values. What is read together lies in
 * different banks: columns are exchanged by the row that they are in.
 */
export const shared = (shape: AttentionShape) => ({
  keyed: Math.max((keysOf(shape) * shape.features) / 4, queriesOf(shape) * shape.across),
  valued: Math.max(
    shape.keysAtOnce * shape.across * shape.values4,
    shape.queriesShared ? (queriesOf(shape) * shape.features) / 4 : 0,
  ),
});

/** Bytes that a workgroup shares; without subgroups also what each row of invocations finds out. */
export function sharedBytes(shape: AttentionShape, subgroups: boolean): number {
  const { keyed, valued } = shared(shape);
  return 16 * (keyed + valued) + (subgroups ? 0 : 4 * queriesOf(shape) * shape.across);
}

/** Those that fit anywhere, for values up to 32, 64, 128 and 256 wide. */
const small = (values4: number, keysAtOnce: number): AttentionShape => ({
  ...{ tall: 2, keys4: 1, values4, across: 8, down: 8, features: 32, keysAtOnce, queriesShared: false },
});
export const smallShapes: readonly AttentionShape[] = [small(1, 32), small(2, 32), small(4, 16), small(8, 8)];

/**
 * For many queries, keys and values of up to 64 features, and 128. They share 24 KiB, so that two workgroups stand side
 * by side where a processor sets 48 KiB aside, as NVIDIA's do.
 */
export const largeShapes: readonly AttentionShape[] = [
  { tall: 8, keys4: 2, values4: 2, across: 8, down: 16, features: 64, keysAtOnce: 32, queriesShared: false },
  { tall: 4, keys4: 2, values4: 2, across: 8, down: 16, features: 64, keysAtOnce: 32, queriesShared: false },
  { tall: 8, keys4: 2, values4: 2, across: 16, down: 8, features: 32, keysAtOnce: 16, queriesShared: true },
  { tall: 4, keys4: 2, values4: 2, across: 16, down: 8, features: 32, keysAtOnce: 16, queriesShared: true },
];
