/** Checks what a mechanism is called with, and works out sizes and options. */
import { extentOf } from "./domain.ts";
import { PageError } from "./error.ts";
import type { AnyPage, Inputs } from "./mechanism.ts";
import { type Shape, shapeOf, wanted } from "./shape.ts";
import { lengthOf, type Resolved, type Sizes, solve, suggest } from "./sizes.ts";
import { indexOf, sizeOf, type Tensor } from "./tensor.ts";

/** Inputs that fit a page, with their sizes and options worked out. */
export interface Fitted extends Resolved {
  /** Tensors of each given input; one for each entry of a list. */
  readonly tensors: Readonly<Record<string, readonly Tensor[]>>;
  readonly given: Readonly<Record<string, boolean>>;
  /** Length of the unlisted leading axis, if there is one. */
  readonly batch: number | undefined;
}

/** Checks inputs and options against a page and works out sizes; throws {@link PageError} naming the first thing wrong. */
export function bind(page: AnyPage, inputs: Inputs, chosen: Readonly<Record<string, unknown>>): Fitted {
  const fail = (argument: string, problem: string): never => {
    throw new PageError(page.id, argument, problem);
  };
  const names = Object.keys(page.inputs);
  for (const name of Object.keys(inputs))
    if (!Object.hasOwn(page.inputs, name)) fail(name, `there is no input ${name}; ${suggest(name, names, "inputs")}`);
  const tensors: Record<string, readonly Tensor[]> = {};
  const given: Record<string, boolean> = {};
  for (const name of names) {
    const shape = shapeOf(page.inputs[name]!);
    const value = inputs[name];
    if (shape.fallback !== undefined) given[name] = value !== undefined;
    if (value !== undefined) tensors[name] = listOf(page, name, shape, value);
    else if (shape.fallback === undefined)
      fail(name, `${name} is missing; expected ${wanted(name, page.inputs[name]!)}`);
  }
  const ranks = Object.entries(tensors).flatMap(([name, list]) =>
    list.map((t) => t.shape.length - shapeOf(page.inputs[name]!).axes.length),
  );
  const batched = ranks.length > 0 && ranks.every((extra) => extra === 1);
  let batch: number | undefined;
  for (const [name, list] of Object.entries(tensors))
    for (const t of list) {
      const rank = shapeOf(page.inputs[name]!).axes.length;
      const got = `[${t.shape.join(", ")}]`;
      if (!batched && t.shape.length !== rank)
        fail(
          name,
          `${name} has ${t.shape.length} ${t.shape.length === 1 ? "axis" : "axes"}, shape ${got}; expected ${wanted(name, page.inputs[name]!)}${t.shape.length === rank + 1 ? "; a leading batch axis must stand on every input" : ""}`,
        );
      if (batched) {
        if (batch !== undefined && batch !== t.shape[0])
          fail(
            name,
            `${name} has a leading batch axis of ${t.shape[0]}, but ${Object.keys(tensors)[0]} has one of ${batch}`,
          );
        batch = t.shape[0]!;
      }
    }
  const shapes: Record<string, readonly (readonly number[])[]> = {};
  for (const name of names) {
    const fallback = shapeOf(page.inputs[name]!).fallback;
    if (!tensors[name] && fallback !== undefined && Object.hasOwn(page.inputs, fallback) && tensors[fallback])
      tensors[name] = tensors[fallback]!;
    if (tensors[name]) shapes[name] = tensors[name]!.map((t) => (batched ? t.shape.slice(1) : t.shape));
  }
  const resolved = solve(page, shapes, chosen);
  for (const [name, list] of Object.entries(shapes))
    for (const [entry, lengths] of list.entries()) checkEmpty(page, name, lengths, resolved.sizes, entry);
  for (const [rule, holds] of Object.entries(page.requires ?? {}))
    if (!holds(resolved.sizes as never, resolved.options as never, given as never))
      fail(rule, `${rule}${mentioned(rule, { ...resolved.sizes, ...resolved.options })}`);
  for (const [name, list] of Object.entries(tensors))
    if (given[name] !== false) for (const t of list) checkValues(page, name, t, resolved);
  return { ...resolved, tensors, given, batch };
}

