/** Inputs, sizes and options that a page accepts, drawn from what it declares. */

import { Solver } from "../../spec/page/sizes.ts";
import {
  type AnyPage,
  bind,
  type Extent,
  expect,
  extentOf,
  type Float64Tensor,
  lengthOf,
  lengthsOf,
  lettersOf,
  PageError,
  pageOf,
  type Subject,
  shapeOf,
  sizeOf,
  type Tensor,
  tensor,
} from "../../spec/page.ts";
import type { Random } from "./random.ts";

/** One call of a mechanism: everything that decides its result. */
export interface Case {
  readonly inputs: Readonly<Record<string, Float64Tensor | readonly Float64Tensor[]>>;
  /** The options that differ from their defaults. */
  readonly options: Readonly<Record<string, unknown>>;
}
export interface Drawing {
  /** Largest length of an axis whose lengths the page does not list. Default 5. */
  readonly largest?: number;
  /**
   * `quarters` (default): multiples of ¼ in [−3, 3], so that failures read well and ties happen; `normal`: standard
   * normal; `wide`: normal times a power of ten from 10⁻³ to 10², one power for each input.
   */
  readonly values?: "quarters" | "normal" | "wide";
  /** How many draws the page may refuse before {@link draw} gives up. Default 3000. */
  readonly attempts?: number;
  /** Lengths, options and inputs to hold fixed. */
  readonly fixed?: {
    readonly sizes?: Readonly<Record<string, number>>;
    readonly options?: Readonly<Record<string, unknown>>;
    readonly given?: Readonly<Record<string, boolean>>;
  };
}

type Sizes = Record<string, number | readonly number[]>;

/** The letters of some inputs of a page that tests choose the length of: all but those that follow from others. */
export function freeLetters(page: AnyPage, names: readonly string[] = Object.keys(page.inputs)): string[] {
  const all = names.flatMap((name) => {
    const shape = shapeOf(page.inputs[name]!);
    return [...(shape.list ? [shape.list] : []), ...lettersOf(shape)];
  });
  return [...new Set(all)].filter((word) => !/^\d+$/.test(word) && !Object.hasOwn(page.axes ?? {}, word));
}

/** A page's own rules, with what is held fixed, leave almost nothing to draw. */
export class NothingToDrawError extends Error {
  override readonly name = "NothingToDrawError";
}

/**
 * Draws a case.
 *
 * @throws NothingToDrawError with what the last one was refused for.
 */
export function draw(subject: Subject, random: Random, drawing: Drawing = {}): Case {
  const page = pageOf(subject);
  const { attempts = 3000 } = drawing;
  let last: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      const drawn = attemptDraw(page, random, drawing);
      if (drawn) return drawn;
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      last = error;
    }
  }
  throw new NothingToDrawError(
    `${page.id}: no acceptable case in ${attempts} draws${last instanceof Error ? `; the last was refused: ${last.message}` : ""}. Let the page list lengths that fit in \`tried\``,
  );
}

function attemptDraw(
  page: AnyPage,
  random: Random,
  { largest = 5, values = "quarters", fixed = {} }: Drawing,
): Case | undefined {
  const options: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(page.options))
    if (option.tried.length && random.real() < 0.6) options[name] = random.pick<unknown>(option.tried);
  Object.assign(options, fixed.options);
  const given: Record<string, boolean> = {};
  for (const [name, text] of Object.entries(page.inputs))
    if (shapeOf(text).fallback !== undefined) given[name] = fixed.given?.[name] ?? random.real() < 0.6;
  const solver = new Solver(page, options);
  const lists = new Map(
    Object.values(page.inputs)
      .map(shapeOf)
      .filter((s) => s.list)
      .flatMap((s) => lettersOf(s).map((letter) => [letter, s.list!] as const)),
  );
  const free = freeLetters(page);
  const length = (letter: string): number => {
    const tried = page.tried?.[letter];
    if (tried) return random.pick(tried);
    if (page.mayBeEmpty?.includes(letter) && random.real() < 0.05) return 0;
    return random.integer(1, largest);
  };
  for (const letter of free) {
    const set = fixed.sizes?.[letter];
    if (set !== undefined) solver.sizes[letter] = set;
    else if (!(lists.has(letter) && letter.endsWith(lists.get(letter)!.toLowerCase()) && letter.length > 1))
      solver.sizes[letter] = length(letter);
  }
  for (let i = 0; i < 4; i++) solver.derive();
  for (const [letter, list] of lists)
    if (solver.sizes[letter] === undefined && solver.sizes[list] !== undefined && letter.endsWith(list.toLowerCase()))
      solver.sizes[letter] = Array.from({ length: solver.sizes[list] as number }, () => length(letter));
  for (let i = 0; i < 4; i++) solver.derive();
  const { sizes, options: all } = solver.settle();
  const flags = given as never;
  for (const holds of Object.values(page.requires ?? {}))
    if (!holds(sizes as never, all as never, flags)) return undefined;
  const inputs = Object.fromEntries(
    Object.entries(page.inputs)
      .filter(([name]) => given[name] !== false)
      .map(([name, text]) => {
        const shape = shapeOf(text);
        const extent = extentOf(page.domain?.[name], sizes, all);
        const power = values === "wide" ? 10 ** random.integer(-3, 2) : 1;
        const one = (entry?: number) => fill(lengthsOf(shape, sizes, entry), extent, random, values, power);
        return [name, shape.list ? Array.from({ length: lengthOf(shape.list, sizes) }, (_, l) => one(l)) : one()];
      }),
  );
  const drawn = { inputs, options };
  return acceptable(page, drawn) ? drawn : undefined;
}

