/**
 * Shapes as words. `"H Tq D"` is three axes; `"M (H D)"` has a second axis of H·D places, read with two indices;
 * `"T 2"` has a last axis of exactly 2; `""` is a single number; `"L of Yl Xl C"` is a list of L tensors whose own axes
 * Yl and Xl differ from one to the next. A default may follow: `"Tk = 1"` (that number everywhere), `"Tk E = memory"`
 * (another input), `"(H E) M = identity"`, `"D = none"` (the page asks whether it was given).
 */

type Bare<S extends string> = S extends `${infer A} = ${string}` ? A : S;
type Open<S extends string> = S extends `${infer A}(${infer B})${infer C}` ? Open<`${A}${B}${C}`> : S;
type Split<S extends string> = S extends "" ? [] : S extends `${infer A} ${infer R}` ? [A, ...Split<R>] : [S];
type Listed<S extends string> = S extends `${infer L} of ${infer R}` ? `${L} ${R}` : S;
/** The axis letters of a shape, one for each index that reads it. */
export type Letters<S extends string> = Split<Open<Listed<Bare<S>>>>;
type Ragged<S extends string> =
  Bare<S> extends `${infer L} of ${infer R}` ? RaggedIn<Lowercase<L>, Split<Open<R>>[number]> : never;
type RaggedIn<L extends string, A extends string> = A extends `${string}${L}` ? A : never;

export type Shapes = Record<string, string>;
/** A tensor as the formula sees it: a function of its indices, one for each letter of its shape. */
export type At<S extends string> = (...index: Numbers<Letters<S>>) => number;
type Numbers<W extends readonly unknown[]> = { [K in keyof W]: number };
type LettersOf<I extends Shapes> = Exclude<Letters<I[keyof I]>[number], `${number}`>;
type RaggedOf<I extends Shapes> = { [K in keyof I]: Ragged<I[K]> }[keyof I];
/** The length of every axis; a list of lengths for an axis that differs from tensor to tensor of a list. */
export type Dims<I extends Shapes> = { readonly [A in Exclude<LettersOf<I>, RaggedOf<I>>]: number } & {
  readonly [A in RaggedOf<I>]: readonly number[];
};
/** Names of the inputs that may be left out. */
export type Optional<I extends Shapes> = { [K in keyof I]: I[K] extends `${string}= ${string}` ? K : never }[keyof I];
/** Names of the inputs that are lists of tensors. */
export type IsList<S extends string> = S extends `${string} of ${string}` ? true : false;

/** A parsed shape. */
export interface Shape {
  /** Letter of the list's length, for a list of tensors. */
  readonly list: string | undefined;
  /** The axes of each tensor; an axis is the letters it is composed of, or a literal length. */
  readonly axes: readonly (readonly string[])[];
  /** What an omitted input is: a number, "identity", "none" or the name of another input. */
  readonly fallback: string | undefined;
  /** The shape as written, without its default. */
  readonly text: string;
}

const parsed = new Map<string, Shape>();

/** Reads a shape string; the same string gives the same object. */
export function shapeOf(text: string): Shape {
  const known = parsed.get(text);
  if (known) return known;
  const [written = "", fallback] = text.split(/ ?= /);
  const bare = written.trim();
  const [left, right] = bare.includes(" of ") ? (bare.split(" of ") as [string, string]) : [undefined, bare];
  const axes = [...right.matchAll(/\(([^)]*)\)|[^\s()]+/g)].map(([whole, inside]) =>
    (inside ?? whole).trim().split(/\s+/),
  );
  const shape = { list: left, axes, fallback: fallback?.trim(), text: bare };
  parsed.set(text, shape);
  return shape;
}

/** The letters that read one tensor of this shape, in order. */
export const lettersOf = (shape: Shape): string[] => shape.axes.flat();
/** Whether a word of a shape is a length rather than a letter. */
export const isLiteral = (word: string): boolean => /^\d+$/.test(word);
/** Whether an axis differs from one tensor of the list to the next. */
export const isRagged = (shape: Shape, letter: string): boolean =>
  shape.list !== undefined && letter.length > 1 && letter.endsWith(shape.list.toLowerCase());
/** How an input's shape is written in a message: `k: [Tk, H·D]`. */
export function wanted(name: string, text: string): string {
  const shape = shapeOf(text);
  const one = `[${shape.axes.map((axis) => axis.join("·")).join(", ")}]`;
  return `${name}: ${shape.list ? `${shape.list} tensors ` : ""}${one}`;
}
