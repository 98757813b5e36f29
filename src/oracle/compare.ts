import { indexOf } from "../../spec/page/tensor.ts";
import type { Float64Tensor, Outputs, Tensor } from "../../spec/page.ts";

/** Where two results part. */
export interface Difference {
  readonly output: string;
  readonly index: readonly number[];
  readonly actual: number;
  readonly wanted: number;
  /** What is amiss when it is not a value: a shape or a missing output. */
  readonly problem?: string;
}

/** The tensors of a result by name; a list's entries as `name.0`, `name.1`, …. */
export function flatten(
  outputs: Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, value]) =>
      value === undefined
        ? []
        : Array.isArray(value)
          ? value.map((t: Tensor, l) => [`${name}.${l}`, t])
          : [[name, value as Tensor]],
    ),
  );
}

/** How far two values are apart: 0 for equal infinities and for two NaNs, ∞ if only one is finite. */
export function apart(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const far = Math.abs(a - b);
  return Number.isNaN(far) ? Number.POSITIVE_INFINITY : far;
}

/** The largest finite magnitude in a tensor. */
export const scaleOf = (t: Tensor): number => {
  let top = 0;
  for (let i = 0; i < t.data.length; i++) {
    const size = Math.abs(Number(t.data[i]));
    if (size > top && size < Number.POSITIVE_INFINITY) top = size;
  }
  return top;
};

/** The first place where `actual` is further from `wanted` than `within(output)` allows; nothing if none is. */
export function difference(
  actual: Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>,
  wanted: Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>,
  within: (output: string, wanted: Tensor) => number,
): Difference | undefined {
  const got = flatten(actual);
  for (const [output, want] of Object.entries(flatten(wanted))) {
    const have = got[output];
    const amiss = (problem: string): Difference => ({
      output,
      index: [],
      actual: Number.NaN,
      wanted: Number.NaN,
      problem,
    });
    if (!have) return amiss(`there is no output ${output}; expected shape [${want.shape.join(", ")}]`);
    if (have.shape.join() !== want.shape.join())
      return amiss(`${output} has shape [${have.shape.join(", ")}], expected [${want.shape.join(", ")}]`);
    if (have.data.length !== want.data.length)
      return amiss(`${output} has ${have.data.length} values, expected ${want.data.length}`);
    const limit = within(output, want);
    for (let i = 0; i < want.data.length; i++)
      if (!(apart(Number(have.data[i]), want.data[i]!) <= limit))
        return { output, index: indexOf(i, want.shape), actual: Number(have.data[i]), wanted: want.data[i]! };
  }
  return undefined;
}

/** Equality up to float64 rounding: 10⁻¹² of the output's scale, and no finer than 10⁻¹². */
export const nearly = (_: string, wanted: Tensor): number => 1e-12 * Math.max(1, scaleOf(wanted));

/** A difference in words. */
export const explain = ({ output, index, actual, wanted, problem }: Difference): string =>
  problem ?? `${output}[${index.join(", ")}] is ${actual}, expected ${wanted}`;

export const select = (outputs: Outputs, names: readonly string[] | undefined): Outputs =>
  names ? Object.fromEntries(Object.entries(outputs).filter(([name]) => names.includes(name))) : outputs;

export const mapTensor = (t: Tensor, f: (value: number, flat: number) => number): Float64Tensor => ({
  shape: t.shape,
  data: Float64Array.from(t.data, (v, i) => f(Number(v), i)),
});
