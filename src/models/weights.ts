/** Weights by name, as plans declare them. */

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

/** Weights that are read alike are the same: a tied head is not kept twice. */
export const keyOf = ({ parts, plus = 0 }: Weight): string => `${parts.map(({ name }) => name).join("|")}+${plus}`;
