/** What was typed, checked. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { allowed } from "../../spec/page/options.ts";
import { type AnyPage, nearest, PageError } from "../../spec/page.ts";

/** Wrong usage or input: one line on stderr, exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type Flags = NonNullable<ParseArgsConfig["options"]>;
export interface Arguments {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
}

/** Parses words and flags; an unknown flag is refused with the nearest known one. */
export function parse(args: readonly string[], flags: Flags): Arguments {
  const known = Object.keys({ ...flags, help: 0 });
  for (const word of args) {
    const name = word.match(/^--([^=]+)/)?.[1];
    if (name && !known.includes(name))
      throw new UsageError(`there is no flag --${name}; did you mean --${nearest(name, known)[0]}?`);
  }
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      options: flags,
      allowPositionals: true,
      strict: true,
    });
    return { words: positionals, flags: values };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split(". ")[0]! : String(error));
  }
}

/** The value of a flag that takes one; `undefined` if it is not there. */
export function text({ flags }: Arguments, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}
export function needed(args: Arguments, name: string, what: string): string {
  const value = text(args, name);
  if (!value) throw new UsageError(`--${name} is missing: ${what}`);
  return value;
}
/** A whole number no smaller than `least`. */
export function whole(args: Arguments, name: string, fallback: number, least = 1): number {
  const value = text(args, name);
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least)
    throw new UsageError(`--${name} must be a whole number ≥ ${least}, got ${value}`);
  return number;
}

/** `--set name=value` flags as options of a page. */
export function settings(page: AnyPage, args: Arguments): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const assignment of [args.flags.set ?? []].flat() as string[]) {
    const at = assignment.indexOf("=");
    if (at < 1) throw new UsageError(`--set takes option=value, got ${assignment}`);
    const [name, value] = [assignment.slice(0, at), assignment.slice(at + 1)];
    const option = Object.hasOwn(page.options, name) ? page.options[name] : undefined;
    if (!option) {
      const names = Object.keys(page.options);
      throw new PageError(
        page.id,
        name,
        names.length
          ? `there is no option ${name}; did you mean ${nearest(name, names)[0]}? The options are ${names.join(", ")}`
          : `there is no option ${name}; it has none`,
      );
    }
    options[name] = read(
      value,
      option.type,
      () => new PageError(page.id, name, `option ${name} must be ${allowed(option)}, got ${value}`),
    );
  }
  return options;
}

function read(value: string, type: string, refuse: () => Error): unknown {
  const number = (part: string): number => {
    const infinite = /^([+-]?)inf(inity)?$/i.exec(part.trim());
    const parsed = infinite
      ? infinite[1] === "-"
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY
      : Number(part);
    if (part.trim() === "" || Number.isNaN(parsed)) throw refuse();
    return parsed;
  };
  if (type === "boolean") {
    if (value !== "true" && value !== "false") throw refuse();
    return value === "true";
  }
  if (type === "choice") return value;
  if (type === "numbers" || type === "integers") return value === "" ? [] : value.split(",").map(number);
  return number(value);
}
