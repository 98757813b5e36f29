/** Finds the length of every axis and the value of every option from the tensors and options given. */
import { nearest, PageError } from "./error.ts";
import { type AnyOption, accepts, allowed } from "./options.ts";
import { isLiteral, isRagged, type Shape, shapeOf, wanted } from "./shape.ts";

/** What sizes and options are worked out from. */
export interface Declaration {
  readonly id: string;
  readonly inputs: Record<string, string>;
  readonly options: Record<string, AnyOption>;
  readonly axes?: Record<string, (n: never, o: never) => number>;
}
export type Sizes = Record<string, number | readonly number[]>;
export interface Resolved {
  readonly sizes: Sizes;
  readonly options: Record<string, unknown>;
}

class Unknown extends Error {}

/** Reads by name from what is known, and remembers what was read; throws where nothing is known yet. */
function looking(get: (name: string) => unknown, seen: string[]): never {
  return new Proxy(
    {},
    {
      get(_, name: string) {
        const value = get(name);
        if (value === undefined) throw new Unknown(name);
        seen.push(`${name} = ${String(value)}`);
        return value;
      },
    },
  ) as never;
}

/** Solves for axis lengths and option values, and reports the first thing that does not fit. */
export class Solver {
  readonly sizes: Sizes = {};
  readonly options: Record<string, unknown> = {};
  readonly #source: Record<string, string> = {};

  constructor(
    readonly page: Declaration,
    readonly chosen: Record<string, unknown>,
  ) {
    const names = Object.keys(page.options);
    for (const name of Object.keys(chosen)) {
      const option = Object.hasOwn(page.options, name) ? page.options[name]! : undefined;
      if (!option) this.fail(name, `there is no option ${name}; ${suggest(name, names, "options")}`);
      const value = chosen[name];
      if (value === undefined || value === null) continue;
      if (!accepts(option!, value)) this.fail(name, `option ${name} must be ${allowed(option!)}, got ${show(value)}`);
      this.options[name] = value;
    }
  }

  fail(argument: string, problem: string): never {
    throw new PageError(this.page.id, argument, problem);
  }

  /** Notes that `letter` has this length, because of `source`. */
  bind(letter: string, length: number, source: string, context = ""): void {
    const known = this.sizes[letter];
    if (known === undefined) {
      this.sizes[letter] = length;
      this.#source[letter] = source;
    } else if (known !== length)
      this.fail(
        source,
        `${source} has ${letter} = ${length}, but ${this.#source[letter]} has ${letter} = ${String(known)}${context}`,
      );
  }

  /** Takes in the shape of one input: what it says of plain axes at once, of composed ones as far as the rest is known. */
  read(name: string, text: string, lengths: readonly number[], entry?: number): boolean {
    const shape = shapeOf(text);
    const context = `; expected ${wanted(name, text)}, got [${lengths.join(", ")}]`;
    const label = entry === undefined ? name : `${name}[${entry}]`;
    let done = true;
    for (const [a, axis] of shape.axes.entries()) {
      const length = lengths[a]!;
      const ragged = axis.find((letter) => isRagged(shape, letter));
      if (ragged && entry !== undefined) {
        this.#readRagged(ragged, length, label, entry, context);
        continue;
      }
      const unknown = axis.filter((word) => !isLiteral(word) && this.sizes[word] === undefined);
      const rest = axis.filter((word) => !unknown.includes(word)).reduce((p, word) => p * this.length(word), 1);
      if (unknown.length === 0) {
        if (rest !== length) this.#mismatch(name, label, axis, rest, length, context);
      } else if (unknown.length > 1) done = false;
      else if (axis.length === 1) this.bind(unknown[0]!, length, label, context);
      else if (length % rest)
        this.fail(
          name,
          `${label} has axis ${axis.join("·")} = ${length}, not a multiple of ${rest}${this.#because(axis, unknown)}${context}`,
        );
      else this.bind(unknown[0]!, length / rest, label, context);
    }
    return done;
  }

