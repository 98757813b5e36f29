/** Cases drawn from declarations: acceptable, repeatable, and ever simpler when shrunk. */
import { describe, expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import { choice, integer, mechanism, PageError, real, sum } from "../../spec/page.ts";
import { type AnyMechanism, ids, load } from "../../src/index.ts";
import {
  acceptable,
  type Case,
  type Drawing,
  draw,
  NothingToDrawError,
  shrink,
  take,
  takeFrom,
} from "../../src/oracle/cases.ts";
import { random } from "../../src/oracle/random.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";

const catalogue = await Promise.all(ids.map(load));
const kinds = ["quarters", "normal", "wide"] as const;
const drawn = (mechanism: AnyMechanism, seed: number, count: number): Case[] => {
  const source = random(seed);
  return Array.from({ length: count }, (_, i) => draw(mechanism, source, { values: kinds[i % 3]! }));
};
/** Ids of the pages for which `fault` finds something, with what it found. */
const faults = (fault: (mechanism: AnyMechanism) => string | undefined): string[] =>
  catalogue.flatMap((mechanism) => {
    const found = fault(mechanism);
    return found === undefined ? [] : [`${mechanism.page.id}: ${found}`];
  });

const levels = mechanism({
  id: "test/levels",
  name: "Levels",
  paper: "2026",
  inputs: { features: "L of Yl C", w: "M (H D) = 0", which: "L = none" },
  outputs: { total: "L C" },
  options: { heads: integer(2, "heads", { min: 1, max: 3 }), kind: choice(["a", "b"], "kind"), cap: real(1, "cap") },
  axes: { H: (_, o) => o.heads },
  domain: { which: { integers: [0, (n) => n.L - 1], order: "distinct" } },
  run: ({ features }, { Yl }) => ({
    total: (l, c) => Array.from({ length: Yl[l]! }, (_, y) => features(l, y, c)).reduce((a, b) => a + b, 0),
  }),
});

describe("every page of the catalogue", () => {
  test("accepts what is drawn for it, whatever the kind of values", { timeout: 60_000 }, () => {
    expect(
      faults((mechanism) => {
        const refused = drawn(mechanism, 1, 20).filter((one) => !acceptable(mechanism, one)).length;
        return refused ? `${refused} of 20 refused` : undefined;
      }),
    ).toEqual([]);
  });
  test("gets the same cases from the same seed and others from another", { timeout: 60_000 }, () => {
    expect(
      faults((mechanism) => {
        const [first, again, other] = [1, 1, 2].map((seed) => JSON.stringify(drawn(mechanism, seed, 6)));
        return first !== again ? "differs" : first === other ? "another seed draws the same" : undefined;
      }),
    ).toEqual([]);
  });
  test("is shrunk to acceptable cases only, and following the simplest always ends", { timeout: 60_000 }, () => {
    expect(
      faults((mechanism) => {
        let at = draw(mechanism, random(5), { values: "normal", largest: 3 });
        let tried = 0;
        for (const simpler of shrink(mechanism, at)) {
          if (!acceptable(mechanism, simpler)) return "an unacceptable case";
          if (++tried === 30) break;
        }
        for (let steps = 0; steps < 500; steps++) {
          const next = shrink(mechanism, at).next();
          if (next.done) return undefined;
          at = next.value;
        }
        return "no end after 500 steps";
      }),
    ).toEqual([]);
  });
});

describe("draw", () => {
  const draws = (drawing: Drawing, count = 60) => {
    const source = random(3);
    return Array.from({ length: count }, () => draw(scaledDotProductAttention, source, drawing));
  };
  test("holds sizes, options and the presence of inputs still", () => {
    const cases = draws({
      fixed: { sizes: { Tq: 3, E: 7 }, options: { causal: true, scale: 0.125 }, given: { mask: true, bias: false } },
    });
    for (const { inputs, options } of cases) {
      expect([inputs.q, inputs.v].map((t) => [t].flat()[0]!.shape)).toEqual([
        [3, expect.any(Number)],
        [expect.any(Number), 7],
      ]);
      expect(options).toMatchObject({ causal: true, scale: 0.125 });
      expect(Object.keys(inputs)).toEqual(["q", "k", "v", "mask"]);
    }
    expect(new Set(cases.map(({ options }) => options.causalAlign)).size).toBeGreaterThan(1);
  });
  test("keeps axes up to the largest, and reaches it", () => {
    const lengths = draws({ largest: 8 }).flatMap(({ inputs }) =>
      Object.values(inputs).flatMap((t) => [t].flat()[0]!.shape),
    );
    expect(Math.max(...lengths)).toBe(8);
    expect(Math.min(...lengths.filter((n) => n > 0))).toBe(1);
  });
  test("draws multiples of a quarter in [−3, 3], standard normals, or normals of very different size", () => {
    const values = (kind: (typeof kinds)[number]) =>
      draws({ values: kind }).flatMap(({ inputs }) => Array.from([inputs.q!].flat()[0]!.data));
    const quarters = values("quarters");
    expect(quarters.every((v) => Number.isInteger(4 * v) && Math.abs(v) <= 3)).toBe(true);
    const normal = values("normal");
    const variance = normal.reduce((total, v) => total + v * v, 0) / normal.length;
    expect(variance).toBeGreaterThan(0.8);
    expect(variance).toBeLessThan(1.25);
    const wide = draws({ values: "wide" }).map(({ inputs }) =>
      Math.max(...Array.from([inputs.q!].flat()[0]!.data, Math.abs)),
    );
    expect(Math.max(...wide)).toBeGreaterThan(50);
    expect(Math.min(...wide)).toBeLessThan(0.01);
  });
  test("draws lists of tensors of different lengths, and integers in their order", () => {
    const source = random(1);
    const cases = Array.from({ length: 40 }, () => draw(levels, source));
    const lengths = cases.map(({ inputs }) =>
      (inputs.features as Case["inputs"][string][]).map((t) => [t].flat()[0]!.shape[0]),
    );
    expect(lengths.some((list) => new Set(list).size > 1)).toBe(true);
    for (const { inputs } of cases)
      if (inputs.which) {
        const which = Array.from([inputs.which].flat()[0]!.data);
        expect(new Set(which).size).toBe(which.length);
      }
  });
  test("says of a page whose rules nothing meets what the last case was refused for", () => {
    const never = mechanism({
      id: "test/never",
      name: "Never",
      paper: "2026",
      inputs: { x: "T" },
      outputs: { y: "T" },
      options: {},
      expects: { "x must hold 100": ({ x }) => x(0) === 100 },
      run: ({ x }) => ({ y: (t) => x(t) }),
    });
    expect(acceptable(never, { inputs: { x: tensorOf([100]) }, options: {} })).toBe(true);
    const sizes = mechanism({
      id: "test/sizes",
      name: "Sizes",
      paper: "2026",
      inputs: { x: "T" },
      outputs: { y: "T" },
      options: { heads: integer(1, "heads", { min: 1, max: 2 }) },
      requires: { "T must be at least 100": (n) => n.T >= 100 },
      run: ({ x }) => ({ y: (t) => x(t) }),
    });
    const advice = "Let the page list lengths that fit in `tried`";
    expect(() => draw(never, random(1))).toThrow(
      new NothingToDrawError(`test/never: no acceptable case in 3000 draws. ${advice}`),
    );
    expect(() => draw(sizes, random(1))).toThrow(
      new NothingToDrawError(`test/sizes: no acceptable case in 3000 draws. ${advice}`),
    );
    expect(() => draw(sizes, random(1), { fixed: { options: { heads: 3 } } })).toThrow(
      new NothingToDrawError(
        `test/sizes: no acceptable case in 3000 draws; the last was refused: test/sizes: option heads must be an integer ≥ 1 and ≤ 2, got 3. ${advice}`,
      ),
    );
  });
  test("passes on an error of the page that is no refusal", () => {
    const broken = mechanism({
      id: "test/broken",
      name: "Broken",
      paper: "2026",
      inputs: { x: "T" },
      outputs: { y: "T" },
      options: {},
      expects: { "x must be small": ({ x }, n) => x(n.T) < 1 },
      run: ({ x }) => ({ y: (t) => x(t) }),
    });
    expect(() => draw(broken, random(1))).toThrow(RangeError);
    expect(() => draw(broken, random(1))).not.toThrow(PageError);
  });
});

describe("take", () => {
  const w = tensorOf([
    [1, 2, 3, 4, 5, 6],
    [7, 8, 9, 10, 11, 12],
  ]);
  test("cuts and reorders plain axes", () => {
    const t = tensorOf([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(takeFrom("T D", t, { T: 2, D: 3 }, { D: [2, 0] })).toEqual(
      tensorOf([
        [3, 1],
        [6, 4],
      ]),
    );
    expect(takeFrom("T D", t, { T: 2, D: 3 }, { T: [1], D: [0, 0] })).toEqual(tensorOf([[4, 4]]));
    expect(takeFrom("T D", t, { T: 2, D: 3 }, { Q: [0] })).toEqual(t);
    expect(takeFrom("T D", t, { T: 2, D: 3 }, { T: [] }).shape).toEqual([0, 3]);
  });
  test("cuts one letter of a composed axis: M (H D) with H = 2, D = 3", () => {
    const sizes = { M: 2, H: 2, D: 3 };
    expect(takeFrom("M (H D)", w, sizes, { D: [0, 2] })).toEqual(
      tensorOf([
        [1, 3, 4, 6],
        [7, 9, 10, 12],
      ]),
    );
    expect(takeFrom("M (H D)", w, sizes, { H: [1] })).toEqual(
      tensorOf([
        [4, 5, 6],
        [10, 11, 12],
      ]),
    );
    expect(takeFrom("M (H D)", w, sizes, { H: [1, 0], D: [1], M: [0] })).toEqual(tensorOf([[5, 2]]));
  });
  test("cuts lists: the entries by the letter of the list, each tensor by its own lengths", () => {
    const list = [
      tensorOf([[1, 2]]),
      tensorOf([
        [3, 4],
        [5, 6],
      ]),
    ];
    const sizes = { L: 2, Yl: [1, 2], C: 2 };
    expect(takeFrom("L of Yl C", list, sizes, { L: [1] })).toEqual([list[1]]);
    expect(takeFrom("L of Yl C", list, sizes, { L: [1, 0], C: [1] })).toEqual([tensorOf([[4], [6]]), tensorOf([[2]])]);
  });
  test("cuts a letter in all inputs that have it, booleans and typed arrays included", () => {
    const inputs = {
      features: [tensorOf([[1, 2]]), tensorOf([[3, 4]]), tensorOf([[5, 6]])],
      w,
      which: { shape: [3], data: Float64Array.of(2, 0, 1) },
    };
    const cut = take(levels.page, inputs, { L: 3, Yl: [1, 1, 1], C: 2, M: 2, H: 2, D: 3 }, { L: [0, 2] });
    expect(cut).toEqual({ features: [inputs.features[0], inputs.features[2]], w, which: tensorOf([2, 1]) });
  });
});

describe("shrink", () => {
  const follow = (mechanism: AnyMechanism, from: Case, fails: (one: Case) => boolean): Case => {
    let at = from;
    for (let simpler: Case | undefined = at; simpler; ) {
      simpler = undefined;
      for (const candidate of shrink(mechanism, at))
        if (fails(candidate)) {
          at = simpler = candidate;
          break;
        }
    }
    return at;
  };
  test("ends at axes of one, no options, no optional inputs and zeros when everything fails", () => {
    const from = draw(levels, random(2), { values: "normal", fixed: { given: { w: true, which: true } } });
    const end = follow(levels, from, () => true);
    expect(end.options).toEqual({});
    expect(Object.keys(end.inputs)).toEqual(["features"]);
    expect(end.inputs.features).toEqual([tensorOf([[0]])]);
  });
  test("keeps what the failure needs: three keys and one value beyond 1", () => {
    const from = draw(scaledDotProductAttention, random(4), { values: "normal", fixed: { sizes: { Tk: 5, E: 4 } } });
    const end = follow(scaledDotProductAttention, from, ({ inputs }) => {
      const v = [inputs.v!].flat()[0]!;
      return v.shape[0]! >= 3 && Array.from(v.data).some((x) => Math.abs(x) > 1);
    });
    expect(end).toEqual({
      options: {},
      inputs: {
        q: tensorOf([[0]]),
        k: tensorOf([[0], [0], [0]]),
        v: expect.objectContaining({ shape: [3, 1] }),
      },
    });
    const values = Array.from([end.inputs.v!].flat()[0]!.data).filter((x) => x !== 0);
    expect(values).toHaveLength(1);
    expect(Number.isInteger(4 * values[0]!)).toBe(true);
  });
  test("never offers the case itself: an axis that only omitted inputs have is not cut", () => {
    const square = mechanism({
      id: "test/square",
      name: "Square",
      paper: "2026",
      inputs: { x: "T M", w: "M Mo = identity" },
      outputs: { y: "T Mo" },
      options: {},
      requires: { "M must be 3": (n) => n.M === 3 },
      run: ({ x, w }, { M }) => ({ y: (t, o) => sum(M, (m) => x(t, m) * w(m, o)) }),
    });
    const least = { inputs: { x: tensorOf([[0, 0, 0]]) }, options: {} };
    expect([...shrink(square, least)]).toEqual([]);
  });
  test("keeps to what is held still", () => {
    const fixed = { sizes: { Tk: 3 }, options: { causal: true }, given: { mask: true } };
    const from = draw(scaledDotProductAttention, random(4), { fixed });
    let count = 0;
    for (const { inputs, options } of shrink(scaledDotProductAttention, from, fixed)) {
      count++;
      expect([inputs.k!].flat()[0]!.shape[0]).toBe(3);
      expect(options.causal).toBe(true);
      expect(inputs.mask).toBeDefined();
    }
    expect(count).toBeGreaterThan(3);
  });
  test("moves integers that would point beyond a shorter axis to its last place", () => {
    const pointing = mechanism({
      id: "test/pointing",
      name: "Pointing",
      paper: "2026",
      inputs: { x: "T", to: "K" },
      outputs: { y: "K" },
      options: {},
      domain: { to: { integers: [0, (n) => n.T - 1] } },
      run: ({ x, to }) => ({ y: (k) => x(to(k)) }),
    });
    const first = shrink(pointing, { inputs: { x: tensorOf([1, 2, 3]), to: tensorOf([0, 2]) }, options: {} }).next();
    expect(first.value).toEqual({ inputs: { x: tensorOf([1]), to: tensorOf([0, 0]) }, options: {} });
  });
});
