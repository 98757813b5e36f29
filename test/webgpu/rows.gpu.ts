import { describe, expect, test } from "vitest";
import { conforms, type Kernel, random } from "../../src/oracle.ts";
import type { Floats, Halves, NormOptions } from "../../src/wasm.ts";
import { argmax, topK } from "../../src/webgpu/rows/top.ts";
import type { Gpu } from "../../src/webgpu.ts";
import { bounds, floats, ulp } from "../wasm/bounds.ts";
import { rows } from "../wasm/row-page.ts";
import { devices } from "./gpus.ts";

const source = random(17);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});

const kernelOf =
  (gpu: Gpu): Kernel<typeof rows> =>
  async ({ x, residual, weight, bias }, { epsilon, offset }) => {
    const floats = (t: { shape: readonly number[]; data: unknown }) => t as Floats;
    const all = { weight: floats(weight), bias: floats(bias), epsilon, offset } satisfies NormOptions;
    const sum = gpu.blank(x.shape);
    const found = {
      shares: gpu.softmax(floats(x)),
      lse: gpu.logSumExp(floats(x)),
      rms: gpu.norm(floats(x), "rms", all),
      layer: gpu.norm(floats(x), "layer", all),
      length: gpu.norm(floats(x), "l2", { epsilon }),
      later: gpu.norm(floats(x), "rms", { epsilon, residual: floats(residual), sum }),
      added: sum,
    };
    const read = await Promise.all(Object.entries(found).map(async ([name, t]) => [name, await t.read()] as const));
    for (const t of Object.values(found)) t.free();
    return Object.fromEntries(read) as never;
  };

