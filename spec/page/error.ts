/** An input, option or size that a mechanism cannot take. The message names the mechanism, the argument and the way out. */
export class PageError extends Error {
  override readonly name = "PageError";
  constructor(
    /** Id of the mechanism that refused. */
    readonly mechanism: string,
    /** Name of the input or option at fault, or the rule that is broken. */
    readonly argument: string,
    /** What was expected and what came, without the id. */
    readonly problem: string,
  ) {
    super(`${mechanism}: ${problem}`);
  }
}

/** How many single-character edits turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** The `count` names that look most like `wanted`, nearest first. */
export function nearest(wanted: string, names: readonly string[], count = 1): string[] {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");
  const far = (name: string) => distance(plain(wanted), plain(name)) - (plain(name).includes(plain(wanted)) ? 100 : 0);
  return [...names].sort((a, b) => far(a) - far(b)).slice(0, count);
}