/** Whether a page takes a case. */
export function acceptable(subject: Subject, { inputs, options }: Case): boolean {
  const page = pageOf(subject);
  try {
    expect(page, bind(page, inputs, options));
    return true;
  } catch (error) {
    if (error instanceof PageError) return false;
    throw error;
  }
}

function fill(
  shape: readonly number[],
  extent: Extent,
  random: Random,
  values: Drawing["values"],
  power: number,
): Float64Tensor {
  const { order } = extent;
  const data = new Float64Array(sizeOf(shape));
  const row = shape.at(-1) ?? 1;
  for (let i = 0; i < data.length; i++) data[i] = value(extent, random, values, power);
  if (order)
    for (let start = 0; start < data.length; start += row) {
      const room = Array.from({ length: extent.high - extent.low + 1 }, (_, i) => extent.low + i);
      const chosen = Array.from(
        { length: row },
        () => room.splice(random.integer(0, room.length - 1), 1)[0] ?? Number.NaN,
      );
      data.set(order === "ascending" ? chosen.sort((a, b) => a - b) : chosen, start);
    }
  return { shape, data };
}

function value({ kind, low, high }: Extent, random: Random, values: Drawing["values"], power: number): number {
  if (kind === "boolean") return random.real() < 0.7 ? 1 : 0;
  if (kind === "integer") return random.integer(low, high);
  if (Number.isFinite(low) && Number.isFinite(high)) {
    if (values !== "quarters") return low + (high - low) * random.real();
    const steps = (high - low) * 4 >= 4 ? 4 : 16 / Math.max(high - low, 2 ** -20);
    return Math.min(high, low + random.integer(0, Math.floor((high - low) * steps)) / steps);
  }
  const x = values === "quarters" ? random.integer(-12, 12) / 4 : random.normal() * power;
  return Number.isFinite(low) ? low + Math.abs(x) : Number.isFinite(high) ? high - Math.abs(x) : x;
}

/**
 * Cuts or picks along letters: each listed letter keeps the places given, in their order; in a list, the tensors that
 * are shorter keep those they have.
 */
export function take(
  page: AnyPage,
  inputs: Case["inputs"],
  sizes: Sizes,
  places: Readonly<Record<string, readonly number[]>>,
): Case["inputs"] {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, takeFrom(page.inputs[name]!, value, sizes, places)]),
  );
}
/** {@link take} for one tensor (or list) of the shape `text`. */
export function takeFrom<T extends Tensor | readonly Tensor[]>(
  text: string,
  value: T,
  sizes: Sizes,
  places: Readonly<Record<string, readonly number[]>>,
): T {
  const shape = shapeOf(text);
  const letters = lettersOf(shape);
  const one = (t: Tensor, entry?: number): Float64Tensor => {
    const lengths = letters.map((letter) => lengthOf(letter, sizes, entry));
    const kept = letters.map(
      (letter, k) =>
        places[letter]?.filter((i) => entry === undefined || i < lengths[k]!) ??
        Array.from({ length: lengths[k]! }, (_, i) => i),
    );
    const data = tensor(
      kept.map((list) => list.length),
      (...index) => Number(t.data[index.reduce((at, i, k) => at * lengths[k]! + kept[k]![i]!, 0)]),
    ).data;
    let k = 0;
    return { shape: shape.axes.map((axis) => axis.reduce((p) => p * kept[k++]!.length, 1)), data };
  };
  if (!shape.list) return one(value as Tensor) as unknown as T;
  const entries = places[shape.list] ?? (value as readonly Tensor[]).map((_, l) => l);
  return entries.map((l) => one((value as readonly Tensor[])[l]!, l)) as unknown as T;
}

