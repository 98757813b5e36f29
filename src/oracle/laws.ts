/** The laws of a page: those every page owes, and those that follow from the properties it declares. */
import {
  type AnyPage,
  bind,
  evaluate,
  type Float64Tensor,
  lettersOf,
  type Outputs,
  PageError,
  type Property,
  pageOf,
  type Subject,
  shapeOf,
  type Tensor,
} from "../../spec/page.ts";
import { type Case, take, takeFrom } from "./cases.ts";
import { difference, explain, flatten, mapTensor, nearly, select } from "./compare.ts";
import type { Random } from "./random.ts";

/** Anything that computes a mechanism: the page itself, or somebody's kernel. */
export type Computes = (
  inputs: Case["inputs"],
  options: Readonly<Record<string, unknown>>,
) => Outputs | Promise<Outputs>;
type Within = (output: string, wanted: Tensor) => number;

export interface Law {
  /** What it says, as a sentence without a subject: "is linear in v". */
  readonly name: string;
  /** Whether it speaks of this case at all. */
  readonly applies: (drawn: Case) => boolean;
  /** What breaks it on this case; nothing if it holds. Values may differ by `within`. */
  readonly broken: (compute: Computes, drawn: Case, random: Random, within?: Within) => Promise<string | undefined>;
}

const words = (names: string | readonly string[]): readonly string[] => [names].flat() as string[];
const list = (names: readonly string[]): string => names.join(names.length === 2 ? " and " : ", ");

/** The sentence of a declared property. */
export function sentence(property: Property): string {
  const about = property.outputs ? ` (${list(property.outputs)})` : "";
  const what = (): string => {
    if ("linear" in property) return `is linear in ${list(words(property.linear))}`;
    if ("averages" in property) return `gives back ${property.averages} that is the same for all ${property.along}`;
    if ("causal" in property)
      return `is causal along ${list(words(property.causal))}: without the last place the others get what they got`;
    if ("unordered" in property) return `does not depend on the order of ${property.unordered}`;
    if ("equivariant" in property) return `reorders with ${property.equivariant}`;
    if ("independent" in property) return `treats each place of ${property.independent} by itself`;
    if ("resumes" in property)
      return `cut along ${property.resumes} and resumed from ${list(words(property.states))}, is the whole`;
    if ("even" in property)
      return `is unchanged when ${list(words(property.even))} ${words(property.even).length > 1 ? "are" : "is"} negated`;
    return `does not depend on the scale of ${property.scaleFree}`;
  };
  return what() + about;
}

/** The inputs a property changes: it says nothing where one is left out and then not zero. */
const touched = (property: Property): readonly string[] =>
  "linear" in property
    ? words(property.linear)
    : "even" in property
      ? words(property.even)
      : "averages" in property
        ? [property.averages]
        : "scaleFree" in property
          ? [property.scaleFree]
          : [];

/** The laws that follow from what a page declares of itself. */
export function laws(subject: Subject): Law[] {
  const page = pageOf(subject);
  return (page.properties ?? []).map((property) => ({
    name: sentence(property),
    applies: (drawn) => {
      const { sizes, options, given } = bind(page, drawn.inputs, drawn.options);
      if (!touched(property).every((name) => given[name] !== false || shapeOf(page.inputs[name]!).fallback === "0"))
        return false;
      return property.when?.(sizes as never, options as never, given as never) ?? true;
    },
    broken: async (compute, drawn, random, within = nearly) => {
      const { sizes, options } = bind(page, drawn.inputs, drawn.options);
      const run = async (inputs: Case["inputs"]) => select(await compute(inputs, options), property.outputs);
      const same = (actual: Outputs, wanted: Outputs) => {
        const parts = difference(actual, wanted, within);
        return parts && explain(parts);
      };
      return check(page, property, drawn.inputs, sizes as never, run, same, random, within);
    },
  }));
}

type Run = (inputs: Case["inputs"]) => Promise<Outputs>;
type Same = (actual: Outputs, wanted: Outputs) => string | undefined;
type Sizes = Record<string, number>;

