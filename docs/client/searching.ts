/** How the index is made and asked; the same as it is built and in the browser. */
import type { Options } from "minisearch";

export interface Entry {
  readonly id: string;
  readonly href: string;
  readonly kind: string;
  readonly title: string;
  /** Other names: the id, its initials, authors. */
  readonly names: string;
  readonly text: string;
}
export const searching: Options<Entry> = {
  fields: ["title", "names", "text"],
  storeFields: ["href", "title", "kind"],
  searchOptions: {
    boost: { title: 4, names: 3 },
    prefix: true,
    fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    combineWith: "AND",
  },
};
