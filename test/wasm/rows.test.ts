import { describe, expect, test } from "vitest";
import { conforms, type Kernel, random } from "../../src/oracle.ts";
import type { Floats, Kernels, NormOptions } from "../../src/wasm.ts";
import { rows } from "./row-page.ts";
import { plain, targets } from "./targets.ts";

const source = random(17);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});

const kernelOf =
  (kernels: Kernels): Kernel<typeof rows> =>
  ({ x, residual, weight, bias }, { epsilon, offset }) => {
    const floats = (t: { shape: readonly number[]; data: unknown }) => t as Floats;
    const all: NormOptions = { weight: floats(weight), bias: floats(bias), epsilon, offset };
    const region = kernels.region();
    const sum = region.tensor(x.shape);
    const later = kernels.norm(floats(x), "rms", { epsilon, residual: floats(residual), sum });
    const added = { shape: x.shape, data: sum.data.slice() };
    region.release();
    return {
      shares: kernels.softmax(floats(x)),
      lse: kernels.logSumExp(floats(x)),
      rms: kernels.norm(floats(x), "rms", all),
      layer: kernels.norm(floats(x), "layer", all),
      length: kernels.norm(floats(x), "l2", { epsilon }),
      added,
      later,
    };
  };

const [infinity, nan] = [Number.POSITIVE_INFINITY, Number.NaN];

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    const judge = async (options: Parameters<typeof conforms<typeof rows>>[2]) => {
      const verdict = await conforms(rows, kernelOf(kernels), options);
      expect(verdict.conforms, String(verdict)).toBe(true);
      return `largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`;
    };
    test("softmax, log-sum-exp and norms of small rows", { timeout: 60_000 }, async ({ annotate }) => {
      await annotate(await judge({ cases: 100 }));
    });
    test("rows that cross the stretch of 1024 floats", { timeout: 60_000 }, async ({ annotate }) => {
      await annotate(await judge({ cases: 3, fixed: { sizes: { T: 2, D: 2051 } } }));
    });
    const row = (...x: number[]): Floats => ({ shape: [1, x.length], data: Float32Array.from(x) });
    test("softmax: rows of −∞ alone, some −∞, far apart, NaN", () => {
      for (let width = 1; width < 10; width++) {
        const hidden = { shape: [2, width], data: new Float32Array(2 * width).fill(-infinity) };
        expect([...new Set(kernels.softmax(hidden).data)]).toEqual([0]);
        expect([...kernels.logSumExp(hidden).data]).toEqual([-infinity, -infinity]);
        hidden.data[width - 1] = -3e38;
        expect([...kernels.softmax(hidden).data.subarray(0, width)]).toEqual([...Array(width - 1).fill(0), 1]);
        expect(kernels.logSumExp(hidden).data[0]).toBe(Math.fround(-3e38));
      }
      expect([...kernels.softmax(row(3e38, -3e38, 3e38, -infinity, -1)).data]).toEqual([0.5, 0, 0.5, 0, 0]);
      expect([...kernels.softmax(row(1, nan, 2, 3, 4)).data]).toEqual(Array(5).fill(nan));
      expect(kernels.logSumExp(row(1, 2, 3, 4, nan)).data[0]).toBeNaN();
      expect(kernels.logSumExp(row(1, infinity)).data[0]).toBe(infinity);
    });
    test("a row of a million equal values loses nothing", () => {
      const flat = { shape: [1, 1_000_003], data: new Float32Array(1_000_003).fill(7.25) };
      expect(kernels.logSumExp(flat).data[0]).toBe(Math.fround(7.25 + Math.log(1_000_003)));
    });
    test("norms of huge, tiny and far rows", () => {
      expect([...kernels.norm(row(3e38, -3e38, 3e38), "rms").data]).toEqual([1, -1, 1]);
      expect([...kernels.norm(row(1e-38, -1e-38), "rms", { epsilon: 0 }).data]).toEqual([1, -1]);
      expect([...kernels.norm(row(1e8, 1e8 + 8, 1e8, 1e8 + 8), "layer", { epsilon: 0 }).data]).toEqual([-1, 1, -1, 1]);
      expect([...kernels.norm(row(0, 0, 0), "l2").data]).toEqual([0, 0, 0]);
      expect([...kernels.norm(row(5, 5, 5, 5, 5), "layer").data]).toEqual([0, 0, 0, 0, 0]);
    });
    test("top-k: every width and count against a sort; ties to the earlier, NaN above all", () => {
      for (const width of [1, 2, 3, 4, 5, 8, 31, 32, 33, 257])
        for (const count of new Set([1, 2, 3, width >> 1, width - 1, width].filter((k) => k >= 1 && k <= width))) {
          const x = { shape: [3, width], data: drawn(3, width).data.map((v) => Math.round(v * 4) / 4) };
          if (width > 4) x.data.set([nan, infinity, -infinity, -0, nan], width);
          const { values, indices } = kernels.topK(x, count);
          for (let r = 0; r < 3; r++) {
            const of = x.data.subarray(r * width, (r + 1) * width);
            const by = (i: number) => (Number.isNaN(of[i]) ? infinity : of[i]!);
            const isNan = (i: number) => Number(Number.isNaN(of[i]));
            const sorted = [...of.keys()].sort(
              (i, j) => isNan(j) - isNan(i) || (by(i) === by(j) ? i - j : by(j) - by(i)),
            );
            expect([...indices.data.subarray(r * count, (r + 1) * count)]).toEqual(sorted.slice(0, count));
            expect([...values.data.subarray(r * count, (r + 1) * count)]).toEqual(
              sorted.slice(0, count).map((i) => of[i]),
            );
            expect(kernels.argmax(x).data[r]).toBe(sorted[0]);
          }
        }
      expect([...kernels.argmax(row(-infinity, -infinity)).data]).toEqual([0]);
      expect([...kernels.topK(row(-0, 0, 1, 0), 4).indices.data]).toEqual([2, 0, 1, 3]);
    });
    test("sums may take an input's place, and a residual stream is brought on", () => {
      const [x, y] = [drawn(3, 7), drawn(3, 7)];
      const exact = Float32Array.from(x.data, (v, i) => v + y.data[i]!);
      expect(kernels.add(x, y)).toEqual({ shape: [3, 7], data: exact });
      const region = kernels.region();
      const [stream, update] = [region.tensorOf(x), region.tensorOf(y)];
      const normed = kernels.norm(update, "rms", { residual: stream, sum: stream, into: update });
      expect(stream.data).toEqual(exact);
      expect([...normed.data]).toEqual([...kernels.norm({ shape: [3, 7], data: exact }, "rms").data]);
      expect(kernels.softmax(stream, { into: stream }).data).toEqual(
        kernels.softmax({ shape: [3, 7], data: exact }).data,
      );
      region.release();
    });
    test("gather: float32, halves of every kind, bfloat16", () => {
      const t = drawn(5, 7);
      const indices = { shape: [2, 2], data: Int32Array.of(4, 0, 0, 2) };
      const rowsOf = (data: ArrayLike<number>) =>
        [4, 0, 0, 2].flatMap((r) => Array.from({ length: 7 }, (_, d) => data[r * 7 + d]!));
      expect(kernels.gather(t, indices).shape).toEqual([2, 2, 7]);
      expect([...kernels.gather(t, indices).data]).toEqual(rowsOf(t.data));
      // All 65536 halves, so all exponents, denormals, infinities and NaN.
      const data = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const one = { shape: [1], data: Int32Array.of(0) };
      const half = (bits: number) => {
        const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
        const size =
          exponent === 31
            ? fraction
              ? nan
              : infinity
            : exponent
              ? (1 + fraction / 1024) * 2 ** (exponent - 15)
              : fraction * 2 ** -24;
        return bits & 0x8000 ? -size : size;
      };
      expect(kernels.gather({ format: "float16", shape: [1, 65536], data }, one).data).toEqual(
        Float32Array.from(data, half),
      );
      const upper = new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
      expect(kernels.gather({ format: "bfloat16", shape: [1, 65536], data }, one).data).toEqual(upper);
      const odd = { format: "bfloat16", shape: [5, 7], data: Uint16Array.from(t.data, (_, i) => 16000 + i) } as const;
      expect([...kernels.gather(odd, indices).data]).toEqual(rowsOf(upper.subarray(16000, 16035)));
    });
  });

