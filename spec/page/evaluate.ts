/** Runs a page on inputs that fit it, over a batch if there is one. */
import { bind, type Fitted } from "./bind.ts";
import { PageError } from "./error.ts";
import type { AnyPage, Inputs, Outputs } from "./mechanism.ts";
import { lettersOf, type Shape, shapeOf } from "./shape.ts";
import { lengthOf, lengthsOf, type Sizes } from "./sizes.ts";
import { type Float64Tensor, reader, sizeOf, type Tensor, tensor } from "./tensor.ts";

/** Runs a page whose names the type checker does not know. */
export function evaluate(page: AnyPage, inputs: Inputs, options: Readonly<Record<string, unknown>>): Outputs {
  const fitted = bind(page, inputs, options);
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
    for (const [b, part] of parts.entries()) data.set(part.data, b * size);
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

/** The input as a function of its indices. */
function view(page: AnyPage, name: string, fitted: Fitted): (...index: number[]) => number {
  const shape = shapeOf(page.inputs[name]!);
  const tensors = fitted.tensors[name];
  if (!tensors && shape.fallback !== undefined && Object.hasOwn(page.inputs, shape.fallback))
    return view(page, shape.fallback, fitted);
  if (!tensors) return omitted(name, shape, fitted.sizes);
  const readers = tensors.map((t, entry) => {
    const lengths = lettersOf(shape).map((letter) => lengthOf(letter, fitted.sizes, entry));
    return reader(name, lengths, t.data instanceof Float64Array ? t.data : Float64Array.from(t.data, Number));
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
