/** A verdict on a result that was computed elsewhere. */
import { type Float64Tensor, indexOf, PageError, pageOf, type Subject, type Tensor } from "../../spec/page.ts";
import { budget } from "./budget.ts";
import type { Case } from "./cases.ts";
import { apart, scaleOf } from "./compare.ts";
import { type Dtype, formats } from "./precisions.ts";
import { short } from "./verdict.ts";

/** What became of one output. */
export interface Judged {
  readonly output: string;
  readonly conforms: boolean;
  /** Largest error as a share of the budget. */
  readonly share: number;
  readonly within: number;
  readonly wrong: number;
  readonly values: number;
  readonly worst: { readonly index: readonly number[]; readonly actual: number; readonly expected: number } | undefined;
  readonly problem?: string;
}

function judge(output: string, actual: Tensor, wanted: Float64Tensor, within: number, dtype: Dtype): Judged {
  const none = {
    output,
    conforms: false,
    share: Number.POSITIVE_INFINITY,
    within,
    wrong: 0,
    values: wanted.data.length,
    worst: undefined,
  };
  if (actual.shape.join() !== wanted.shape.join())
    return { ...none, problem: `has shape [${actual.shape.join(", ")}], expected [${wanted.shape.join(", ")}]` };
  if (actual.data.length !== wanted.data.length)
    return { ...none, problem: `has ${actual.data.length} values, expected ${wanted.data.length}` };
  if (scaleOf(wanted) > formats[dtype].largest)
    return { ...none, problem: `cannot be held in ${dtype}: its exact values reach ${short(scaleOf(wanted))}` };
  let far = 0,
    place = -1,
    wrong = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const error = apart(Number(actual.data[i]), wanted.data[i]!);
    if (!(error <= within)) wrong++;
    if (error > far) [far, place] = [error, i];
  }
  const worst =
    place < 0
      ? undefined
      : { index: indexOf(place, wanted.shape), actual: Number(actual.data[place]), expected: wanted.data[place]! };
  return { ...none, conforms: wrong === 0, share: wrong || Number.isFinite(far) ? far / within : 0, wrong, worst };
}

export interface Checked {
  readonly conforms: boolean;
  readonly outputs: readonly Judged[];
  /** Outputs of the mechanism that were not given. */
  readonly unjudged: readonly string[];
  /** Outputs for which this input is so ill-conditioned at this precision that an error can hardly be told. */
  readonly loose: readonly string[];
}

/**
 * Compares outputs (tensors by name, a list's entries as `name.0`, …) with the exact ones for these inputs, within the
 * budget measured on them.
 *
 * @throws PageError for inputs or options the mechanism cannot take, and for an output it does not have.
 */
export function check(
  subject: Subject,
  inputs: Case["inputs"],
  options: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, Tensor>>,
  dtype: Dtype = "float32",
): Checked {
  const { exact, within, loose } = budget(subject, inputs, options, dtype);
  for (const name of Object.keys(actual))
    if (!Object.hasOwn(exact, name))
      throw new PageError(
        pageOf(subject).id,
        name,
        `there is no output ${name} for these inputs and options; the outputs are ${Object.keys(exact).join(", ")}`,
      );
  const names = Object.keys(exact);
  const outputs = names
    .filter((name) => actual[name])
    .map((name) => judge(name, actual[name]!, exact[name]!, within[name]!, dtype));
  return {
    conforms: outputs.length > 0 && outputs.every((o) => o.conforms),
    outputs,
    unjudged: names.filter((name) => !actual[name]),
    loose,
  };
}