test("what does not fit is refused by name, and leaves no memory taken", () => {
  const before = plain.arena.used;
  const [x, short] = [drawn(2, 3), drawn(2)];
  expect(() => plain.softmax(drawn(2, 0))).toThrow("softmax: x has shape [2, 0], expected [..., D] with D at least 1");
  expect(() => plain.norm(x, "batch" as "rms")).toThrow("norm: kind must be rms or layer or l2, got batch");
  expect(() => plain.norm(x, "rms", { weight: short })).toThrow("norm: weight has shape [2], expected [3]");
  expect(() => plain.norm(x, "rms", { epsilon: -1 })).toThrow(
    "norm: epsilon must be a finite number from 0 on, got -1",
  );
  expect(() => plain.norm(x, "rms", { offset: 1 })).toThrow("norm: offset is added to the weight");
  expect(() => plain.topK(x, 4)).toThrow("topK: count must be a whole number from 1 to the row's length 3, got 4");
  expect(() => plain.gather(x, { shape: [1], data: Int32Array.of(2) })).toThrow(
    "gather: indices holds 2, but the table has rows 0 to 1",
  );
  const region = plain.region();
  const [weight, stream] = [region.tensorOf(drawn(3)), region.tensorOf(drawn(1, 3))];
  expect(() => plain.norm(stream, "rms", { sum: stream })).toThrow("norm: sum is x + residual");
  expect(() => plain.norm(drawn(1, 3), "rms", { residual: stream, sum: stream, into: stream })).toThrow(
    "norm: into overlaps sum in memory",
  );
  expect(() => plain.norm(drawn(3), "rms", { weight, into: weight })).toThrow("norm: into overlaps weight in memory");
  region.release();
  expect(plain.arena.used).toBe(before);
});
