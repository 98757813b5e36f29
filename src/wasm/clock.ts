/** What time measurements can rest on: some clocks go in steps of a millisecond, some stand still while there is work. */

/** Looks at a clock until it is given up: some milliseconds. */
const patience = 100_000;

/** The first time that is another than the one when it is called; `undefined` if the clock stands still. */
export function edge(): number | undefined {
  const from = performance.now();
  for (let i = 0; i < patience; i++) {
    const now = performance.now();
    if (now !== from) return now;
  }
  return undefined;
}

/** Milliseconds from one edge of the clock to the next; `undefined` if it stands still. */
export function step(): number | undefined {
  const first = edge();
  const second = first === undefined ? undefined : edge();
  return second === undefined ? undefined : second - first!;
}

/**
 * Milliseconds that `body` takes, by a clock of such steps: of one time if it is fine enough to tell, else the average of
 * as many as last ten steps.
 */
export function timed(body: () => void, step: number): number {
  const from = edge() ?? performance.now();
  for (let count = 1; ; count++) {
    body();
    const passed = performance.now() - from;
    if (passed >= 10 * step) return passed / count;
  }
}
