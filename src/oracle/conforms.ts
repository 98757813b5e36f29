/** A verdict on somebody's kernel. */
import { type AnyMechanism, type AnyPage, bind, evaluate, extentOf, nearest, type Tensor } from "../../spec/page.ts";
import { budget, roundInputs } from "./budget.ts";
import { type Case, type Drawing, draw, shrink } from "./cases.ts";
import { apart, difference, flatten, scaleOf } from "./compare.ts";
import { gradient, moved } from "./gradient.ts";
import { type BackwardKernel, isBare, isDeclined, isTensor, type Kernel, kernelInputs, shaped } from "./kernel.ts";
import { laws } from "./laws.ts";
import { type Dtype, formats } from "./precisions.ts";
import { type Random, random } from "./random.ts";
import { describeFailure, summary } from "./verdict.ts";

export interface ConformsOptions<M = AnyMechanism> extends Pick<Drawing, "fixed" | "largest"> {
  /** The precision the kernel computes in. Default float32. */
  readonly dtype?: Dtype;
  /** How many cases are drawn. Default 100. */
  readonly cases?: number;
  /** The same seed draws the same cases. Default 1. */
  readonly seed?: number;
  /** The kernel's backward pass, judged on a quarter as many cases. */
  readonly gradient?: BackwardKernel<M>;
}

/** Where a result is wrong, and by how much. */
export interface Shortfall {
  /** Output (or, for a backward kernel, `gradient of <input>`) that is wrong. */
  readonly output: string;
  readonly index: readonly number[];
  readonly actual: number;
  readonly wanted: number;
  /** Largest error allowed there. */
  readonly within: number;
  /** What is amiss when it is not a value: a thrown error, a missing output, a wrong shape. */
  readonly problem?: string | undefined;
}

/** The smallest failing input found, what is wrong with it, and what it means. */
export interface Failure extends Shortfall {
  /** The smallest failing input found. */
  readonly inputs: Case["inputs"];
  /** Options that differ from their defaults. */
  readonly options: Case["options"];
  /** Sentences of the page's laws that the kernel breaks. */
  readonly laws: readonly string[];
  readonly seed: number;
}

export interface Verdict {
  readonly mechanism: string;
  readonly conforms: boolean;
  readonly dtype: Dtype;
  /** Cases judged, and of these the ones too ill-conditioned at this precision to tell much. */
  readonly judged: number;
  readonly loose: number;
  /** What the kernel declined, with how often. */
  readonly declined: Readonly<Record<string, number>>;
  /** Outputs of the page that the kernel never returned, and which were therefore not judged. */
  readonly unjudged: readonly string[];
  /** The largest error seen, as a share of its budget. */
  readonly share: number;
  readonly failure: Failure | undefined;
  toString(): string;
}

interface Judged {
  readonly declined?: string;
  readonly share: number;
  readonly loose: boolean;
  readonly returned: readonly string[];
  readonly wrong?: Shortfall | undefined;
}

/**
 * Judges a kernel against a mechanism: draws cases from the page's declaration (small and large values, every option),
 * compares within the budget measured on each, and shrinks the first failure to the smallest input that still fails.
 *
 * @throws RangeError if no case can be judged because the kernel declines them all.
 */
