/** A page, and the function its users call. */
import { type Domain, extentOf } from "./domain.ts";
import { PageError } from "./error.ts";
import type { Bag, Values } from "./options.ts";
import { precision } from "./precision.ts";
import type { Property } from "./property.ts";
import {
  type At,
  type Dims,
  type IsList,
  lettersOf,
  type Optional,
  type Shape,
  type Shapes,
  shapeOf,
  wanted,
} from "./shape.ts";
import { lengthOf, lengthsOf, type Resolved, type Sizes, solve, suggest } from "./sizes.ts";
import { type Float64Tensor, reader, sizeOf, type Tensor, tensor } from "./tensor.ts";

type Derived = Record<string, (n: never, o: never) => number>;
type Lengths<I extends Shapes, A> = Dims<I> & { readonly [K in keyof A]: number };
type GivenFlags<I extends Shapes> = { readonly [K in Optional<I>]: boolean };
type Value<S extends string> = IsList<S> extends true ? readonly Tensor[] : Tensor;
/** The inputs a mechanism is called with. */
export type Given<I extends Shapes> = { readonly [K in Exclude<keyof I, Optional<I>>]: Value<I[K]> } & {
  readonly [K in Optional<I>]?: Value<I[K]> | undefined;
};
type Result<S extends string> = IsList<S> extends true ? readonly Float64Tensor[] : Float64Tensor;
/** What a mechanism gives back. */
export type Results<O extends Shapes> = { readonly [K in Exclude<keyof O, Optional<O>>]: Result<O[K]> } & {
  readonly [K in Optional<O>]?: Result<O[K]>;
};
type Bodies<O extends Shapes> = { [K in Exclude<keyof O, Optional<O>>]: At<O[K]> } & {
  [K in Optional<O>]?: At<O[K]> | undefined;
};

/** One mechanism: its declaration and its formula. */
export interface Page<I extends Shapes, O extends Shapes, P extends Bag, A extends Derived> {
  /** `<family>/<mechanism>`, the path of the page. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** Authors, year and identifier of the paper (or other source) that defines it. */
  readonly paper: string;
  /** Official code that was read: `owner/repo path:symbol`. */
  readonly code?: string;
  /** Choices made here because nothing public decides them; makes the page *reconstructed*. */
  readonly ours?: string;
  /** Shapes of inputs and weights, see `shape.ts`. */
  readonly inputs: I;
  readonly outputs: O;
  readonly options: P;
  /** Axes whose length follows from others or from an option. */
  readonly axes?: A & { readonly [K in keyof A]: (n: NoInfer<Dims<I>>, o: NoInfer<Values<P>>) => number };
  /** Axes that may have length 0; any other empty axis is refused. */
  readonly mayBeEmpty?: readonly string[];
  /** What values an input holds; any real number if not said. */
  readonly domain?: { readonly [K in keyof I]?: Domain<NoInfer<Lengths<I, A>>, NoInfer<Values<P>>> | Domain };
  /** Lengths that tests draw for an axis, where small ones at random seldom fit. */
  readonly tried?: Readonly<Record<string, readonly number[]>>;
  /** What must hold of sizes and options, in words that name them. */
  readonly requires?: Readonly<
    Record<string, (n: NoInfer<Lengths<I, A>>, o: NoInfer<Values<P>>, given: NoInfer<GivenFlags<I>>) => boolean>
  >;
  /** What must hold of the values given. */
  readonly expects?: Readonly<
    Record<
      string,
      (
        x: NoInfer<{ [K in keyof I]: At<I[K]> }>,
        n: NoInfer<Lengths<I, A>>,
        o: NoInfer<Values<P>>,
        given: NoInfer<GivenFlags<I>>,
      ) => boolean
    >
  >;
  readonly properties?: readonly Property<NoInfer<Lengths<I, A>>, NoInfer<Values<P>>>[];
  /** The formula: each output as a function of its indices. */
  readonly run: (x: { [K in keyof I]: At<I[K]> }, n: Lengths<I, A>, o: Values<P>, given: GivenFlags<I>) => Bodies<O>;
}

