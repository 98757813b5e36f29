/** The vocabulary: shapes, defaults, sizes, batches, and what is said of wrong input. */
import { describe, expect, test } from "vitest";
import { choice, flag, integer, mechanism, numbers, PageError, range, real, sum, tensor } from "../../spec/page.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";

const message = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    if (error instanceof PageError) return error.message;
    throw error;
  }
  throw new Error("was accepted");
};

const heads = mechanism({
  id: "test/heads",
  name: "Heads",
  paper: "2026",
  inputs: { x: "T M", w: "M (H D)", b: "(H D) = 0", mask: "T = 1", out: "(H D) Mo = identity", index: "K = none" },
  outputs: { y: "T Mo", split: "T H D", folded: "(T H) D", picked: "K = none" },
  options: {
    heads: integer(1, "number of heads", { min: 1, max: 4 }),
    scale: real((n: { D: number }) => 1 / n.D, "factor"),
    kind: choice(["plain", "double"], "what to do"),
    flip: flag(false, "negate"),
    list: numbers([1, 2], "some numbers"),
  },
  axes: { H: (_, o) => o.heads },
  mayBeEmpty: ["T"],
  domain: { mask: "boolean", index: { integers: [0, (n) => n.T - 1], order: "ascending" } },
  requires: { "D must be at least 1": (n) => n.D >= 1 },
  expects: { "the first mask must be 1": ({ mask }, n) => n.T === 0 || mask(0) === 1 },
  run({ x, w, b, mask, out, index }, { M, H, D }, { scale, kind, flip }, given) {
    const h = (t: number, a: number, d: number) =>
      (flip ? -1 : 1) * (kind === "double" ? 2 : 1) * scale * mask(t) * (sum(M, (m) => x(t, m) * w(m, a, d)) + b(a, d));
    return {
      y: (t, o) => sum(H, (a) => sum(D, (d) => h(t, a, d) * out(a, d, o))),
      split: h,
      folded: h,
      picked: given.index ? (k) => index(k) : undefined,
    };
  },
});
const x = tensorOf([
  [1, 2],
  [3, 4],
]);
const w = tensorOf([
  [1, 0, 0, 1],
  [0, 1, 1, 0],
]);

describe("shapes", () => {
  test("a composed axis is read with two indices and divides by the option that binds one", () => {
    const { y, split, folded } = heads({ x, w }, { heads: 2, scale: 1 });
    expect([split.shape, Array.from(split.data)]).toEqual([
      [2, 2, 2],
      [1, 2, 2, 1, 3, 4, 4, 3],
    ]);
    expect([folded.shape, Array.from(folded.data)]).toEqual([[4, 2], Array.from(split.data)]);
    expect([y.shape, Array.from(y.data)]).toEqual([[2, 4], Array.from(split.data)]);
  });
  test("defaults that depend on sizes: D = 4 with one head, 2 with two", () => {
    expect(heads({ x, w }).split.data[0]).toBe(1 / 4);
    expect(heads({ x, w }, { heads: 2 }).split.data[0]).toBe(1 / 2);
  });
  test("null and undefined mean not given", () =>
    expect(heads({ x, w }, { heads: null, kind: undefined })).toEqual(heads({ x, w })));
  test("an optional output is absent unless the page gives it", () => {
    expect(heads({ x, w }).picked).toBeUndefined();
    expect(Array.from(heads({ x, w, index: tensorOf([0, 1]) }).picked!.data)).toEqual([0, 1]);
  });
  test("any array type, and nested batches of one leading axis on every input", () => {
    const twice = heads({
      x: { shape: [2, 2, 2], data: new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]) },
      w: { shape: [2, 2, 4], data: [...Array.from(w.data), ...Array.from(w.data)] },
    });
    expect(twice.y.shape).toEqual([2, 2, 4]);
    expect(Array.from(twice.y.data.subarray(8))).toEqual(
      Array.from(
        heads({
          x: tensorOf([
            [5, 6],
            [7, 8],
          ]),
          w,
        }).y.data,
      ),
    );
  });
  test("an empty axis the page allows, and an empty batch", () => {
    expect(heads({ x: { shape: [0, 2], data: [] }, w }).y.shape).toEqual([0, 4]);
    expect(heads({ x: { shape: [0, 2, 2], data: [] }, w: { shape: [0, 2, 4], data: [] } }).y.shape).toEqual([0, 2, 4]);
  });

  const levels = mechanism({
    id: "test/levels",
    name: "Levels",
    paper: "2026",
    inputs: { features: "L of Yl Xl C", points: "Q L 2", memory: "C", twin: "C = memory" },
    outputs: { total: "Q", same: "L of Yl Xl C" },
    options: {},
    run: ({ features, points, memory, twin }, { L, Yl, Xl, C }) => ({
      total: (q) =>
        sum(L, (l) =>
          sum(range(Yl[l]!), (y) =>
            sum(range(Xl[l]!), (a) => sum(C, (c) => features(l, y, a, c) * memory(c) * twin(c))),
          ),
        ) * points(q, 0, 0),
      same: (l, y, a, c) => features(l, y, a, c),
    }),
  });
  const list = [tensor([1, 2, 2], () => 1), tensor([3, 1, 2], () => 2)];
  const points = tensor([2, 2, 2], () => 1);
  test("a list of tensors of different sizes, a literal axis, and an input that stands for another", () => {
    const { total, same } = levels({ features: list, points, memory: tensorOf([1, 2]) });
    expect(Array.from(total.data)).toEqual([2 * 5 + 6 * 5, 40]);
    expect(same.map((t) => t.shape)).toEqual([
      [1, 2, 2],
      [3, 1, 2],
    ]);
  });
  test("the entry of a list that does not fit is named", () => {
    expect(
      message(() => levels({ features: [list[0]!, tensor([3, 1, 3], () => 0)], points, memory: tensorOf([1, 2]) })),
    ).toBe(
      "test/levels: features[1] has C = 3, but features[0] has C = 2; expected features: L tensors [Yl, Xl, C], got [3, 1, 3]",
    );
    expect(
      message(() => levels({ features: list, points: tensor([2, 3, 2], () => 0), memory: tensorOf([1, 2]) })),
    ).toContain("points has L = 3, but features");
    expect(
      message(() => levels({ features: list, points: tensor([2, 2, 3], () => 0), memory: tensorOf([1, 2]) })),
    ).toContain("points has an axis of 3 where exactly 2 is meant");
    expect(message(() => levels({ features: list[0] as never, points, memory: tensorOf([1, 2]) }))).toContain(
      "features must be a list of tensors",
    );
  });
});

