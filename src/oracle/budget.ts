/** How far a kernel may stray from the exact result: measured on each case from the page itself, never typed. */
import {
  type AnyPage,
  bind,
  evaluate,
  extentOf,
  type Float64Tensor,
  type Outputs,
  pageOf,
  type Subject,
  type Tensor,
} from "../../spec/page.ts";
import type { Case } from "./cases.ts";
import { apart, flatten, scaleOf } from "./compare.ts";
import { type Dtype, evaluations, formats } from "./precisions.ts";

/**
 * A kernel may stray this many times as far as the page does when evaluated straightforwardly at the kernel's precision.
 * Calibrated in `test/oracle/budget.test.ts`: correct kernels that add up in other orders stay below half of it.
 */
export const allowance = 4;

export interface Budget {
  /** The exact outputs, for the inputs as the kernel sees them, by name (a list's entries as `name.0`, …). */
  readonly exact: Readonly<Record<string, Float64Tensor>>;
  /** Largest absolute error allowed, for each output. */
  readonly within: Readonly<Record<string, number>>;
  /**
   * Names of the outputs for which the measured budget is more than a tenth of their scale: here the mechanism itself
   * is so ill-conditioned at this precision (a tie that rounding breaks, a pole) that an error can hardly be told.
   */
  readonly loose: readonly string[];
}

/** The inputs rounded to what a kernel of this precision is given; integers and booleans stay. */
export function roundInputs(page: AnyPage, { inputs, options }: Case, dtype: Dtype): Case {
  const { sizes, options: all } = bind(page, inputs, options);
  const { round } = formats[dtype];
  return {
    options,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => {
        if (extentOf(page.domain?.[name], sizes, all).kind !== "real") return [name, value];
        const one = (t: Tensor): Float64Tensor => ({
          shape: t.shape,
          data: Float64Array.from(t.data, (v) => round(Number(v))),
        });
        return [name, Array.isArray(value) ? value.map(one) : one(value as Tensor)];
      }),
    ),
  };
}

/**
 * The error budget of a mechanism on given inputs: {@link allowance} times the largest error that the page makes when its
 * sums, tables, weights and outputs are rounded to `dtype`, over one run that rounds to nearest and three that round by
 * chance; at least that many half spacings of the output's own scale. `inputs` should already be values of the format.
 */
export function budget(
  subject: Subject,
  inputs: Case["inputs"],
  options: Readonly<Record<string, unknown>>,
  dtype: Dtype = "float32",
): Budget {
  const page = pageOf(subject);
  const run = (): Outputs => evaluate(page, inputs, options);
  const exact = flatten(run()) as Record<string, Float64Tensor>;
  const tried = evaluations(dtype, run).map(flatten);
  const { spacing, smallest } = formats[dtype];
  const within: Record<string, number> = {};
  const loose: string[] = [];
  for (const [name, t] of Object.entries(exact)) {
    let far = Math.max((scaleOf(t) * spacing) / 2, smallest);
    for (const outputs of tried)
      for (let i = 0; i < t.data.length; i++) far = Math.max(far, apart(outputs[name]!.data[i]!, t.data[i]!));
    within[name] = allowance * far;
    if (!(within[name] <= scaleOf(t) / 10) && within[name] > 10 * allowance * smallest) loose.push(name);
  }
  return { exact, within, loose };
}
