/** Directional derivatives: against closed forms, and linear in the direction on every page. */
import { describe, expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import { type AnyPage, bind, extentOf, mechanism, type Tensor } from "../../spec/page.ts";
import { ids, load } from "../../src/index.ts";
import { type Case, draw } from "../../src/oracle/cases.ts";
import { scaleOf } from "../../src/oracle/compare.ts";
import { type Gradient, gradient } from "../../src/oracle/gradient.ts";
import { type Random, random } from "../../src/oracle/random.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";

const catalogue = await Promise.all(ids.map(load));

const pointwise = (f: (x: number) => number) =>
  mechanism({
    id: "test/pointwise",
    name: "Pointwise",
    paper: "2026",
    inputs: { x: "T", w: "T = 1" },
    outputs: { y: "T" },
    options: {},
    domain: { w: { within: [0, 1] } },
    run: ({ x, w }) => ({ y: (t) => w(t) * f(x(t)) }),
  });
const along = (f: (x: number) => number, x: number) =>
  gradient(pointwise(f), { x: tensorOf([x]) }, {}, { x: tensorOf([1]) });

describe("closed forms", () => {
  const functions: [string, (x: number) => number, (x: number) => number][] = [
    ["a line", (x) => 3 * x - 1, () => 3],
    ["a cube", (x) => 1 + x ** 3, (x) => 3 * x * x],
    ["exp", Math.exp, Math.exp],
    ["tanh", Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
    ["a sigmoid", (x) => 1 / (1 + Math.exp(-x)), (x) => 1 / (2 + Math.exp(x) + Math.exp(-x))],
    ["a fast sine", (x) => Math.sin(20 * x), (x) => 20 * Math.cos(20 * x)],
  ];
  for (const [name, f, slope] of functions)
    test(`${name} to 1e-9`, () => {
      for (const x of [-1.3, -0.2, 0, 0.7, 2]) {
        const { outputs, smooth, error } = along(f, x);
        expect(smooth).toBe(true);
        expect(error.y).toBeLessThan(1e-8);
        const scale = Math.max(Math.abs(slope(x)), Math.abs(f(x)));
        expect(Math.abs(outputs.y!.data[0]! - slope(x))).toBeLessThan(1e-9 * scale);
      }
    });

  const source = random(1);
  const cases = Array.from({ length: 6 }, () =>
    draw(scaledDotProductAttention, source, {
      values: "normal",
      fixed: { options: { causal: false, scale: 0.5 }, sizes: { Tk: 4 }, given: { mask: false, bias: false } },
    }),
  ).map(({ inputs, options }) => {
    const [q, k, v] = [inputs.q, inputs.k, inputs.v] as [Tensor, Tensor, Tensor];
    const [Tq, D] = q.shape as [number, number];
    const [Tk, E] = v.shape as [number, number];
    const scores = Array.from({ length: Tq }, (_, t) =>
      Array.from({ length: Tk }, (_, s) => {
        let dot = 0;
        for (let d = 0; d < D; d++) dot += q.data[t * D + d]! * k.data[s * D + d]!;
        return dot / 2;
      }),
    );
    const weights = scores.map((row) => {
      const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
      return row.map((x) => Math.exp(x) / total);
    });
    const like = (t: Tensor): Tensor => ({ shape: t.shape, data: Float64Array.from(t.data, () => source.normal()) });
    return { inputs, options, q, k, v, Tq, Tk, D, E, weights, dq: like(q), dv: like(v) };
  });
  const close = (actual: Tensor, wanted: readonly number[], scale: number) => {
    expect(actual.data.length).toBe(wanted.length);
    for (const [i, w] of wanted.entries())
      expect(Math.abs(actual.data[i]! - w)).toBeLessThan(1e-9 * Math.max(scale, scaleOf(actual)));
  };

  test("softmax attention along v is attention of the direction", () => {
    for (const { inputs, options, v, dv, Tq, E, weights } of cases) {
      const { outputs, smooth } = gradient(scaledDotProductAttention, inputs, options, { v: dv });
      expect(smooth).toBe(true);
      const wanted = Array.from({ length: Tq * E }, (_, i) =>
        weights[Math.floor(i / E)]!.reduce((sum, p, s) => sum + p * dv.data[s * E + (i % E)]!, 0),
      );
      close(outputs.out!, wanted, scaleOf(v));
      expect(scaleOf(outputs.lse!)).toBe(0);
    }
  });
  test("along q it is Σ p (ds − Σ p ds) v, and that of logSumExp is Σ p ds", () => {
    for (const { inputs, options, k, v, dq, Tq, Tk, D, E, weights } of cases) {
      const { outputs, smooth } = gradient(scaledDotProductAttention, inputs, options, { q: dq });
      expect(smooth).toBe(true);
      const dScores = Array.from({ length: Tq }, (_, t) =>
        Array.from({ length: Tk }, (_, s) => {
          let dot = 0;
          for (let d = 0; d < D; d++) dot += dq.data[t * D + d]! * k.data[s * D + d]!;
          return dot / 2;
        }),
      );
      const means = weights.map((row, t) => row.reduce((sum, p, s) => sum + p * dScores[t]![s]!, 0));
      const wanted = Array.from({ length: Tq * E }, (_, i) => {
        const t = Math.floor(i / E);
        return weights[t]!.reduce((sum, p, s) => sum + p * (dScores[t]![s]! - means[t]!) * v.data[s * E + (i % E)]!, 0);
      });
      close(outputs.out!, wanted, scaleOf(v));
      close(outputs.lse!, means, 1);
    }
  });
  test("a query that sees no key has lse −∞ and derivative zero, and is smooth", () => {
    const inputs = { q: tensorOf([[1]]), k: tensorOf([[1]]), v: tensorOf([[1]]), mask: tensorOf([[0]]) };
    const { outputs, smooth } = gradient(scaledDotProductAttention, inputs, {}, { q: tensorOf([[1]]) });
    expect(smooth).toBe(true);
    expect([outputs.out!.data[0], outputs.lse!.data[0]]).toEqual([0, 0]);
  });
});

describe("where there is no derivative", () => {
  test("a kink, a jump and a pole are reported", () => {
    expect(along((x) => Math.max(0, x), 0).smooth).toBe(false);
    expect(along(Math.abs, 0).smooth).toBe(false);
    expect(along((x) => (x > 0 ? 1 : 0), 0).smooth).toBe(false);
    expect(along((x) => (x === 0 ? 0 : 1 / x), 0).smooth).toBe(false);
  });
  test("beside a kink, out of reach of the smallest first step, it is smooth and right", () => {
    const beside = along((x) => Math.max(0, x), 0.001);
    expect([beside.smooth, beside.outputs.y!.data[0]]).toEqual([true, expect.closeTo(1, 9)]);
  });
});

describe("inputs with enforced bounds", () => {
  const square = pointwise((x) => x * x);
  const slope = (w: number) => gradient(square, { x: tensorOf([3]), w: tensorOf([w]) }, {}, { w: tensorOf([1]) });
  test("are moved within them only", () => {
    const { outputs, smooth } = slope(0.999);
    expect(smooth).toBe(true);
    expect(outputs.y!.data[0]).toBeCloseTo(9, 8);
  });
  test("have no derivative on them", () => expect(slope(1).smooth).toBe(false));
  test("may stay on them while others move", () => {
    const at = { x: tensorOf([3]), w: tensorOf([1]) };
    const { outputs, smooth } = gradient(square, at, {}, { x: tensorOf([1]), w: tensorOf([0]) });
    expect([smooth, outputs.y!.data[0]]).toEqual([true, expect.closeTo(6, 8)]);
  });
});

test("a direction of zeros, and none at all, give zeros", () => {
  const drawn = draw(scaledDotProductAttention, random(1), { values: "normal" });
  const { shape, data } = drawn.inputs.q as Tensor;
  const still = { q: { shape, data: new Float64Array(data.length) } };
  for (const direction of [still, {}]) {
    const { outputs, error, smooth } = gradient(scaledDotProductAttention, drawn.inputs, drawn.options, direction);
    expect(smooth).toBe(true);
    expect(Object.keys(outputs)).toEqual(["out", "lse"]);
    for (const t of Object.values(outputs)) expect(scaleOf(t)).toBe(0);
    expect(Object.values(error)).toEqual([0, 0]);
  }
});

describe("every page of the catalogue", () => {
  /** A random direction over the real inputs whose values have no domain. */
  function direction(page: AnyPage, { inputs, options }: Case, source: Random): Record<string, Tensor | Tensor[]> {
    const { sizes, options: all } = bind(page, inputs, options);
    const one = (t: Tensor): Tensor => ({ shape: t.shape, data: Float64Array.from(t.data, () => source.normal()) });
    return Object.fromEntries(
      Object.entries(inputs)
        .filter(([name]) => {
          const { kind, low, high } = extentOf(page.domain?.[name], sizes, all);
          return kind === "real" && low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY;
        })
        .map(([name, value]) => [name, Array.isArray(value) ? value.map(one) : one(value as Tensor)]),
    );
  }
  const sum = (a: Tensor, b: Tensor): Tensor => ({
    shape: a.shape,
    data: Float64Array.from(a.data, (v, i) => v + b.data[i]!),
  });

  test("D(a + b) = D(a) + D(b) wherever all three are smooth, and nearly all are", { timeout: 120_000 }, () => {
    const faults: string[] = [];
    const rough: string[] = [];
    for (const { page } of catalogue) {
      const source = random(9);
      const drawn = draw(page, source, { values: "normal", largest: 3 });
      const [a, b] = [direction(page, drawn, source), direction(page, drawn, source)];
      const both = Object.fromEntries(
        Object.entries(a).map(([name, value]) => {
          const other = b[name]!;
          return [
            name,
            Array.isArray(value) ? value.map((t, l) => sum(t, (other as Tensor[])[l]!)) : sum(value, other as Tensor),
          ];
        }),
      );
      const [da, db, dab] = [a, b, both].map((d) => gradient(page, drawn.inputs, drawn.options, d)) as [
        Gradient,
        Gradient,
        Gradient,
      ];
      if (!da.smooth || !db.smooth || !dab.smooth) {
        rough.push(page.id);
        continue;
      }
      for (const [name, t] of Object.entries(dab.outputs)) {
        const [left, right] = [da.outputs[name]!, db.outputs[name]!];
        const scale = Math.max(1, scaleOf(left), scaleOf(right), scaleOf(t));
        const far = Math.max(0, ...Array.from(t.data, (v, i) => Math.abs(v - left.data[i]! - right.data[i]!)));
        if (!(far <= 1e-8 * scale)) faults.push(`${page.id}: ${name} is off by ${far}`);
      }
    }
    expect(faults).toEqual([]);
    expect(rough.length / catalogue.length, `not smooth: ${rough.join(", ")}`).toBeLessThanOrEqual(0.15);
  });
});
