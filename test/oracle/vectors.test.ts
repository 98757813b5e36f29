/** Portable vectors: inputs every format holds, exact outputs, budgets for each. */
import { describe, expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import { bind, evaluate, extentOf, mechanism } from "../../spec/page.ts";
import { ids, load } from "../../src/index.ts";
import { acceptable, NothingToDrawError } from "../../src/oracle/cases.ts";
import { flatten } from "../../src/oracle/compare.ts";
import { dtypes, formats } from "../../src/oracle/precisions.ts";
import { type Vector, vectors } from "../../src/oracle/vectors.ts";

const catalogue = await Promise.all(ids.map(load));
const made = vectors(scaledDotProductAttention, { count: 8 });
const listed = mechanism({
  id: "test/listed",
  name: "Listed",
  paper: "2026",
  inputs: { x: "L of Yl C", weights: "C", which: "L" },
  outputs: { y: "L of Yl C" },
  options: {},
  domain: { weights: { within: [0.3, 1] }, which: { integers: [0, 1000] } },
  run: ({ x, weights }) => ({ y: (l, a, c) => weights(c) * x(l, a, c) }),
});
/** The tensors of a vector as the page takes them: entries of a list together. */
function gathered(inputs: Vector["inputs"]): Record<string, Vector["inputs"][string] | Vector["inputs"][string][]> {
  const all: ReturnType<typeof gathered> = {};
  for (const [full, t] of Object.entries(inputs)) {
    const [name = "", entry] = full.split(".");
    if (entry === undefined) all[name] = t;
    else all[name] = [...((all[name] ?? []) as Vector["inputs"][string][]), t];
  }
  return all;
}

describe("vectors", () => {
  test("hold as many cases as asked for, short and long, and ten unless told", () => {
    expect(made).toHaveLength(8);
    expect(vectors(scaledDotProductAttention)).toHaveLength(10);
    const longest = Math.max(...made.flatMap(({ inputs }) => inputs.k!.shape));
    expect(longest).toBeGreaterThan(5);
    expect(longest).toBeLessThanOrEqual(12);
  });
  test("hold inputs that float32, float16 and bfloat16 hold exactly", () => {
    for (const { inputs } of made)
      for (const t of Object.values(inputs))
        for (const v of t.data) for (const dtype of dtypes) expect(formats[dtype].round(v)).toBe(v);
  });
  test("hold what the page computes for them, every option with its value, and every size", () => {
    for (const { inputs, options, outputs, sizes } of made) {
      expect(outputs).toEqual(evaluate(scaledDotProductAttention.page, inputs, options));
      expect(Object.keys(options).sort()).toEqual(["causal", "causalAlign", "scale"]);
      expect(sizes).toMatchObject({ Tq: inputs.q!.shape[0], Tk: inputs.k!.shape[0], E: inputs.v!.shape[1] });
    }
  });
  test("hold a budget for every output in each of three formats", () => {
    for (const { budgets, outputs } of made) {
      expect(Object.keys(budgets)).toEqual(["float32", "float16", "bfloat16"]);
      for (const within of Object.values(budgets)) {
        expect(Object.keys(within)).toEqual(Object.keys(outputs));
        for (const limit of Object.values(within)) expect(limit).toBeGreaterThan(0);
      }
      expect(budgets.bfloat16.out!).toBeGreaterThanOrEqual(budgets.float32.out!);
    }
  });
  test("are the same for the same seed and other for another", () => {
    expect(vectors(scaledDotProductAttention, { count: 3 })).toEqual(made.slice(0, 3));
    expect(vectors(scaledDotProductAttention, { count: 3, seed: 2 })).not.toEqual(made.slice(0, 3));
  });
  test("keep what is fixed", () => {
    for (const { options, sizes } of vectors(scaledDotProductAttention, {
      count: 4,
      fixed: { options: { causal: true }, sizes: { D: 8 } },
    })) {
      expect(options.causal).toBe(true);
      expect(sizes.D).toBe(8);
    }
  });
  test("list the tensors of a list one by one; whole numbers and bounds survive the cut to eight bits", () => {
    const all = vectors(listed, { count: 20 });
    for (const { inputs, outputs, options } of all) {
      expect(flatten(evaluate(listed.page, gathered(inputs), options))).toEqual(outputs);
      for (const v of inputs.weights!.data) expect(v).toBeGreaterThanOrEqual(0.3);
      for (const v of inputs.which!.data) expect(Number.isInteger(v)).toBe(true);
    }
    expect(Math.max(...all.flatMap(({ inputs }) => Array.from(inputs.which!.data)))).toBeGreaterThan(255);
    expect(all.some(({ inputs }) => "x.1" in inputs)).toBe(true);
  });
  test("are refused by name for a page that no value of eight bits fits", () => {
    const narrow = mechanism({
      id: "test/narrow",
      name: "Narrow",
      paper: "2026",
      inputs: { x: "T" },
      outputs: { y: "T" },
      options: {},
      domain: { x: { within: [0.1, 0.1001] } },
      run: ({ x }) => ({ y: (t) => x(t) }),
    });
    expect(() => vectors(narrow, { count: 1 })).toThrow(NothingToDrawError);
    expect(() => vectors(narrow, { count: 1 })).toThrow("test/narrow: no case in 100 whose values have eight bits");
  });
});

test("every page of the catalogue has vectors whose real inputs bfloat16 holds", { timeout: 60_000 }, () => {
  const faults: string[] = [];
  for (const mechanism of catalogue) {
    const { page } = mechanism;
    for (const { inputs, options, outputs } of vectors(mechanism, { count: 2 })) {
      const given = gathered(inputs);
      if (!acceptable(page, { inputs: given, options })) faults.push(`${page.id}: not acceptable`);
      const { sizes, options: all } = bind(page, given, options);
      for (const [name, t] of Object.entries(inputs))
        if (extentOf(page.domain?.[name.split(".")[0]!], sizes, all).kind === "real")
          for (const v of t.data)
            if (formats.bfloat16.round(v) !== v) faults.push(`${page.id}: ${name} holds ${v}, which is no bfloat16`);
      if (JSON.stringify(flatten(evaluate(page, given, options))) !== JSON.stringify(outputs))
        faults.push(`${page.id}: other outputs`);
    }
  }
  expect(faults).toEqual([]);
});