export async function conforms<M extends AnyMechanism>(
  mechanism: M,
  kernel: Kernel<M>,
  options: ConformsOptions<M> = {},
): Promise<Verdict> {
  const { dtype = "float32", cases = 100, seed = 1, gradient: backward, ...drawing } = options;
  const { page } = mechanism;
  const forward = (drawn: Case) => judge(page, kernel as Kernel, drawn, dtype);
  const tally = new Tally();
  let failure = await search(page, forward, cases, seed, drawing, dtype, tally);
  if (!failure && backward)
    failure = await search(
      page,
      (drawn) => judgeGradient(page, backward as BackwardKernel, drawn, dtype, seed),
      Math.ceil(cases / 4),
      seed + 1,
      drawing,
      dtype,
      tally,
    );
  if (tally.judged === 0 && !failure)
    throw new RangeError(
      `${page.id}: the kernel declined all ${cases} cases: ${Object.keys(tally.declined).join("; ")}. Narrow what is drawn with \`fixed\``,
    );
  const broken = failure ? await brokenLaws(page, kernel as Kernel, failure.drawn, dtype, seed, drawing) : [];
  const { judged, loose, declined, share } = tally;
  const unjudged = Object.keys(page.outputs).filter((name) => !tally.returned.has(name));
  const verdict = {
    mechanism: page.id,
    conforms: !failure,
    dtype,
    judged,
    loose,
    declined,
    unjudged,
    share,
    failure: failure && {
      ...failure.shortfall,
      inputs: failure.drawn.inputs,
      options: failure.drawn.options,
      laws: broken,
      seed,
    },
  };
  return {
    ...verdict,
    toString: () =>
      [summary(verdict), verdict.failure && describeFailure(page, verdict.failure)].filter(Boolean).join("\n"),
  };
}

class Tally {
  judged = 0;
  loose = 0;
  share = 0;
  readonly declined: Record<string, number> = {};
  readonly returned = new Set<string>();
  add(result: Judged): void {
    if (result.declined !== undefined) {
      this.declined[result.declined] = (this.declined[result.declined] ?? 0) + 1;
      return;
    }
    this.judged++;
    if (result.loose) this.loose++;
    else this.share = Math.max(this.share, result.share);
    for (const name of result.returned) this.returned.add(name.replace(/\.\d+$/, ""));
  }
}

/** Kinds of cases in turn: readable ones with ties, ordinary ones, ones of wide range, longer ones. */
function* drawings(largest: number | undefined): Generator<Drawing> {
  const more = largest ?? 6;
  for (;;) {
    yield { values: "quarters", largest: more };
    yield { values: "normal", largest: more };
    yield { values: "wide", largest: more };
    yield { values: "normal", largest: largest ?? 19 };
  }
}

async function search(
  page: AnyPage,
  judgeCase: (drawn: Case) => Promise<Judged>,
  cases: number,
  seed: number,
  drawing: Drawing,
  dtype: Dtype,
  tally: Tally,
): Promise<{ drawn: Case; shortfall: Shortfall } | undefined> {
  const source: Random = random(seed);
  const kinds = drawings(drawing.largest);
  for (let i = 0; i < cases; i++) {
    const drawn = roundInputs(page, draw(page, source, { ...drawing, ...kinds.next().value }), dtype);
    const result = await judgeCase(drawn);
    tally.add(result);
    if (result.wrong) return smallest(page, judgeCase, drawn, result.wrong, dtype, drawing.fixed);
  }
  return undefined;
}

/** Follows simpler cases as long as they fail. */
async function smallest(
  page: AnyPage,
  judgeCase: (drawn: Case) => Promise<Judged>,
  drawn: Case,
  shortfall: Shortfall,
  dtype: Dtype,
  fixed: Drawing["fixed"],
): Promise<{ drawn: Case; shortfall: Shortfall }> {
  let best = { drawn, shortfall };
  let tries = 600;
  for (let found = true; found && tries > 0; ) {
    found = false;
    for (const simpler of shrink(page, best.drawn, fixed)) {
      if (tries-- <= 0) break;
      const rounded = roundInputs(page, simpler, dtype);
      const { wrong } = await judgeCase(rounded);
      if (!wrong) continue;
      best = { drawn: rounded, shortfall: wrong };
      found = true;
      break;
    }
  }
  return best;
}

