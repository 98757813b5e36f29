/** What a page's test is written with: `specify` for all that follows from the declaration, `example`, `law`. */
import fc from "fast-check";
import { describe, test } from "vitest";
import {
  type AnyMechanism,
  bind,
  evaluate,
  type Inputs,
  type Mechanism,
  type Outputs,
  PageError,
  type Tensor,
} from "../spec/page.ts";
import type { Case, Drawing } from "../src/oracle/cases.ts";
import { difference, explain, nearly, scaleOf } from "../src/oracle/compare.ts";
import { arbitrary } from "../src/oracle/fast-check.ts";
import { laws, owed } from "../src/oracle/laws.ts";
import { random } from "../src/oracle/random.ts";
import { type Nested, tensorOf } from "../src/oracle/tensors.ts";
import { golden } from "./golden.ts";

export { at, type Tensor, tensor } from "../spec/page.ts";
export { edit, join, pick, reshape, span, tensorOf } from "../src/oracle/tensors.ts";
export { fc };

// One seed for all laws, so that a run can be repeated; another is set with ATTNSPEC_SEED.
// The mutation check only asks whether a law fails: it does without the smallest counterexample.
fc.configureGlobal({
  seed: Number(process.env.ATTNSPEC_SEED ?? 20261127),
  endOnFailure: process.env.ATTNSPEC_MUTATION === "1",
});

/** Fails the test it is called in. */
export function fail(message: string): never {
  throw new Error(message);
}

/** The laws every page owes, those it declares of itself, and the numbers of the official code. */
export function specify(mechanism: AnyMechanism, drawing: Drawing = {}): void {
  const { page } = mechanism;
  describe("as a page", () => {
    for (const law of [...owed(page), ...laws(page)])
      test(law.name, async () => {
        let spoke = 0;
        await fc.assert(
          fc.asyncProperty(arbitrary(mechanism, drawing), fc.nat(), async (drawn, seed) => {
            if (!law.applies(drawn)) return;
            spoke++;
            const broken = await law.broken((inputs, options) => evaluate(page, inputs, options), drawn, random(seed));
            if (broken) throw new Error(broken);
          }),
          { numRuns: 40 },
        );
        if (spoke === 0) throw new Error("no drawn case met the condition of this law: it proves nothing");
      });
  });
  const cases = golden(page);
  if (cases.length)
    describe("computes what the official code computed", () => {
      for (const { file, inputs, options, outputs, source, within } of cases)
        test(`${file}: ${source}`, () => {
          const actual = evaluate(page, inputs, options);
          const parts = difference(
            actual,
            outputs,
            (_, wanted) => within * Math.max(scaleOf(wanted), Number.MIN_VALUE),
          );
          if (parts) throw new Error(explain(parts));
        });
    });
}

type Called<M> =
  M extends Mechanism<infer I, infer O, infer P, infer A> ? { inputs: I; outputs: O; options: P; axes: A } : never;
type InputsOf<M> = M extends (inputs: infer X, options?: infer _) => unknown ? X : never;
type OptionsOf<M> = M extends (inputs: never, options?: infer P) => unknown ? NonNullable<P> : never;
/** One drawn case: inputs `x` (omitted optional ones absent), sizes `n`, options `o` with defaults filled in. */
export interface Drawn<M> {
  readonly x: { readonly [K in keyof InputsOf<M>]-?: NonNullable<InputsOf<M>[K]> };
  readonly n: Called<M> extends { inputs: infer I }
    ? Readonly<Record<LetterNames<I> | (keyof Called<M>["axes"] & string), number>>
    : never;
  readonly o: { readonly [K in keyof OptionsOf<M>]-?: NonNullable<OptionsOf<M>[K]> };
}
type LetterNames<I> = I[keyof I] extends string
  ? Exclude<import("../spec/page/shape.ts").Letters<I[keyof I] & string>[number], `${number}`>
  : never;

/** Cases of a mechanism for laws of its own. `fixed` holds sizes, options or the presence of inputs still. */
export function cases<M extends AnyMechanism>(
  mechanism: M,
  fixed: Drawing["fixed"] = {},
  drawing: Drawing = {},
): fc.Arbitrary<Drawn<M>> {
  return arbitrary(mechanism, { ...drawing, fixed }).map((drawn: Case) => {
    const { sizes, options } = bind(mechanism.page, drawn.inputs, drawn.options);
    return { x: drawn.inputs, n: sizes, o: options } as unknown as Drawn<M>;
  });
}

/** A relation that must hold for every drawn case. */
export function law<C>(name: string, drawn: fc.Arbitrary<C>, holds: (drawn: C) => void, runs = 60): void {
  test(name, () => fc.assert(fc.property(drawn, holds), { numRuns: runs }));
}

/** Fails unless the two tensors agree to float64 rounding, or to `within` times the scale. */
export function same(actual: Tensor | undefined, wanted: Tensor | undefined, within = 1e-12): void {
  if (!actual || !wanted) fail(`${actual ? "the expected" : "the actual"} tensor is missing`);
  const parts = difference({ value: actual }, { value: wanted }, (_, w) =>
    within === 1e-12 ? nearly("", w) : within * Math.max(1, scaleOf(w)),
  );
  if (parts) fail(explain(parts));
}

/** Nested arrays as tensors by name; as lists of tensors where the declaration says so. */
const tensorsOf = (nested: Readonly<Record<string, Nested>>, shapes: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(nested).map(([name, value]) => [
      name,
      shapes[name]?.includes(" of ") ? (value as Nested[]).map(tensorOf) : tensorOf(value),
    ]),
  );

/** A worked example: numbers a reader can check by hand; it pins down the constants that relations leave free. */
export function example(
  name: string,
  mechanism: AnyMechanism,
  inputs: Readonly<Record<string, Nested>>,
  wanted: Readonly<Record<string, Nested>>,
  options: Readonly<Record<string, unknown>> = {},
): void {
  test(`example: ${name}`, () => {
    const given = tensorsOf(inputs, mechanism.page.inputs) as Inputs;
    const outputs: Outputs = evaluate(mechanism.page, given, options);
    const expected = tensorsOf(wanted, mechanism.page.outputs);
    const parts = difference(outputs, expected, nearly);
    if (parts) fail(explain(parts));
  });
}

/** Wrong input or options: they are refused, and the message holds `words`. */
export function refuses(
  words: string,
  mechanism: AnyMechanism,
  inputs: Readonly<Record<string, Nested>>,
  options: Readonly<Record<string, unknown>> = {},
): void {
  test(`refuses: ${words}`, () => {
    const given = tensorsOf(inputs, mechanism.page.inputs) as Inputs;
    try {
      evaluate(mechanism.page, given, options);
    } catch (error) {
      if (error instanceof PageError && error.message.includes(words)) return;
      throw error;
    }
    fail("was accepted");
  });
}