  #because(axis: readonly string[], unknown: readonly string[]): string {
    return ` (${axis
      .filter((word) => !unknown.includes(word))
      .map((word) => `${word} = ${this.length(word)}`)
      .join(", ")})`;
  }

  #mismatch(
    name: string,
    label: string,
    axis: readonly string[],
    expected: number,
    length: number,
    context: string,
  ): void {
    const letter = axis.join("·");
    const from = [...new Set(axis.map((word) => this.#source[word]).filter(Boolean))].join(" and ");
    if (axis.length === 1 && isLiteral(letter))
      this.fail(name, `${label} has an axis of ${length} where exactly ${letter} is meant${context}`);
    this.fail(
      name,
      `${label} has ${letter} = ${length}, but ${from || "the options"} ${from.includes(" and ") ? "have" : "has"} ${letter} = ${expected}${context}`,
    );
  }

  #readRagged(letter: string, length: number, label: string, entry: number, context: string): void {
    const known = (this.sizes[letter] as number[] | undefined) ?? [];
    if (known[entry] !== undefined && known[entry] !== length)
      this.fail(
        label,
        `${label} has ${letter} = ${length}, but another list has ${letter} = ${known[entry]} there${context}`,
      );
    this.sizes[letter] = Object.assign([...known], { [entry]: length });
    this.#source[letter] ??= label;
  }

  /** The length of a letter or literal that is known. */
  length(word: string): number {
    return isLiteral(word) ? Number(word) : (this.sizes[word] as number);
  }

  /** The value of an option, its default worked out if need be; `undefined` while that needs an axis not yet known. */
  option(name: string): unknown {
    if (Object.hasOwn(this.options, name)) return this.options[name];
    const declared = this.page.options[name];
    if (!declared) return undefined;
    const value = declared.default as unknown;
    if (typeof value !== "function") return value;
    try {
      return value(looking((letter) => this.sizes[letter], []));
    } catch (error) {
      if (error instanceof Unknown) return undefined;
      throw error;
    }
  }

  /** Works out what axes follow from others; true if something new came of it. */
  derive(): boolean {
    let progress = false;
    for (const [letter, rule] of Object.entries(this.page.axes ?? {})) {
      if (this.#source[letter]?.startsWith("the definition")) continue;
      const seen: string[] = [];
      try {
        const length = rule(
          looking((axis) => this.sizes[axis], seen),
          looking((name) => this.option(name), seen),
        );
        if (!Number.isSafeInteger(length) || length < 0)
          this.fail(
            letter,
            `axis ${letter} follows from ${seen.join(", ")} and would be ${length}; it must be a whole number`,
          );
        const known = this.sizes[letter];
        if (known !== undefined && known !== length && this.#source[letter])
          this.fail(
            this.#source[letter]!,
            `${this.#source[letter]} has ${letter} = ${String(known)}, but ${seen.join(", ")} make${seen.length === 1 ? "s" : ""} it ${length}`,
          );
        this.sizes[letter] = length;
        this.#source[letter] = `the definition of ${letter} (from ${seen.join(", ")})`;
        progress = true;
      } catch (error) {
        if (!(error instanceof Unknown)) throw error;
      }
    }
    return progress;
  }

  /** All options with their values; call when every axis is known. */
  settle(): Resolved {
    for (const [name, option] of Object.entries(this.page.options)) {
      const value = this.option(name);
      if (!accepts(option, value))
        this.fail(
          name,
          `option ${name} must be ${allowed(option)}; by default it is ${show(value)} here: give another`,
        );
      this.options[name] = value;
    }
    return { sizes: this.sizes, options: this.options };
  }
}

/** Solves the sizes from the shapes of the given inputs. Letters that nothing determines get length 0. */
export function solve(
  page: Declaration,
  shapes: Record<string, readonly (readonly number[])[]>,
  chosen: Record<string, unknown>,
): Resolved {
  const solver = new Solver(page, chosen);
  const names = Object.keys(page.inputs).filter((name) => shapes[name]);
  const parts = names.map((name) => ({
    name,
    text: page.inputs[name]!,
    shape: shapeOf(page.inputs[name]!),
    lengths: shapes[name]!,
  }));
  for (const { name, shape, lengths } of parts) if (shape.list) solver.bind(shape.list, lengths.length, name);
  const readAll = () =>
    parts
      .map((p) => p.lengths.map((l, i) => solver.read(p.name, p.text, l, p.shape.list ? i : undefined)).every(Boolean))
      .every(Boolean);
  for (let round = 0; ; round++) {
    const before = Object.keys(solver.sizes).length;
    const complete = readAll();
    solver.derive();
    identities(page, shapes, solver);
    if (complete && round > 0 && Object.keys(solver.sizes).length === before) break;
    if (Object.keys(solver.sizes).length === before && round > 0) {
      const stuck = parts.find((p) =>
        p.shape.axes.some((axis) => axis.filter((w) => !isLiteral(w) && solver.sizes[w] === undefined).length > 1),
      );
      if (stuck)
        solver.fail(
          stuck.name,
          `nothing tells how ${wanted(stuck.name, stuck.text)} divides; give the input or option that does`,
        );
      break;
    }
  }
  for (const text of Object.values(page.inputs))
    for (const word of shapeOf(text).axes.flat()) if (!isLiteral(word)) solver.sizes[word] ??= 0;
  solver.derive();
  for (const [name, text] of Object.entries(page.inputs)) {
    const shape = shapeOf(text);
    if (shapes[name] || shape.fallback !== "identity") continue;
    const [rows, columns] = lengthsOf(shape, solver.sizes).slice(-2);
    const [left, right] = shape.axes.slice(-2).map((axis) => axis.join("·"));
    if (rows !== columns)
      solver.fail(
        name,
        `${name} is left out and would be the identity, but ${left} = ${rows} and ${right} = ${columns} differ: give ${name}`,
      );
  }
  return solver.settle();
}

/** An omitted identity is square: where one of its two axes is known, so is the other. */
function identities(page: Declaration, shapes: Record<string, unknown>, solver: Solver): void {
  for (const [name, text] of Object.entries(page.inputs)) {
    const shape = shapeOf(text);
    if (shapes[name] || shape.fallback !== "identity") continue;
    const [left, right] = shape.axes.slice(-2) as [readonly string[], readonly string[]];
    for (const [a, b] of [
      [left, right],
      [right, left],
    ] as const) {
      if (
        b.length !== 1 ||
        solver.sizes[b[0]!] !== undefined ||
        a.some((w) => !isLiteral(w) && solver.sizes[w] === undefined)
      )
        continue;
      solver.bind(
        b[0]!,
        a.reduce((p, w) => p * solver.length(w), 1),
        name,
      );
    }
  }
}

/** The lengths of a shape's axes once every letter is known; of tensor `entry` for a list. */
export function lengthsOf(shape: Shape, sizes: Sizes, entry = 0): number[] {
  return shape.axes.map((axis) => axis.reduce((p, word) => p * lengthOf(word, sizes, entry), 1));
}
/** The length of one letter or literal; of tensor `entry` for an axis that differs along a list. */
export function lengthOf(word: string, sizes: Sizes, entry = 0): number {
  if (isLiteral(word)) return Number(word);
  const size = sizes[word];
  return typeof size === "number" ? size : (size?.[entry] ?? 0);
}

export const show = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
/** The nearest name and the whole list, for a message. */
export const suggest = (name: string, names: readonly string[], what: string): string =>
  names.length ? `did you mean ${nearest(name, names)[0]}? The ${what} are ${names.join(", ")}` : `it has no ${what}`;
