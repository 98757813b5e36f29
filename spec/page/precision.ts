/** How a page rounds: what it keeps (tables, weights, outputs) and how it adds up. Inputs are taken as they come. */
export interface Precision {
  /** Rounds a value that is kept. */
  readonly store: (x: number) => number;
  /** Rounds a running sum and the products that enter it. */
  readonly accumulate: (x: number) => number;
}

const exact: Precision = { store: (x) => x, accumulate: (x) => x };

/** The precision in force; `undefined` while pages run in plain float64, which is the fast path. */
export let lower: Precision | undefined;

/** The precision in force, float64 included. */
export const precision = (): Precision => lower ?? exact;

/** Runs `f` with every kept value and every sum rounded as `how` says: the page itself, evaluated at a lower precision. */
export function rounded<R>(how: Precision, f: () => R): R {
  const before = lower;
  lower = how;
  try {
    return f();
  } finally {
    lower = before;
  }
}
