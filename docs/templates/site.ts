/** What every template is given. */
import type { Facts, Site } from "../collect/facts.ts";
import type { Guide } from "../collect/guides.ts";
import type { Sizes } from "../collect/sizes.ts";
import type { Picture } from "../picture/picture.ts";

export interface Data extends Site {
  readonly pictures: ReadonlyMap<string, Picture>;
  readonly words: readonly string[];
  readonly sentence: string;
  readonly model: string;
  readonly ids: ReadonlySet<string>;
  readonly guides: readonly Guide[];
  readonly sizes: Sizes;
  readonly version: string;
}
/** The data under the name that Eleventy hands on. */
export interface Given {
  readonly site: Data;
}
export type { Facts };

/** Names of the families, as a reader says them. */
export const familyName = (family: string): string =>
  family
    .replace(/-/g, " ")
    .replace(/^\w/, (letter) => letter.toUpperCase())
    .replace(/^Kv/, "KV");
export const confidenceMeaning = {
  confirmed:
    "The page reproduces numbers computed by the official code, or where the authors published none by the code people run.",
  read: "Official code was read, not run.",
  published: "The page follows the paper’s formulas; there is no code to compare with.",
  reconstructed: "Something is not public, and the page had to choose.",
} as const;
export const causalWords = { always: "causal", "by option": "causal by option", no: "not causal" } as const;
export const growthWords = {
  "tokens²": "quadratic",
  "tokens · log": "T log T",
  tokens: "linear",
  other: "free of T",
} as const;