async function check(
  page: AnyPage,
  property: Property,
  inputs: Case["inputs"],
  sizes: Sizes,
  run: Run,
  same: Same,
  random: Random,
  within: Within,
): Promise<string | undefined> {
  const change = (names: readonly string[], f: (value: number, flat: number) => number): Case["inputs"] => ({
    ...inputs,
    ...Object.fromEntries(
      names
        .filter((name) => inputs[name])
        .map((name) => {
          const value = inputs[name]!;
          return [name, Array.isArray(value) ? value.map((t) => mapTensor(t, f)) : mapTensor(value as Tensor, f)];
        }),
    ),
  });
  const shuffled = (letter: string) => {
    const order = Array.from({ length: sizes[letter]! }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.integer(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  };
  const part = (
    outputs: Outputs,
    letters: readonly string[],
    places: readonly number[],
    lengths: Sizes = sizes,
  ): Outputs =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, value]) => [
        name,
        takeFrom(page.outputs[name]!, value, lengths, Object.fromEntries(letters.map((letter) => [letter, places]))),
      ]),
    );

  if ("linear" in property) {
    const names = words(property.linear);
    const other = new Map<string, number[]>();
    for (const name of names)
      for (const t of [inputs[name] ?? []].flat())
        other.set(name, [...(other.get(name) ?? []), ...Array.from(t.data, () => random.integer(-8, 8) / 4)]);
    const mix = (a: number, b: number): Case["inputs"] => {
      const changed: Record<string, Float64Tensor | Float64Tensor[]> = {};
      for (const name of names)
        if (inputs[name]) {
          let place = 0;
          const tensors = [inputs[name]]
            .flat()
            .map((t) => mapTensor(t as Tensor, (v) => a * v + b * other.get(name)![place++]!));
          changed[name] = Array.isArray(inputs[name]) ? tensors : tensors[0]!;
        }
      return { ...inputs, ...changed };
    };
    const [first, second, both] = [await run(inputs), await run(mix(0, 1)), await run(mix(-2, 1))];
    const one = flatten(first),
      two = flatten(second);
    return same(
      both,
      Object.fromEntries(
        Object.entries(one).map(([name, t]) => [name, mapTensor(t, (v, i) => -2 * v + two[name]!.data[i]!)]),
      ),
    );
  }
  if ("averages" in property) {
    const outputs = flatten(await run(change([property.averages], () => 1.5)));
    for (const [name, t] of Object.entries(outputs))
      for (let i = 0; i < t.data.length; i++) {
        const limit = within(name, t);
        if (!(Math.abs(t.data[i]! - 1.5) <= limit || Math.abs(t.data[i]!) <= limit))
          return `with every value 1.5, ${name} is ${t.data[i]} at place ${i}`;
      }
    return undefined;
  }
  if ("causal" in property) {
    const letters = words(property.causal);
    if (letters.some((letter) => sizes[letter]! < 2)) return undefined;
    const cut = Object.fromEntries(
      letters.map((letter) => [letter, Array.from({ length: sizes[letter]! - 1 }, (_, i) => i)]),
    );
    const fewer = await run(take(page, inputs, sizes, cut));
    const whole = await run(inputs);
    return same(
      fewer,
      Object.fromEntries(
        Object.entries(whole).map(([name, value]) => [name, takeFrom(page.outputs[name]!, value, sizes, cut)]),
      ),
    );
  }
  if ("unordered" in property)
    return same(
      await run(take(page, inputs, sizes, { [property.unordered]: shuffled(property.unordered) })),
      await run(inputs),
    );
  if ("equivariant" in property) {
    const order = shuffled(property.equivariant);
    return same(
      await run(take(page, inputs, sizes, { [property.equivariant]: order })),
      part(await run(inputs), [property.equivariant], order),
    );
  }
  if ("independent" in property) {
    const place = [random.integer(0, sizes[property.independent]! - 1)];
    return same(
      await run(take(page, inputs, sizes, { [property.independent]: place })),
      part(await run(inputs), [property.independent], place),
    );
  }
  if ("resumes" in property) {
    const axis = property.resumes,
      states = words(property.states),
      length = sizes[axis]!;
    if (length < 2) return undefined;
    const cut = random.integer(1, length - 1);
    const places = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const head = await run(take(page, inputs, sizes, { [axis]: places(0, cut) }));
    const carried = Object.fromEntries(states.map((name) => [name, head[name]!]));
    const tail = await run({ ...take(page, inputs, sizes, { [axis]: places(cut, length) }), ...carried });
    const whole = await run(inputs);
    const has = (name: string) => lettersOf(shapeOf(page.outputs[name]!)).includes(axis);
    const along = (outputs: Outputs) =>
      Object.fromEntries(Object.entries(outputs).filter(([name]) => has(name) && !states.includes(name)));
    const first = same(along(head), part(along(whole), [axis], places(0, cut)));
    const second = same(along(tail), part(along(whole), [axis], places(cut, length)));
    const last = same(select(tail, states), select(whole, states));
    const broken = first ?? second ?? last;
    return broken && `cut at ${cut} of ${length}: ${broken}`;
  }
  if ("even" in property) return same(await run(change(words(property.even), (v) => -v)), await run(inputs));
  return same(await run(change([property.scaleFree], (v) => v * 4)), await run(inputs));
}