async function judge(page: AnyPage, kernel: Kernel, drawn: Case, dtype: Dtype): Promise<Judged> {
  const { options } = bind(page, drawn.inputs, drawn.options);
  const { exact, within, loose } = budget(page, drawn.inputs, drawn.options, dtype);
  const none = { share: 0, loose: false, returned: [] };
  const { largest } = formats[dtype];
  if (Object.values(exact).some((t) => scaleOf(t) > largest))
    return { ...none, declined: `the exact result exceeds what ${dtype} holds` };
  const amiss = (problem: string, output = "", wanted = Number.NaN): Judged => ({
    ...none,
    wrong: { output, index: [], actual: Number.NaN, wanted, within: 0, problem },
  });
  let outputs: ReturnType<typeof shaped>;
  try {
    const result = await kernel(kernelInputs(page, drawn), options);
    if (typeof result !== "object" || result === null)
      return amiss(
        `the kernel returned ${String(result)}, expected an object with the outputs ${Object.keys(page.outputs).join(", ")}`,
      );
    if (isDeclined(result)) return { ...none, declined: result.decline };
    outputs = shaped(page, drawn, result);
  } catch (error) {
    return amiss(`the kernel threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
  }
  for (const name of Object.keys(outputs))
    if (!Object.hasOwn(page.outputs, name))
      return amiss(
        `the kernel returned an output ${name}; did it mean ${nearest(name, Object.keys(page.outputs))[0]}?`,
        name,
      );
  const actual = flatten(outputs);
  const returned = Object.keys(actual);
  if (returned.length === 0)
    return amiss(`the kernel returned no output; expected ${Object.keys(page.outputs).join(", ")}`);
  for (const [name, t] of Object.entries(actual)) {
    if (!isTensor(t))
      return amiss(`the kernel returned no tensor as ${name}, expected { shape, data } or a flat array`, name);
    if (!Object.hasOwn(exact, name)) return amiss(`the kernel returned ${name}, which this case does not have`, name);
  }
  const wanted = Object.fromEntries(
    Object.entries(exact).filter(([name]) => Object.hasOwn(outputs, name.replace(/\.\d+$/, ""))),
  );
  const parts = difference(actual, wanted, (name) => within[name]!);
  const wrong = parts && { ...parts, within: within[parts.output] ?? 0 };
  let share = 0;
  if (!wrong)
    for (const [name, t] of Object.entries(wanted))
      for (let i = 0; i < t.data.length; i++)
        share = Math.max(share, apart(Number(actual[name]!.data[i]), t.data[i]!) / within[name]!);
  return { share, loose: returned.some((name) => loose.includes(name)), returned, wrong };
}

/** One input at a time: the kernel's gradient along a random direction, beside the derivative of the page along it. */
async function judgeGradient(
  page: AnyPage,
  backward: BackwardKernel,
  drawn: Case,
  dtype: Dtype,
  seed: number,
): Promise<Judged> {
  const { options, sizes } = bind(page, drawn.inputs, drawn.options);
  const source = random(seed);
  const exact = flatten(evaluate(page, drawn.inputs, drawn.options));
  const upstream = Object.fromEntries(
    Object.entries(exact).map(([name, t]) => [
      name,
      { shape: t.shape, data: Float32Array.from(t.data, () => formats[dtype].round(source.normal())) },
    ]),
  );
  const none = { share: 0, loose: false, returned: [] };
  const amiss = (problem: string): Judged => ({
    ...none,
    wrong: { output: "gradient", index: [], actual: Number.NaN, wanted: Number.NaN, within: 0, problem },
  });
  let gradients: Record<string, Tensor>;
  try {
    const result = await backward(kernelInputs(page, drawn), options, upstream);
    if (isDeclined(result)) return { ...none, declined: result.decline };
    gradients = Object.fromEntries(
      Object.entries(result)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => {
          const input = drawn.inputs[name] as Tensor | undefined;
          return [name, isBare(value) ? { shape: input?.shape ?? [], data: value } : (value as Tensor)];
        }),
    );
  } catch (error) {
    return amiss(
      `the backward kernel threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
    );
  }
  if (Object.keys(gradients).length === 0)
    return amiss(`the backward kernel returned no gradient; expected some of ${Object.keys(drawn.inputs).join(", ")}`);
  let share = 0,
    loose = false;
  for (const [name, t] of Object.entries(gradients)) {
    const input = drawn.inputs[name];
    if (!input || Array.isArray(input))
      return amiss(`the backward kernel returned a gradient of ${name}, which is no input of this case`);
    if (extentOf(page.domain?.[name], sizes, options).kind !== "real")
      return amiss(`the backward kernel returned a gradient of ${name}, which holds no real numbers`);
    if (!isTensor(t))
      return amiss(
        `the backward kernel returned no tensor as the gradient of ${name}, expected { shape, data } or a flat array`,
      );
    if (t.data.length !== (input as Tensor).data.length)
      return amiss(`the gradient of ${name} has ${t.data.length} values, expected ${(input as Tensor).data.length}`);
    const along = {
      [name]: { shape: (input as Tensor).shape, data: Float64Array.from(t.data, () => source.normal()) },
    };
    const slope = (inputs: Case["inputs"]) => {
      const g = gradient(page, inputs, drawn.options, along);
      let total = 0,
        terms = 0;
      for (const [output, d] of Object.entries(g.outputs))
        d.data.forEach((v, i) => {
          const term = v * upstream[output]!.data[i]!;
          total += term;
          terms += Math.abs(term);
        });
      return { total, terms, smooth: g.smooth };
    };
    const { total: wanted, terms, smooth } = slope(drawn.inputs);
    if (!smooth) {
      loose = true;
      continue;
    }
    const { spacing } = formats[dtype];
    let within = terms * spacing;
    for (let i = 0; i < 3; i++) {
      // Inputs with bounds stay: moved, they might be refused.
      const jitter = Object.fromEntries(
        Object.entries(drawn.inputs)
          .filter(([other, value]) => {
            const { kind, enforced } = extentOf(page.domain?.[other], sizes, options);
            return !Array.isArray(value) && kind === "real" && !enforced;
          })
          .map(([other, value]) => [
            other,
            {
              shape: (value as Tensor).shape,
              data: Float64Array.from((value as Tensor).data, (v) => v * spacing * (source.real() < 0.5 ? -1 : 1)),
            },
          ]),
      );
      within = Math.max(within, Math.abs(slope(moved(drawn.inputs, jitter, 1)).total - wanted));
    }
    within *= 8;
    let actual = 0;
    for (let i = 0; i < t.data.length; i++) actual += Number(t.data[i]) * along[name]!.data[i]!;
    if (!(Math.abs(actual - wanted) <= within))
      return {
        ...none,
        wrong: { output: `gradient of ${name}`, index: [], actual, wanted, within, problem: undefined },
      };
    share = Math.max(share, Math.abs(actual - wanted) / within);
  }
  return { share, loose, returned: [] };
}