/** The values of what a rule speaks of: `: got Hq = 6, Hk = 4`. */
function mentioned(rule: string, values: Readonly<Record<string, unknown>>): string {
  const words = new Set(rule.match(/\w+/g));
  const got = Object.entries(values)
    .filter(([name]) => words.has(name))
    .map(([name, value]) => `${name} = ${String(value)}`);
  return got.length ? `: got ${got.join(", ")}` : "";
}

function listOf(page: AnyPage, name: string, shape: Shape, value: Tensor | readonly Tensor[]): readonly Tensor[] {
  const fail = (problem: string): never => {
    throw new PageError(page.id, name, problem);
  };
  const isTensor = (t: unknown): t is Tensor =>
    typeof t === "object" &&
    t !== null &&
    Array.isArray((t as Tensor).shape) &&
    (t as Tensor).data?.length !== undefined;
  const list = shape.list ? value : [value];
  if (!Array.isArray(list))
    return fail(
      `${name} must be a list of tensors { shape, data }, got ${typeof value === "object" ? "one tensor" : typeof value}`,
    );
  for (const [entry, t] of (list as readonly unknown[]).entries()) {
    const label = shape.list ? `${name}[${entry}]` : name;
    if (!isTensor(t))
      return fail(
        `${label} must be { shape, data }, got ${Array.isArray(t) ? "an array" : typeof t}; a nested array goes through tensorOf first`,
      );
    if (!t.shape.every((length) => Number.isSafeInteger(length) && length >= 0))
      fail(`${label} has shape [${t.shape.join(", ")}]; every length must be a whole number`);
    if (t.data.length !== sizeOf(t.shape))
      fail(`${label} has ${t.data.length} values, but its shape [${t.shape.join(", ")}] holds ${sizeOf(t.shape)}`);
  }
  return list as Tensor[];
}

function checkEmpty(page: AnyPage, name: string, lengths: readonly number[], sizes: Sizes, entry: number): void {
  shapeOf(page.inputs[name]!).axes.forEach((axis, a) => {
    if (lengths[a] !== 0) return;
    const empty = axis.filter((word) => lengthOf(word, sizes, entry) === 0 && !page.mayBeEmpty?.includes(word));
    if (empty.length)
      throw new PageError(
        page.id,
        name,
        `${name} has an empty axis ${empty[0]}, for which this mechanism is not defined; expected ${wanted(name, page.inputs[name]!)} with ${empty[0]} ≥ 1`,
      );
  });
}

function checkValues(page: AnyPage, name: string, t: Tensor, { sizes, options }: Resolved): void {
  const domain = extentOf(page.domain?.[name], sizes, options);
  if (!domain.enforced) return;
  const { low, high } = domain;
  const last = t.shape.at(-1) ?? 1;
  const what =
    domain.kind === "boolean"
      ? "only 0 and 1"
      : `${domain.kind === "integer" ? "integers" : "numbers"} from ${low} to ${high}`;
  for (let i = 0; i < t.data.length; i++) {
    const v = Number(t.data[i]);
    const place = `[${indexOf(i, t.shape).join(", ")}]`;
    if (!(v >= low && v <= high) || (domain.kind !== "real" && !Number.isInteger(v)))
      throw new PageError(page.id, name, `${name} holds ${what}, got ${v} at ${place}`);
    if (domain.order === "ascending" && i % last && !(v > Number(t.data[i - 1])))
      throw new PageError(
        page.id,
        name,
        `${name} must ascend along its last axis, got ${Number(t.data[i - 1])} then ${v} at ${place}`,
      );
    if (domain.order === "distinct")
      for (let j = i - (i % last); j < i; j++)
        if (Number(t.data[j]) === v)
          throw new PageError(
            page.id,
            name,
            `${name} must not repeat a value along its last axis, got ${v} again at ${place}`,
          );
  }
}