describe("what is said of wrong input", () => {
  const cases: [string, () => unknown, string][] = [
    ["a missing input", () => heads({ x } as never), "test/heads: w is missing; expected w: [M, H·D]"],
    [
      "an unknown input",
      () => heads({ x, w, bias: x } as never),
      "test/heads: there is no input bias; did you mean b? The inputs are x, w, b, mask, out, index",
    ],
    [
      "an unknown option",
      () => heads({ x, w }, { head: 2 } as never),
      "test/heads: there is no option head; did you mean heads? The options are heads, scale, kind, flip, list",
    ],
    [
      "a wrong rank",
      () => heads({ x: tensorOf([1, 2]), w }),
      "test/heads: x has 1 axis, shape [2]; expected x: [T, M]",
    ],
    [
      "a batch axis on one input only",
      () => heads({ x: tensor([1, 2, 2], () => 0), w }),
      "test/heads: x has 3 axes, shape [1, 2, 2]; expected x: [T, M]; a leading batch axis must stand on every input",
    ],
    [
      "batches of different length",
      () => heads({ x: tensor([1, 2, 2], () => 0), w: tensor([2, 2, 4], () => 0) }),
      "test/heads: w has a leading batch axis of 2, but x has one of 1",
    ],
    [
      "axes that disagree",
      () => heads({ x, w: tensor([3, 4], () => 0) }),
      "test/heads: w has M = 3, but x has M = 2; expected w: [M, H·D], got [3, 4]",
    ],
    [
      "a composed axis that does not divide",
      () => heads({ x, w }, { heads: 3 }),
      "test/heads: w has axis H·D = 4, not a multiple of 3 (H = 3); expected w: [M, H·D], got [2, 4]",
    ],
    [
      "a composed axis that disagrees",
      () => heads({ x, w, b: tensorOf([1, 2]) }, { heads: 2 }),
      "test/heads: b has H·D = 2, but the definition of H (from heads = 2) and w have H·D = 4; expected b: [H·D], got [2]",
    ],
    [
      "data that do not fill the shape",
      () => heads({ x: { shape: [2, 2], data: [1, 2, 3] }, w }),
      "test/heads: x has 3 values, but its shape [2, 2] holds 4",
    ],
    [
      "a shape that is no shape",
      () => heads({ x: { shape: [2, -2], data: [] }, w }),
      "test/heads: x has shape [2, -2]; every length must be a whole number",
    ],
    [
      "no tensor at all",
      () => heads({ x: [[1, 2]] as never, w }),
      "test/heads: x must be { shape, data }, got an array; a nested array goes through tensorOf first",
    ],
    [
      "NaN in an option",
      () => heads({ x, w }, { scale: Number.NaN }),
      "test/heads: option scale must be a number, got NaN",
    ],
    [
      "a fraction for an integer",
      () => heads({ x, w }, { heads: 1.5 }),
      "test/heads: option heads must be an integer ≥ 1 and ≤ 4, got 1.5",
    ],
    [
      "an option out of range",
      () => heads({ x, w }, { heads: 0 }),
      "test/heads: option heads must be an integer ≥ 1 and ≤ 4, got 0",
    ],
    [
      "a word that is no choice",
      () => heads({ x, w }, { kind: "triple" as never }),
      'test/heads: option kind must be one of plain, double, got "triple"',
    ],
    [
      "a number for a flag",
      () => heads({ x, w }, { flip: 1 as never }),
      "test/heads: option flip must be true or false, got 1",
    ],
    [
      "a list that holds NaN",
      () => heads({ x, w }, { list: [1, Number.NaN] }),
      "test/heads: option list must be a list of numbers, got [1, NaN]",
    ],
    [
      "an empty axis",
      () => heads({ x: { shape: [2, 0], data: [] }, w: { shape: [0, 4], data: [] } }),
      "test/heads: x has an empty axis M, for which this mechanism is not defined; expected x: [T, M] with M ≥ 1",
    ],
    [
      "a mask that is no mask",
      () => heads({ x, w, mask: tensorOf([1, 2]) }),
      "test/heads: mask holds only 0 and 1, got 2 at [1]",
    ],
    [
      "a fraction among integers",
      () => heads({ x, w, index: tensorOf([0, 0.5]) }),
      "test/heads: index holds integers from 0 to 1, got 0.5 at [1]",
    ],
    [
      "an index out of range",
      () => heads({ x, w, index: tensorOf([0, 2]) }),
      "test/heads: index holds integers from 0 to 1, got 2 at [1]",
    ],
    [
      "indices out of order",
      () => heads({ x, w, index: tensorOf([1, 0]) }),
      "test/heads: index must ascend along its last axis, got 1 then 0 at [1]",
    ],
    [
      "values the page does not expect",
      () => heads({ x, w, mask: tensorOf([0, 1]) }),
      "test/heads: the first mask must be 1",
    ],
  ];
  for (const [name, call, expected] of cases) test(name, () => expect(message(call)).toBe(expected));

  test("what is left out as an identity must be square, and a default may name another that was left out", () => {
    const chained = mechanism({
      id: "test/chained",
      name: "Chained",
      paper: "2026",
      inputs: { x: "D", a: "D = 2", b: "D = a", w: "D E = identity", y: "E = 1" },
      outputs: { out: "E" },
      options: {},
      run: ({ x, a, b, w, y }, { D }) => ({ out: (e) => y(e) * sum(D, (d) => x(d) * (a(d) + 10 * b(d)) * w(d, e)) }),
    });
    expect(Array.from(chained({ x: tensorOf([1, 2]) }).out.data)).toEqual([22, 44]);
    expect(Array.from(chained({ x: tensorOf([1]), a: tensorOf([3]) }).out.data)).toEqual([33]);
    expect(message(() => chained({ x: tensorOf([1, 2]), y: tensorOf([1, 1, 1]) }))).toBe(
      "test/chained: w is left out and would be the identity, but D = 2 and E = 3 differ: give w",
    );
  });
  test("the error carries mechanism and argument as fields", () => {
    try {
      heads({ x, w: tensor([3, 4], () => 0) });
      expect.fail("was accepted");
    } catch (error) {
      expect(error).toMatchObject({ name: "PageError", mechanism: "test/heads", argument: "w" });
    }
  });
  test("a rule on sizes says what they were", () => {
    const grouped = mechanism({
      id: "test/rule",
      name: "Rule",
      paper: "2026",
      inputs: { q: "Hq", k: "Hk" },
      outputs: { out: "Hq" },
      options: {},
      requires: { "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0 },
      run: ({ q }) => ({ out: (h) => q(h) }),
    });
    expect(message(() => grouped({ q: tensorOf([1, 2, 3]), k: tensorOf([1, 2]) }))).toBe(
      "test/rule: Hq must be a multiple of Hk: got Hq = 3, Hk = 2",
    );
  });
  test("a derived axis that comes out broken says what it follows from", () => {
    const halved = mechanism({
      id: "test/derived",
      name: "Derived",
      paper: "2026",
      inputs: { x: "D", w: "R = 0" },
      outputs: { out: "R" },
      options: {},
      axes: { R: (n) => n.D / 2 },
      run: ({ x }) => ({ out: (r) => x(2 * r) }),
    });
    expect(Array.from(halved({ x: tensorOf([1, 2, 3, 4]) }).out.data)).toEqual([1, 3]);
    expect(message(() => halved({ x: tensorOf([1, 2, 3]) }))).toBe(
      "test/derived: axis R follows from D = 3 and would be 1.5; it must be a whole number",
    );
    expect(message(() => halved({ x: tensorOf([1, 2]), w: tensorOf([1, 2]) }))).toBe(
      "test/derived: w has R = 2, but D = 2 makes it 1",
    );
  });
  test("a page that reads beside an input is an error, never another value", () => {
    const beside = mechanism({
      id: "test/beside",
      name: "Beside",
      paper: "2026",
      inputs: { x: "T D" },
      outputs: { out: "T" },
      options: {},
      run: ({ x }, { D }) => ({ out: (t) => x(t, D) }),
    });
    expect(() => beside({ x })).toThrow("x has no index [0, 2]; its shape is [2, 2]");
  });
});