/** Which of the page's laws the kernel breaks: tried on the failing input and on some others. */
async function brokenLaws(
  page: AnyPage,
  kernel: Kernel,
  failing: Case,
  dtype: Dtype,
  seed: number,
  drawing: Drawing,
): Promise<string[]> {
  const source = random(seed);
  const others = Array.from({ length: 12 }, () =>
    roundInputs(page, draw(page, source, { largest: 4, ...drawing, values: "normal" }), dtype),
  );
  const compute = async (inputs: Case["inputs"], options: Readonly<Record<string, unknown>>) => {
    const drawn = roundInputs(page, { inputs, options }, dtype);
    const result = await kernel(kernelInputs(page, drawn), bind(page, drawn.inputs, drawn.options).options);
    if (isDeclined(result)) throw new Error("declined");
    return shaped(page, drawn, result) as never;
  };
  const broken: string[] = [];
  for (const law of laws(page))
    for (const drawn of [failing, ...others]) {
      try {
        if (!law.applies(drawn)) continue;
        const { within } = budget(page, drawn.inputs, drawn.options, dtype);
        if (
          await law.broken(
            compute,
            drawn,
            random(seed),
            (name, wanted) => 8 * Math.max(within[name] ?? 0, scaleOf(wanted) * formats[dtype].spacing),
          )
        ) {
          broken.push(law.name);
          break;
        }
      } catch {
        // A kernel that declines or fails on a law's inputs says nothing about the law.
      }
    }
  return broken;
}
