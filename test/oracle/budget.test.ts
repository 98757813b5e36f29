/** The error budget: wide enough for correct kernels, measured alike every time, and a number on every page. */
import { describe, expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import { mechanism, table } from "../../spec/page.ts";
import { ids, load } from "../../src/index.ts";
import { allowance, type Budget, budget, roundInputs } from "../../src/oracle/budget.ts";
import { draw } from "../../src/oracle/cases.ts";
import { conforms } from "../../src/oracle/conforms.ts";
import { dtypes, formats } from "../../src/oracle/precisions.ts";
import { random } from "../../src/oracle/random.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";
import { type Order, onlineSoftmax } from "./kernels.ts";

const catalogue = await Promise.all(ids.map(load));
const { page } = scaledDotProductAttention;

describe("correct float32 kernels that add up in other orders stay below half of the budget", () => {
  // Between them, every block size and every order over 300 cases.
  const makes: [block: number, order: Order, seed: number][] = [
    [1, "forward", 1],
    [2, "backward", 2],
    [4, "lanes", 3],
    [64, "pairwise", 4],
    [1, "pairwise", 5],
    [2, "lanes", 6],
    [4, "backward", 7],
    [64, "forward", 8],
  ];
  for (const [block, order, seed] of makes)
    test(`blocks of ${block}, products added ${order}`, { timeout: 60_000 }, async () => {
      const cases = seed <= 4 ? 300 : 100;
      const verdict = await conforms(scaledDotProductAttention, onlineSoftmax(block, order), { cases, seed });
      expect(String(verdict)).toContain(": conforms (float32, ");
      expect(verdict.judged + Object.values(verdict.declined).reduce((a, b) => a + b, 0)).toBe(cases);
      expect(verdict.share).toBeGreaterThan(0);
      expect(verdict.share).toBeLessThan(0.5);
      expect(verdict.loose).toBeLessThan(cases / 20);
    });
});

describe("a budget", () => {
  const source = random(11);
  const drawn = Array.from({ length: 12 }, () =>
    roundInputs(page, draw(page, source, { values: "normal", fixed: { sizes: { Tk: 4 } } }), "bfloat16"),
  );

  test("grows as the precision shrinks", () => {
    for (const { inputs, options } of drawn) {
      const [float32, float16, bfloat16] = dtypes.map((dtype) => budget(page, inputs, options, dtype).within) as [
        Budget["within"],
        Budget["within"],
        Budget["within"],
      ];
      for (const name of ["out", "lse"]) {
        expect(float16[name]!).toBeGreaterThan(4 * float32[name]!);
        expect(bfloat16[name]!).toBeGreaterThan(float16[name]!);
      }
    }
  });
  test("is at least the allowance times half a spacing of the output's scale", () => {
    const one = { q: tensorOf([[0]]), k: tensorOf([[0]]), v: tensorOf([[96]]) };
    for (const dtype of dtypes)
      expect(budget(page, one, {}, dtype).within.out).toBe((allowance * 96 * formats[dtype].spacing) / 2);
  });
  test("of an output that is exactly zero still leaves room", () => {
    const zero = { q: tensorOf([[1]]), k: tensorOf([[1], [2]]), v: tensorOf([[0], [0]]) };
    for (const dtype of dtypes) {
      const { exact, within, loose } = budget(page, zero, {}, dtype);
      expect(Array.from(exact.out!.data)).toEqual([0]);
      expect(within.out).toBe(allowance * formats[dtype].smallest);
      expect(loose).toEqual([]);
    }
  });
  test("covers what cancels: values of opposite sign leave room on the scale of the values", () => {
    const cancelling = { q: tensorOf([[1]]), k: tensorOf([[0.3], [0.3]]), v: tensorOf([[1], [-1 + 2 ** -20]]) };
    expect(budget(page, cancelling, {}).within.out).toBeGreaterThan(2 ** -24);
  });
  test("does not depend on what was measured before, and is the same each time", () => {
    const measure = (order: readonly number[]) =>
      Object.fromEntries(order.map((i) => [i, budget(page, drawn[i]!.inputs, drawn[i]!.options).within]));
    const order = drawn.map((_, i) => i);
    expect(measure(order)).toEqual(measure([...order].reverse()));
  });
  test("calls an output loose, and only that one, where rounding decides which of two values comes out", () => {
    const tie = mechanism({
      id: "test/tie",
      name: "Tie",
      paper: "2026",
      inputs: { x: "T" },
      outputs: { chosen: "T", third: "T" },
      options: {},
      run({ x }, { T }) {
        const third = table([T], (t) => x(t) / 3);
        return { chosen: (t) => (3 * third(t) === x(t) ? 1 : 2), third };
      },
    });
    const { loose, within } = budget(tie, { x: tensorOf([1]) }, {});
    expect(loose).toEqual(["chosen"]);
    expect(within.chosen).toBe(allowance);
  });
  test("does not touch the inputs, and leaves float64 in force", () => {
    const { inputs, options } = drawn[0]!;
    const before = JSON.stringify(inputs);
    const exact = JSON.stringify(scaledDotProductAttention(inputs as never, options as never));
    budget(page, inputs, options, "bfloat16");
    expect(JSON.stringify(inputs)).toBe(before);
    expect(JSON.stringify(scaledDotProductAttention(inputs as never, options as never))).toBe(exact);
  });
});

test("inputs are rounded to the format, but booleans, integers and options are not", () => {
  const inputs = { q: tensorOf([[0.1]]), k: tensorOf([[1 + 2 ** -9]]), v: tensorOf([[1e-8]]), mask: tensorOf([[1]]) };
  const rounded = roundInputs(page, { inputs, options: { scale: 0.1 } }, "bfloat16");
  expect(rounded.options).toEqual({ scale: 0.1 });
  expect(rounded.inputs.k).toEqual(tensorOf([[1]]));
  expect(rounded.inputs.mask).toBe(inputs.mask);
  expect(roundInputs(page, { inputs, options: {} }, "float32").inputs.q).toEqual(tensorOf([[Math.fround(0.1)]]));
  expect(roundInputs(page, { inputs, options: {} }, "float16").inputs.v).toEqual(tensorOf([[0]]));
});

test("the float32 budget of every page of the catalogue is a positive number", { timeout: 60_000 }, () => {
  const faults: string[] = [];
  for (const { page } of catalogue) {
    const source = random(7);
    for (let i = 0; i < 3; i++) {
      const { inputs, options } = roundInputs(page, draw(page, source, { values: "normal" }), "float32");
      for (const [name, within] of Object.entries(budget(page, inputs, options).within))
        if (!(within > 0)) faults.push(`${page.id}: ${name} has budget ${within}`);
    }
  }
  expect(faults).toEqual([]);
});
