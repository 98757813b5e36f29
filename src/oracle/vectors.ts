/** Portable conformance vectors: cases with their exact results, for kernels that live elsewhere. */
import { type AnyMechanism, type AnyPage, bind, evaluate, type Float64Tensor } from "../../spec/page.ts";
import { budget } from "./budget.ts";
import { acceptable, type Case, type Drawing, draw, NothingToDrawError } from "./cases.ts";
import { flatten } from "./compare.ts";
import { type Dtype, dtypes } from "./precisions.ts";
import { type Random, random } from "./random.ts";

export interface Vector {
  readonly inputs: Readonly<Record<string, Float64Tensor>>;
  readonly outputs: Readonly<Record<string, Float64Tensor>>;
  /** Every option with its value. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Length of every axis. */
  readonly sizes: Readonly<Record<string, number | readonly number[]>>;
  /** Largest absolute error of each output at each precision, measured on this case; inputs are values of bfloat16. */
  readonly budgets: Readonly<Record<Dtype, Readonly<Record<string, number>>>>;
}

/**
 * `count` cases of a mechanism with exact results. Inputs are exactly representable in float32, float16 and bfloat16
 * (quarters of small numbers, or normals rounded to eight bits), so that every kernel is given the same.
 */
export function vectors(
  mechanism: AnyMechanism,
  { count = 10, seed = 1, ...drawing }: Drawing & { count?: number; seed?: number } = {},
): Vector[] {
  const { page } = mechanism;
  const source = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const drawn = drawCoarse(page, source, {
      values: i % 2 ? "normal" : "quarters",
      largest: i % 4 < 2 ? 5 : 12,
      ...drawing,
    });
    const { options, sizes } = bind(page, drawn.inputs, drawn.options);
    return {
      inputs: flatten(drawn.inputs) as Record<string, Float64Tensor>,
      outputs: flatten(evaluate(page, drawn.inputs, drawn.options)) as Record<string, Float64Tensor>,
      options,
      sizes,
      budgets: Object.fromEntries(
        dtypes.map((dtype) => [dtype, budget(page, drawn.inputs, drawn.options, dtype).within]),
      ) as Vector["budgets"],
    };
  });
}

/** A case whose values, cut, the page still takes: a cut value may leave its bounds or break a sum of 1. */
function drawCoarse(page: AnyPage, source: Random, drawing: Drawing): Case {
  for (let attempt = 0; attempt < 100; attempt++) {
    const drawn = coarse(draw(page, source, drawing));
    if (acceptable(page, drawn)) return drawn;
  }
  throw new NothingToDrawError(
    `${page.id}: no case in 100 whose values have eight bits. Let the page widen its domain`,
  );
}

/** Values cut to eight significant bits, and to the smallest step of float16. */
function coarse({ inputs, options }: Case): Case {
  const cut = (v: number) => {
    if (v === 0 || !Number.isFinite(v)) return v;
    const unit = 2 ** Math.max(Math.floor(Math.log2(Math.abs(v))) - 7, -24);
    return Math.trunc(v / unit) * unit;
  };
  const one = (t: Float64Tensor): Float64Tensor => ({
    shape: t.shape,
    data: t.data.map((v) => (Number.isInteger(v) && Math.abs(v) > 255 ? v : cut(v))),
  });
  return {
    options,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(one) : one(value as Float64Tensor),
      ]),
    ),
  };
}
