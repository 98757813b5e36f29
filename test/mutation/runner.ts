/** Stands in for the test runner while mutants are tried: collects tests, runs them until one fails. */
interface Collected {
  readonly name: string;
  readonly run: () => unknown;
}
const collected: Collected[] = [];

export const describe = (_: string, f: () => void): void => f();
export const test = (name: string, run: () => unknown): void => {
  collected.push({ name, run });
};

/** The name and message of the first test that fails; nothing if all pass. */
export async function firstFailure(): Promise<string | undefined> {
  // The worked examples and golden vectors come first: they are quick and fail most mutants.
  const order = (name: string) => (name.startsWith("example:") || /^case-/.test(name) ? 0 : 1);
  if (collected.length === 0) throw new Error("no test was collected");
  for (const { name, run } of collected.sort((a, b) => order(a.name) - order(b.name))) {
    try {
      await run();
    } catch (error) {
      return `${name}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
    }
  }
  return undefined;
}