/** The laws every page owes, whatever it computes. */
export function owed(subject: Subject): Law[] {
  const page = pageOf(subject);
  const compute = (inputs: Case["inputs"], options: Readonly<Record<string, unknown>>) =>
    evaluate(page, inputs, options);
  const always = () => true;
  return [
    {
      name: "returns the declared outputs without NaN, the same each time, and leaves its inputs alone",
      applies: always,
      broken: async (_, { inputs, options }) => {
        const before = JSON.stringify(inputs);
        const outputs = compute(inputs, options);
        for (const name of Object.keys(page.outputs))
          if (!outputs[name] && shapeOf(page.outputs[name]!).fallback === undefined)
            return `there is no output ${name}`;
        for (const [name, t] of Object.entries(flatten(outputs)))
          if (Array.from(t.data).some(Number.isNaN)) return `${name} holds NaN`;
        if (JSON.stringify(inputs) !== before) return "an input was changed";
        const again = difference(compute(inputs, options), outputs, () => 0);
        return again && explain(again);
      },
    },
    {
      name: "maps over a leading batch axis",
      applies: (drawn) => Object.keys(drawn.inputs).length > 0,
      broken: async (_, { inputs, options }) => {
        const twice = Object.fromEntries(
          Object.entries(inputs).map(([name, value]) => {
            const one = (t: Tensor): Tensor => ({
              shape: [2, ...t.shape],
              data: Float64Array.of(...Array.from(t.data), ...Array.from(t.data)),
            });
            return [name, Array.isArray(value) ? value.map(one) : one(value as Tensor)];
          }),
        );
        const single = flatten(compute(inputs, options));
        const wanted = Object.fromEntries(
          Object.entries(single).map(([name, t]) => [
            name,
            { shape: [2, ...t.shape], data: [...Array.from(t.data), ...Array.from(t.data)] },
          ]),
        );
        const parts = difference(flatten(evaluate(page, twice, options)), wanted, () => 0);
        return parts && explain(parts);
      },
    },
    {
      name: "names the input whose axis disagrees",
      applies: always,
      broken: async (_, { inputs, options }, random) => {
        const names = Object.keys(inputs);
        if (names.length === 0) return undefined;
        const name = random.pick(names);
        const value = inputs[name]!;
        if (Array.isArray(value) || (value as Tensor).shape.length === 0) return undefined;
        const t = value as Tensor;
        const axis = random.integer(0, t.shape.length - 1);
        const shape = t.shape.map((length, a) => (a === axis ? length + 1 : length));
        const wrong = { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) };
        try {
          compute({ ...inputs, [name]: wrong }, options);
          return undefined;
        } catch (error) {
          if (!(error instanceof PageError)) return `failed with ${String(error)}`;
          return error.message.startsWith(`${page.id}: `)
            ? undefined
            : `the message does not begin with the id: ${error.message}`;
        }
      },
    },
  ];
}
