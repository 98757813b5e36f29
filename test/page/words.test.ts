/** The words of a formula. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clamp,
  largest,
  logSumExp,
  matrixProduct,
  maximum,
  mean,
  minimum,
  product,
  range,
  rounded,
  scan,
  softmax,
  sum,
  table,
  weigh,
} from "../../spec/page.ts";

const scores = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 8 });

describe("sets and sums", () => {
  test("range", () => expect([range(3), range(2, 5), range(0), range(4, 2)]).toEqual([[0, 1, 2], [2, 3, 4], [], []]));
  test("clamp", () => expect([clamp(-1, 0, 2), clamp(1, 0, 2), clamp(3, 0, 2)]).toEqual([0, 1, 2]));
  test("sum over a count, a list, weights and nothing", () => {
    expect(sum(4, (i) => i)).toBe(6);
    expect(sum(["a", "bb"], (s) => s.length)).toBe(3);
    expect(
      sum(
        weigh([3, 5], (i) => i),
        (i, w) => i * w,
      ),
    ).toBe(34);
    expect(sum(0, () => 1)).toBe(0);
  });
  test("product, mean, maximum, minimum, over nothing too", () => {
    expect([
      product(4, (i) => i + 1),
      mean(3, (i) => i),
      maximum([2, 7, 1], (i) => i),
      minimum([2, 7, 1], (i) => i),
    ]).toEqual([24, 1, 7, 1]);
    expect([product(0, () => 2), mean(0, () => 2), maximum(0, () => 2), minimum(0, () => 2)]).toEqual([
      1,
      0,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });
  test("largest keeps the earlier of equal ones, and all if there are fewer", () => {
    expect(largest(2, [5, 6, 7, 8], (i) => [1, 3, 3, 3][i - 5]!)).toEqual([6, 7]);
    expect(largest(9, 2, (i) => i)).toEqual([1, 0]);
    expect(largest(2, 3, (i) => [Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY][i]!)).toEqual([1, 0]);
  });
});

describe("softmax", () => {
  test("weights are positive, sum to 1, and their logarithms differ as the scores do", () =>
    fc.assert(
      fc.property(scores, (s) => {
        const w = softmax(s.length, (i) => s[i]!);
        expect(sum(w, (_, p) => p)).toBeCloseTo(1, 14);
        expect(w.logSumExp).toBeCloseTo(
          logSumExp(s.length, (i) => s[i]!),
          12,
        );
        for (const i of range(s.length)) expect(w.of(i)).toBeCloseTo(Math.exp(s[i]! - w.logSumExp), 12);
      }),
    ));
  test("huge scores do not overflow", () =>
    expect(softmax([1000, -1000, 1000], (s) => s * 1e300).values).toEqual(Float64Array.of(0.5, 0, 0.5)));
  test("−∞ is not seen, and seeing nothing gives no weights", () => {
    const w = softmax(3, (i) => (i === 1 ? 0 : Number.NEGATIVE_INFINITY));
    expect([w.indices, Array.from(w.values), w.of(0)]).toEqual([[1], [1], 0]);
    const none = softmax<number>([], () => 0);
    expect([sum(none, () => Number.NaN), none.logSumExp]).toEqual([0, Number.NEGATIVE_INFINITY]);
  });
  test("a sink takes its share", () => {
    const w = softmax(1, () => Math.log(3), 0);
    expect(w.of(0)).toBeCloseTo(0.75, 15);
    expect(w.logSumExp).toBeCloseTo(Math.log(4), 15);
    expect(softmax(1, () => -1000, 0).of(0)).toBe(0);
  });
});

describe("tables and recurrences", () => {
  test("a table is computed once at every index, whatever its rank", () => {
    for (const shape of [[], [3], [2, 3], [2, 1, 3], [2, 1, 2, 2], [1, 2, 1, 2, 2]] as const) {
      let calls = 0;
      const cell = table(shape as readonly number[], (...index: number[]) => {
        calls++;
        return index.reduce((at, i) => at * 10 + i, 0);
      });
      const size = shape.reduce<number>((a, b) => a * b, 1);
      expect(calls).toBe(size);
      const last = shape.map((n) => n - 1);
      expect(cell(...last)).toBe(last.reduce((at, i) => at * 10 + i, 0));
    }
  });
  test("a table holds anything, and has no index outside its shape", () => {
    const words = table([2, 2], (i, j) => `${i}${j}`);
    expect(words(1, 0)).toBe("10");
    expect(() => words(2, 0)).toThrow("a table has no index [2, 0]; its shape is [2, 2]");
    const squares = table([2], (i) => i * i);
    for (const wrong of [-1, 2, 0.5, Number.NaN]) expect(() => squares(wrong)).toThrow(RangeError);
  });
  test("a table may hold numbers and other things", () => {
    const maybe = table([3], (i) => (i === 1 ? undefined : i / 2));
    expect([maybe(0), maybe(1), maybe(2)]).toEqual([0, undefined, 1]);
  });
  test("scan gives every state", () => {
    const powers = scan(3, 1, (before, t) => before * (t + 2));
    expect([powers(0), powers(1), powers(2), powers(3)]).toEqual([1, 2, 6, 24]);
    expect(() => powers(4)).toThrow("a scan of 3 steps has no state 4");
  });
  test("matrixProduct", () => {
    const p = matrixProduct(
      2,
      2,
      1,
      (i, j) => 2 * i + j,
      (i) => i + 1,
    );
    expect([p(0, 0), p(1, 0)]).toEqual([2, 8]);
  });
});

describe("at a lower precision", () => {
  const float32 = { store: Math.fround, accumulate: Math.fround };
  const third = () => sum([1, 1e-9, -1], (v) => v);
  test("sums, tables and weights round, and do not once it is over", () => {
    expect(rounded(float32, third)).toBe(0);
    expect(rounded(float32, () => table([1], () => 0.1)(0))).toBe(Math.fround(0.1));
    expect(rounded(float32, () => softmax(3, () => 0).of(0))).toBe(Math.fround(1 / 3));
    expect(third()).not.toBe(0);
    expect(() =>
      rounded(float32, () => {
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(table([1], () => 0.1)(0)).toBe(0.1);
  });
});