/** A page as tools see it, whatever its shapes. */
export interface AnyPage {
  readonly id: string;
  readonly name: string;
  readonly paper: string;
  readonly code?: string;
  readonly ours?: string;
  readonly inputs: Shapes;
  readonly outputs: Shapes;
  readonly options: Bag;
  readonly axes?: Derived;
  readonly mayBeEmpty?: readonly string[];
  readonly domain?: Readonly<Record<string, Domain | undefined>>;
  readonly tried?: Readonly<Record<string, readonly number[]>>;
  readonly requires?: Readonly<Record<string, (n: never, o: never, given: never) => boolean>>;
  readonly expects?: Readonly<Record<string, (x: never, n: never, o: never, given: never) => boolean>>;
  readonly properties?: readonly Property[];
  readonly run: (x: never, n: never, o: never, given: never) => Readonly<Record<string, unknown>>;
}
export type Inputs = Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>;
export type Outputs = Readonly<Record<string, Float64Tensor | readonly Float64Tensor[]>>;

/** The function `(inputs, options) → outputs` of a page; an unlisted leading axis on every input is a batch. */
export interface Mechanism<I extends Shapes, O extends Shapes, P extends Bag, A extends Derived> {
  (inputs: Given<I>, options?: { readonly [K in keyof P]?: Values<P>[K] | null | undefined }): Results<O>;
  readonly page: Page<I, O, P, A> & AnyPage;
}
/** Any mechanism, called with names not known to the type checker. */
export interface AnyMechanism {
  (inputs: never, options?: never): unknown;
  readonly page: AnyPage;
}

/** Inputs that fit a page, with their sizes and options worked out. */
export interface Fitted extends Resolved {
  /** Tensors of each given input; one for each entry of a list. */
  readonly tensors: Readonly<Record<string, readonly Tensor[]>>;
  readonly given: Readonly<Record<string, boolean>>;
  /** Length of the unlisted leading axis, if there is one. */
  readonly batch: number | undefined;
}

/** Turns a page into the function its users call: checks names, shapes and values, fills defaults, runs. */
export function mechanism<
  const I extends Shapes,
  const O extends Shapes,
  P extends Bag,
  A extends Derived = Record<never, never>,
>(page: Page<I, O, P, A>): Mechanism<I, O, P, A> {
  const loose = page as unknown as AnyPage;
  const call = (inputs: Given<I>, options = {}) => evaluate(loose, inputs as Inputs, options) as unknown as Results<O>;
  return Object.assign(call, { page: loose as Page<I, O, P, A> & AnyPage });
}

/** Runs a page whose names the type checker does not know. */
export function evaluate(page: AnyPage, inputs: Inputs, options: Readonly<Record<string, unknown>>): Outputs {
  const fitted = fit(page, inputs, options);
  if (fitted.batch === undefined) return compute(page, fitted);
  const each = Array.from({ length: fitted.batch }, (_, b) =>
    compute(page, { ...fitted, tensors: mapValues(fitted.tensors, (list) => list.map((t) => slice(t, b))) }),
  );
  return stack(page, each, fitted);
}

const mapValues = <V, W>(record: Readonly<Record<string, V>>, f: (value: V, name: string) => W): Record<string, W> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));

function slice(t: Tensor, b: number): Tensor {
  const shape = t.shape.slice(1);
  const size = sizeOf(shape);
  return {
    shape,
    data:
      t.data instanceof Float64Array
        ? t.data.subarray(b * size, (b + 1) * size)
        : Array.prototype.slice.call(t.data, b * size, (b + 1) * size),
  };
}

function stack(page: AnyPage, each: readonly Outputs[], fitted: Fitted): Outputs {
  const join = (parts: readonly Float64Tensor[], shape: readonly number[]): Float64Tensor => {
    const size = sizeOf(shape);
    const data = new Float64Array(parts.length * size);
    parts.forEach((part, b) => data.set(part.data, b * size));
    return { shape: [parts.length, ...shape], data };
  };
  const names = each.length
    ? Object.keys(each[0]!)
    : Object.keys(page.outputs).filter((name) => shapeOf(page.outputs[name]!).fallback === undefined);
  return Object.fromEntries(
    names.map((name) => {
      const shape = shapeOf(page.outputs[name]!);
      if (!shape.list)
        return [
          name,
          join(
            each.map((o) => o[name] as Float64Tensor),
            lengthsOf(shape, fitted.sizes),
          ),
        ];
      const entries = lengthOf(shape.list, fitted.sizes);
      return [
        name,
        Array.from({ length: entries }, (_, l) =>
          join(
            each.map((o) => (o[name] as Float64Tensor[])[l]!),
            lengthsOf(shape, fitted.sizes, l),
          ),
        ),
      ];
    }),
  );
}