/**
 * Simpler cases near this one, simplest first; all are acceptable to the page and keep to what `fixed` holds still.
 */
export function* shrink(subject: Subject, drawn: Case, fixed: NonNullable<Drawing["fixed"]> = {}): Generator<Case> {
  const page = pageOf(subject);
  for (const candidate of simpler(page, drawn))
    if (acceptable(page, candidate) && keeps(page, candidate, fixed)) yield candidate;
}

function keeps(page: AnyPage, { inputs, options }: Case, fixed: NonNullable<Drawing["fixed"]>): boolean {
  const sizes = fixed.sizes && bind(page, inputs, options).sizes;
  return (
    Object.entries(fixed.options ?? {}).every(([name, value]) => Object.is(options[name], value)) &&
    Object.entries(fixed.sizes ?? {}).every(([letter, length]) => sizes?.[letter] === length) &&
    Object.entries(fixed.given ?? {}).every(([name, given]) => (inputs[name] !== undefined) === given)
  );
}

function* simpler(page: AnyPage, { inputs, options }: Case): Generator<Case> {
  const { sizes } = bind(page, inputs, options);
  // An axis of omitted inputs alone cannot be cut: the case would stay what it is.
  for (const letter of freeLetters(page, Object.keys(inputs))) {
    const length = Math.max(0, ...[sizes[letter] ?? 0].flat());
    for (const shorter of [...new Set([1, length >> 1, length - 1])].filter((n) => n >= 1 && n < length))
      yield {
        options,
        inputs: fitValues(
          page,
          take(page, inputs, sizes, { [letter]: Array.from({ length: shorter }, (_, i) => i) }),
          sizes,
          letter,
          shorter,
          options,
        ),
      };
  }
  for (const name of Object.keys(options)) {
    const { [name]: _, ...rest } = options;
    yield { inputs, options: rest };
  }
  for (const [name, text] of Object.entries(page.inputs))
    if (shapeOf(text).fallback !== undefined && inputs[name]) {
      const { [name]: _, ...rest } = inputs;
      yield { inputs: rest, options };
    }
  for (const [name, value] of Object.entries(inputs)) {
    const tensors = [value].flat() as Float64Tensor[];
    for (const [entry, t] of tensors.entries())
      for (const data of simplerData(t.data)) {
        const one = { shape: t.shape, data };
        yield { options, inputs: { ...inputs, [name]: Array.isArray(value) ? tensors.with(entry, one) : one } };
      }
  }
}

/** After an axis got shorter, integers that pointed beyond it point at its last place. */
function fitValues(
  page: AnyPage,
  inputs: Case["inputs"],
  before: Sizes,
  letter: string,
  shorter: number,
  options: Case["options"],
): Case["inputs"] {
  const lengths = before[letter];
  const after = { ...before, [letter]: Array.isArray(lengths) ? lengths.map((n) => Math.min(n, shorter)) : shorter };
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const extent = extentOf(page.domain?.[name], after, options);
      if (extent.kind !== "integer" || !Number.isFinite(extent.high)) return [name, value];
      const clamped = ([value].flat() as Float64Tensor[]).map((t) => ({
        shape: t.shape,
        data: t.data.map((v) => Math.min(v, extent.high)),
      }));
      return [name, Array.isArray(value) ? clamped : clamped[0]!];
    }),
  );
}

/** How plain a number is: 0, then 1, integers, quarters, anything else. Shrinking only ever goes towards plainer ones. */
const plainness = (v: number): number =>
  v === 0
    ? 0
    : v === 1
      ? 1
      : Number.isInteger(v)
        ? 2 + Math.min(Math.abs(v), 1e6) * 1e-7
        : Number.isInteger(v * 4)
          ? 3
          : 4;
const total = (data: Float64Array): number => data.reduce((sum, v) => sum + plainness(v), 0);

function* simplerData(data: Float64Array): Generator<Float64Array> {
  const before = total(data);
  const whole = [() => 0, () => 1, Math.trunc, (v: number) => Math.round(v * 4) / 4];
  for (const simpler of whole) {
    const next = data.map(simpler);
    if (total(next) < before) yield next;
  }
  for (let i = 0; i < Math.min(data.length, 64); i++) {
    const v = data[i]!;
    for (const less of new Set([0, 1, Math.trunc(v), Math.round(v * 4) / 4]))
      if (plainness(less) < plainness(v)) yield data.with(i, less);
  }
}