const [infinity, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
/** What WGSL lets a quotient be off by, in units in the last place. */
const quotient = 2.5;

describe.each(devices)("$name", ({ gpu }) => {
  const data = async (t: { read(): Promise<{ data: Iterable<number> }> }) => [...(await t.read()).data];
  test.each([
    ["small rows", { cases: 40 }],
    ["rows that half a workgroup shares", { cases: 2, fixed: { sizes: { T: 11, D: 131 } } }],
    ["rows that a workgroup shares", { cases: 2, fixed: { sizes: { T: 2, D: 2051 } } }],
  ])("softmax, log-sum-exp and norms of %s", async (_, options) => {
    const verdict = await conforms(rows, kernelOf(gpu), options);
    expect(verdict.conforms, String(verdict)).toBe(true);
  });
  const row = (...x: number[]): Floats => ({ shape: [1, x.length], data: Float32Array.from(x) });
  test("softmax: rows of −∞ alone, some −∞, far apart, NaN", async () => {
    const hidden = { shape: [2, 5], data: new Float32Array(10).fill(-infinity) };
    expect([...new Set(await data(gpu.softmax(hidden)))]).toEqual([0]);
    expect(await data(gpu.logSumExp(hidden))).toEqual([-infinity, -infinity]);
    expect(await data(gpu.softmax(row(3e38, -3e38, 3e38, -infinity, -1)))).toEqual([0.5, 0, 0.5, 0, 0]);
    expect(await data(gpu.softmax(row(1, nan, 2)))).toEqual([nan, nan, nan]);
    expect(await data(gpu.logSumExp(row(1, nan)))).toEqual([nan]);
    expect(await data(gpu.logSumExp(row(1, infinity)))).toEqual([infinity]);
  });
  test("norms of huge and of equal rows", async () => {
    expect(await data(gpu.norm(row(3e38, -3e38, 3e38), "rms"))).toEqual([1, -1, 1]);
    expect(await data(gpu.norm(row(0, 0, 0), "l2"))).toEqual([0, 0, 0]);
    expect(await data(gpu.norm(row(5, 5, 5, 5), "layer"))).toEqual([0, 0, 0, 0]);
  });
  test("top-k: widths and counts against a sort; ties to the earlier, NaN above all", async () => {
    for (const width of [1, 2, 5, 33, 257, 3000])
      for (const count of new Set([1, 2, width >> 1, width].filter((k) => k >= 1 && k <= Math.min(width, 1024)))) {
        const x = { shape: [3, width], data: drawn(3, width).data.map((v) => Math.round(v * 4) / 4) };
        if (width > 4) x.data.set([nan, infinity, -infinity, -0, nan], width);
        const top = topK(gpu.device, x, count);
        const [values, indices, best] = [
          await data(top.values),
          await data(top.indices),
          await data(argmax(gpu.device, x)),
        ];
        for (let r = 0; r < 3; r++) {
          const of = x.data.subarray(r * width, (r + 1) * width);
          const by = (i: number) => (Number.isNaN(of[i]) ? infinity : of[i]!);
          const isNan = (i: number) => Number(Number.isNaN(of[i]));
          const sorted = [...of.keys()].sort(
            (i, j) => isNan(j) - isNan(i) || (by(i) === by(j) ? i - j : by(j) - by(i)),
          );
          expect(indices.slice(r * count, (r + 1) * count)).toEqual(sorted.slice(0, count));
          expect(values.slice(r * count, (r + 1) * count)).toEqual(sorted.slice(0, count).map((i) => of[i]));
          expect(best[r]).toBe(sorted[0]);
        }
      }
    expect(() => gpu.topK(drawn(1, 2000), 1025)).toThrow("topK: count is 1025; on a GPU at most 1024");
  });
  test.each(bounds)("%s", async (f, exact, bound, ...ranges) => {
    for (const [from, to] of ranges) {
      const x = floats(from, to, 100_003);
      const { data: found } = await gpu.map({ shape: [x.length], data: x }, f).read();
      const far = found.reduce((most, y, i) => {
        const expected = exact(x[i]!);
        const allowed = (typeof bound === "number" ? bound : bound(x[i]!)) + quotient;
        // Numbers that would be denormal may be 0, also on the way.
        const denormal = Math.min(Math.abs(x[i]!), Math.abs(expected) / Math.max(1, Math.abs(x[i]!))) < 2 ** -125;
        return denormal && y === 0 ? most : Math.max(most, Math.abs(y - expected) / ulp(expected) / allowed);
      }, 0);
      expect(far, `from ${from} to ${to}, in bounds`).toBeLessThan(1);
    }
  });
  test("functions at their borders, and products with them", async () => {
    const x = row(0, 1, -infinity, infinity, nan);
    expect(await data(gpu.map(x, "exp"))).toEqual([1, Math.fround(Math.E), 0, infinity, nan]);
    expect(await data(gpu.map(x, "log"))).toEqual([-infinity, 0, nan, infinity, nan]);
    expect(await data(gpu.map(x, "sigmoid"))).toEqual([0.5, Math.fround(1 / (1 + Math.exp(-1))), 0, 1, nan]);
    expect(await data(gpu.map(x, "relu"))).toEqual([0, 1, 0, infinity, nan]);
    expect(await data(gpu.gated(row(-1, 2, 3), row(5, 6, 7), "relu"))).toEqual([0, 12, 21]);
    expect(await data(gpu.add(row(1, 2, 3), row(4, 5, 6)))).toEqual([5, 7, 9]);
  });
  test("rows of a table, here and there, in every format", async () => {
    for (const width of [7, 8]) {
      const table = drawn(11, width);
      const indices = { shape: [2, 2], data: Int32Array.of(0, 10, 3, 3) };
      const of = (values: ArrayLike<number>) =>
        [...indices.data].flatMap((i) => Array.from({ length: width }, (_, d) => values[i * width + d]!));
      expect(await data(gpu.gather(table, indices))).toEqual(of(table.data));
      const upper = new Uint16Array(table.data.buffer).filter((_, i) => i % 2 === 1);
      const short = new Float32Array(Uint32Array.from(upper, (bits) => bits << 16).buffer);
      const halves: Halves = { shape: table.shape, format: "bfloat16", data: upper };
      expect(await data(gpu.gather(halves, indices))).toEqual(of(short));
      const ones = { shape: table.shape, format: "float16", data: new Uint16Array(11 * width).fill(0xbc00) } as const;
      expect(new Set(await data(gpu.gather(ones, indices)))).toEqual(new Set([-1]));
      const there = gpu.upload({ shape: [2], data: Int32Array.of(-1, 2) }, "int32");
      expect(await data(gpu.gather(table, there))).toEqual([
        ...Array(width).fill(0),
        ...table.data.subarray(2 * width, 3 * width),
      ]);
    }
    expect(() => gpu.gather(drawn(3, 2), { shape: [1], data: Int32Array.of(3) })).toThrow(
      "gather: indices holds 3, but the table has rows 0 to 2",
    );
  });
  test("a result may not go where an input stands", () => {
    const x = gpu.upload(drawn(2, 3));
    expect(() => gpu.softmax(x, { into: x })).toThrow("softmax: into is x; give a tensor of its own");
    expect(() => gpu.norm(drawn(2, 3), "rms", { sum: x })).toThrow("norm: sum is x + residual: give a residual");
  });
});