/** Checks inputs and options against a page and works out sizes; throws {@link PageError} naming the first thing wrong. */
export function fit(page: AnyPage, inputs: Inputs, chosen: Readonly<Record<string, unknown>>): Fitted {
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
  list.forEach((t: unknown, entry) => {
    const label = shape.list ? `${name}[${entry}]` : name;
    if (!isTensor(t))
      return fail(
        `${label} must be { shape, data }, got ${Array.isArray(t) ? "an array" : typeof t}; a nested array goes through tensorOf first`,
      );
    t.shape.forEach((length) => {
      if (!Number.isSafeInteger(length) || length < 0)
        fail(`${label} has shape [${t.shape.join(", ")}]; every length must be a whole number`);
    });
    if (t.data.length !== sizeOf(t.shape))
      fail(`${label} has ${t.data.length} values, but its shape [${t.shape.join(", ")}] holds ${sizeOf(t.shape)}`);
    return undefined;
  });
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

/** The index of a flat place. */
export function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let a = shape.length - 1, rest = flat; a >= 0; a--) {
    index[a] = rest % shape[a]!;
    rest = Math.floor(rest / shape[a]!);
  }
  return index;
}

/** The input as a function of its indices. */
function view(page: AnyPage, name: string, fitted: Fitted): (...index: number[]) => number {
  const shape = shapeOf(page.inputs[name]!);
  const tensors = fitted.tensors[name];
  if (!tensors) return omitted(name, shape, fitted.sizes);
  const { store } = precision();
  const keep = extentOf(page.domain?.[name], fitted.sizes, fitted.options).kind !== "real";
  const readers = tensors.map((t, entry) => {
    const lengths = lettersOf(shape).map((letter) => lengthOf(letter, fitted.sizes, entry));
    const data =
      keep || precision().exact
        ? t.data instanceof Float64Array
          ? t.data
          : Float64Array.from(t.data, Number)
        : Float64Array.from(t.data, (v) => store(Number(v)));
    return reader(name, lengths, data);
  });
  if (!shape.list) return readers[0]!;
  return (entry, ...index) => {
    const read = readers[entry!];
    if (!read) throw new RangeError(`${name} has no entry ${entry}; it is a list of ${readers.length}`);
    return read(...index);
  };
}

function omitted(name: string, shape: Shape, sizes: Sizes): (...index: number[]) => number {
  if (shape.fallback === "none")
    return () => {
      throw new RangeError(`${name} was not given and has no default: the page must ask for given.${name} first`);
    };
  if (shape.fallback !== "identity") {
    const constant = Number(shape.fallback);
    return () => constant;
  }
  const [left, right] = shape.axes.slice(-2).map((axis) => axis.map((word) => lengthOf(word, sizes))) as [
    number[],
    number[],
  ];
  const before = lettersOf(shape).length - left.length - right.length;
  const flat = (index: readonly number[], lengths: readonly number[]) =>
    index.reduce((at, i, k) => at * lengths[k]! + i, 0);
  return (...index) =>
    flat(index.slice(before, before + left.length), left) === flat(index.slice(before + left.length), right) ? 1 : 0;
}

/** The inputs as functions of their indices, once what the page expects of their values is seen to hold. */
export function expect(page: AnyPage, fitted: Fitted): Record<string, (...index: number[]) => number> {
  const views = Object.fromEntries(Object.keys(page.inputs).map((name) => [name, view(page, name, fitted)]));
  for (const [rule, holds] of Object.entries(page.expects ?? {}))
    if (!holds(views as never, fitted.sizes as never, fitted.options as never, fitted.given as never))
      throw new PageError(page.id, rule, rule);
  return views;
}

function compute(page: AnyPage, fitted: Fitted): Outputs {
  const views = expect(page, fitted);
  const bodies = page.run(
    views as never,
    fitted.sizes as never,
    fitted.options as never,
    fitted.given as never,
  ) as Record<string, ((...index: number[]) => number) | undefined>;
  const outputs: Record<string, Float64Tensor | Float64Tensor[]> = {};
  for (const [name, text] of Object.entries(page.outputs)) {
    const body = bodies[name];
    const shape = shapeOf(text);
    if (!body) continue;
    const one = (f: (...index: number[]) => number, entry?: number): Float64Tensor => {
      const letters = lettersOf(shape).map((letter) => lengthOf(letter, fitted.sizes, entry));
      return { shape: lengthsOf(shape, fitted.sizes, entry), data: tensor(letters, f).data };
    };
    outputs[name] = shape.list
      ? Array.from({ length: lengthOf(shape.list, fitted.sizes) }, (_, l) => one((...index) => body(l, ...index), l))
      : one(body);
  }
  return outputs;
}
