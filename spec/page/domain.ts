/** What the values of an input may be, and what is drawn for it in tests. Without a domain an input is any real number. */

/** A bound that is a number or follows from the axis lengths and options. */
export type Bound<N, O> = number | ((n: N, o: O) => number);
type Bounds<N, O> = readonly [low: Bound<N, O>, high: Bound<N, O>];

export type Domain<N = never, O = never> =
  /** 0 or 1, or a BOOL tensor; anything else is refused. */
  | "boolean"
  /** Reals that tests draw from here; others are taken too. */
  | { readonly usual: Bounds<N, O> }
  /** Reals between the bounds, both allowed; others are refused. */
  | { readonly within: Bounds<N, O> }
  /** Integers between the bounds, both allowed; anything else is refused. `order` is along the last axis. */
  | { readonly integers: Bounds<N, O>; readonly order?: "ascending" | "distinct" };

/** A domain with its bounds worked out. */
export interface Extent {
  readonly kind: "real" | "integer" | "boolean";
  readonly low: number;
  readonly high: number;
  /** Whether a value outside the bounds is refused. */
  readonly enforced: boolean;
  readonly order?: "ascending" | "distinct" | undefined;
}

/** Works out the bounds of a domain at given axis lengths and options. */
export function extentOf(domain: Domain | undefined, sizes: unknown, options: unknown): Extent {
  if (domain === undefined)
    return { kind: "real", low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, enforced: false };
  if (domain === "boolean") return { kind: "boolean", low: 0, high: 1, enforced: true };
  const bound = (b: Bound<never, never>): number => (typeof b === "function" ? b(sizes as never, options as never) : b);
  const between = ([low, high]: Bounds<never, never>) => ({ low: bound(low), high: bound(high) });
  if ("usual" in domain) return { kind: "real", ...between(domain.usual), enforced: false };
  if ("within" in domain) return { kind: "real", ...between(domain.within), enforced: true };
  return { kind: "integer", ...between(domain.integers), enforced: true, order: domain.order };
}
