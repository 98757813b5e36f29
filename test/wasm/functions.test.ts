/** The bounds of the elementwise functions, in units in the last place, over their whole range. */
import { describe, expect, test } from "vitest";
import type { Elementwise, Floats } from "../../src/wasm.ts";
import { bounds, floats, ulp } from "./bounds.ts";
import { plain, targets } from "./targets.ts";

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    const apply = (f: Elementwise, ...x: readonly number[]) => [
      ...kernels.map({ shape: [x.length], data: Float32Array.from(x) }, f).data,
    ];
    test.each(bounds)("%s", async (f, exact, bound, ...ranges) => {
      for (const [from, to] of ranges) {
        const x = floats(from, to, 10_007);
        const far = kernels.map({ shape: [x.length], data: x }, f).data.reduce((most, y, i) => {
          const expected = exact(x[i]!);
          const allowed = typeof bound === "number" ? bound : bound(x[i]!);
          const error = Math.abs(y - expected) / ulp(expected) / allowed;
          return Math.max(most, error);
        }, 0);
        expect(far, `from ${from} to ${to}, in bounds`).toBeLessThan(1);
      }
    });
    const [infinity, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    test("zeros, borders and NaN", () => {
      expect(apply("weight", 0, -0, -69.31, -1000, -3e38, -infinity, nan)).toEqual([1, 1, 0, 0, 0, 0, nan]);
      expect(apply("weight2", 0, -0, -100.1, -1000, -3e38, -infinity, nan)).toEqual([1, 1, 0, 0, 0, 0, nan]);
      expect(apply("exp", 0, -0, -87.4, -infinity, 88.73, infinity, nan)).toEqual([
        1,
        1,
        0,
        0,
        infinity,
        infinity,
        nan,
      ]);
      expect(apply("log", 0, -0, 1, -1e-40, -infinity, infinity, nan)).toEqual([
        ...[-infinity, -infinity, 0, nan, nan, infinity, nan],
      ]);
      expect(apply("tanh", 0, -0, infinity, -infinity, nan)).toEqual([0, -0, 1, -1, nan]);
      expect(apply("sigmoid", 0, infinity, -infinity, -1000, nan)).toEqual([0.5, 1, 0, 0, nan]);
      expect(apply("softplus", 200, infinity, -infinity, -1000, nan)).toEqual([200, infinity, 0, 0, nan]);
      expect(apply("normal", 0, infinity, -infinity, -14, nan)).toEqual([0.5, 1, 0, 0, nan]);
      for (const f of ["silu", "gelu", "gelu-tanh"] as const)
        expect(apply(f, 0, 300, infinity, -infinity, -300, nan)).toEqual([0, 300, infinity, -0, -0, nan]);
      expect(apply("relu", -1, infinity, -infinity, nan)).toEqual([0, infinity, 0, nan]);
    });
    test("silu keeps its digits where the sigmoid is too small to be a number", () => {
      for (const x of [-87.5, -90, -91.5]) expect(apply("silu", x)[0]! / (x * Math.exp(x))).toBeCloseTo(1, 5);
    });
    test("a gated product is the function of one times the other", () => {
      const [a, b] = [floats(-0.01, -20, 100_003), floats(0.5, 9, 40_001)];
      const count = Math.min(a.length, b.length) | 1;
      const [x, y] = [a, b].map((data): Floats => ({ shape: [1, count - 2], data: data.slice(0, count - 2) }));
      const of = kernels.map(x!, "silu").data.map((value, i) => value * y!.data[i]!);
      expect(kernels.gated(x!, y!, "silu")).toEqual({ shape: x!.shape, data: of });
    });
    test("a result may take an input's place", () => {
      const region = kernels.region();
      const [a, b] = [
        region.tensorOf({ shape: [3], data: [1, -2, 3] }),
        region.tensorOf({ shape: [3], data: [4, 5, 6] }),
      ];
      expect([...kernels.gated(a, b, "relu", { into: b }).data]).toEqual([4, 0, 18]);
      expect([...kernels.map(a, "relu", { into: a }).data]).toEqual([1, 0, 3]);
      region.release();
    });
  });

test("what does not fit is refused by name", () => {
  const x = { shape: [2], data: Float32Array.of(1, 2) };
  expect(() => plain.map(x, "sine" as "exp")).toThrow("map: f must be exp or log or tanh or");
  expect(() => plain.gated(x, { shape: [1], data: Float32Array.of(1) }, "silu")).toThrow(
    "gated: b has shape [1], expected [2]",
  );
  const region = plain.region();
  const long = region.tensor([4]);
  expect(() => plain.map(x, "exp", { into: long })).toThrow("map: into has shape [4], expected [2]");
  region.release();
});
