/** A picture as numbers: grids of values with what they mean, before anything is drawn. */
export interface Grid {
  /** What stands over it, if there is more than one. */
  readonly title: string;
  readonly rows: number;
  readonly columns: number;
  /** Row after row. */
  readonly values: readonly number[];
  /** What rows and columns are: `tokens` puts the words of the sentence beside them. */
  readonly down: string;
  readonly across: string;
}
export interface Figure {
  /** How it was made, a word: `weights`, `influence`, `likeness`, `outputs`. */
  readonly kind: Kind;
  readonly grids: readonly Grid[];
  /** One or two sentences: what is drawn. */
  readonly caption: string;
}
export type Kind = "weights" | "influence" | "field" | "places" | "likeness" | "outputs";

/** Values as places from 0 to 1 along a ramp: signed numbers around the middle, others from the bottom. */
export function places({ values }: Pick<Grid, "values">): {
  ramp: "size" | "signed";
  at: number[];
  low: number;
  high: number;
} {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite, 0);
  const high = Math.max(...finite, 0);
  const reach = Math.max(-low, high);
  const signed = low < -1e-9 * reach && low < -0.02 * high;
  if (signed)
    return { ramp: "signed", at: values.map((v) => (clean(v, reach) / reach + 1) / 2), low: -reach, high: reach };
  // Where all is far above zero the differences would not show: start at the least.
  const from = finite.length && Math.min(...finite) > 0.3 * high ? Math.min(...finite) : 0;
  return { ramp: "size", at: values.map((v) => (clean(v, high) - from) / (high - from || 1)), low: from, high };
}
const clean = (v: number, reach: number): number => (Number.isFinite(v) ? v : v > 0 ? reach : v < 0 ? -reach : 0);

/** Whether a grid shows nothing: all its values the same, to a hundredth of the range of colours. */
export function blank(grid: Grid): boolean {
  const { at } = places(grid);
  return Math.max(...at) - Math.min(...at) < 0.01;
}
