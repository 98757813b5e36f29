/** Options that a call does not have: a misspelt one would be ignored. */

/** Every option of a type, none left out, held to it by the compiler. */
export type Names<O> = Readonly<Record<keyof O, true>>;

/** Says of the options of a call what is wrong with them as a whole, if anything is: `fail` throws. */
export function refuseUnknown(
  options: unknown,
  names: Readonly<Record<string, true>>,
  fail: (name: string, problem: string) => never,
): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null)
    fail("options", `options must be an object, got ${options === null ? "null" : typeof options}`);
  for (const name of Object.keys(options as object))
    if (!Object.hasOwn(names, name))
      fail(name, `there is no option ${name}; the options are ${Object.keys(names).join(", ")}`);
}
