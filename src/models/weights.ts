/** Weights by name, as plans declare them. */
import type { Linear, Mixer, Plan } from "./plan.ts";

/** A tensor of the checkpoint that fills some of the rows of a weight. */
export interface Part {
  readonly name: string;
  /** Shape in the checkpoint. */
  readonly shape: readonly number[];
}

/** One tensor that the blocks read: the parts below one another. */
export interface Weight {
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
  /** Whether each part is stored as [inputs, outputs], one such matrix after the other if it has more axes. */
  readonly transposed?: boolean;
  /** Added to each value as it is read. Default 0. */
  readonly plus?: number;
  /** Whether −eˣ is kept of each value x: rates of decay are stored by their logarithm. */
  readonly minusExp?: boolean;
}

/** A vector. */
export const vector = (name: string, length: number): Weight => ({
  shape: [length],
  parts: [{ name, shape: [length] }],
});

/** A matrix [rows, columns]. */
export const matrix = (name: string, rows: number, columns: number): Weight => ({
  shape: [rows, columns],
  parts: [{ name, shape: [rows, columns] }],
});

/** A matrix that is stored as [columns, rows]. */
export const transposed = (name: string, rows: number, columns: number): Weight => ({
  shape: [rows, columns],
  parts: [{ name, shape: [columns, rows] }],
  transposed: true,
});

/** A matrix or vector that is stored in another shape of as many values. */
export const reshaped = (name: string, shape: readonly number[], stored: readonly number[]): Weight => ({
  shape,
  parts: [{ name, shape: stored }],
});

/** Matrices of the same width, or vectors, below one another. */
export const stacked = (...weights: readonly Weight[]): Weight => ({
  shape: [weights.reduce((rows, { shape }) => rows + shape[0]!, 0), ...weights[0]!.shape.slice(1)],
  parts: weights.flatMap(({ parts }) => parts),
});

/** All weights of a plan, each once. */
export function weightsOf(plan: unknown): readonly Weight[] {
  const found = new Map<string, Weight>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("parts" in value) found.set(keyOf(value as Weight), value as Weight);
    else for (const inner of Object.values(value)) visit(inner);
  };
  visit(plan);
  return [...found.values()];
}

/**
 * The keys of the matrices that products alone read, and lookups of embeddings: these may be held in few bits. Routers
 * are not among them, which are small and decide much.
 */
export function productsOf(plan: Plan): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (weight: Weight | undefined) => weight && found.add(keyOf(weight));
  const addLinears = (of: object, names: readonly string[]) => {
    for (const name of names) add((of as Readonly<Record<string, Linear>>)[name]?.weight);
  };
  const { embedding, head, layers } = plan;
  add(embedding.kind === "tokens" ? embedding.table : embedding.projection.weight);
  add(head?.weight);
  // Those of one expert must begin where four rows do.
  for (const { mixer } of layers.flat().flatMap(({ mixers }) => mixers))
    if (mixer.kind !== "experts") addLinears(mixer, linears[mixer.kind]);
    else
      for (const name of linears.experts)
        if (mixer[name].weight.shape[0]! % (4 * mixer.count) === 0) addLinears(mixer, [name]);
  return found;
}

const linears = {
  attention: ["qkv", "out"],
  feed: ["up", "down"],
  experts: ["up", "down"],
  mamba: ["input", "selection", "step", "out"],
  mamba2: ["input", "out"],
} as const satisfies Readonly<Record<Mixer["kind"], readonly string[]>>;

/** Weights that are read alike are the same: a tied head is not kept twice. */
export const keyOf = ({ parts, plus = 0, minusExp }: Weight): string =>
  `${parts.map(({ name }) => name).join("|")}+${plus}${minusExp ? " minus exp" : ""}`;
