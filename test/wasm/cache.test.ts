import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import type { CacheOptions, Floats, RowType } from "../../src/wasm.ts";
import { slice } from "./cached.ts";
import { plain, targets } from "./targets.ts";

const source = random(13);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});
const layout = "tokens-first";
const types: readonly RowType[] = ["float32", "float16", "int8"];

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    test.each(types)("%s: a window over a ring of pages gives the bits that all tokens give", (type) => {
      const [k, v, q] = [drawn(200, 2, 6), drawn(200, 2, 5), drawn(200, 4, 6)];
      for (const window of [1, 7, 33]) {
        const shape = { heads: 2, width: 6, valueWidth: 5, type, pageTokens: 4 };
        const region = kernels.region();
        const [ring, all] = [kernels.cache({ ...shape, window, region }), kernels.cache({ ...shape, region })];
        for (let from = 0, step = 1; from < 200; from += step, step = (step % 8) + 1) {
          const to = Math.min(200, from + step);
          for (const cache of [ring, all]) cache.append(slice(k, from, to), slice(v, from, to), { layout });
          const options = { layout, left: window - 1 } as const;
          const asked = slice(q, from, to);
          const [one, other] = [ring.attend(asked, options), all.attend(asked, options)];
          expect(ring.attend(asked, { layout })).toEqual(one);
          // A block of keys begins where the first query's window does, in both.
          expect(one).toEqual(other);
        }
        expect(ring.length).toBe(200);
        expect(ring.first).toBeGreaterThan(200 - window - 16);
        expect(ring.bytes).toBeLessThan(all.bytes);
        region.release();
      }
    });
    test("a cache cut short and written on gives what was written", () => {
      const [k, v, q] = [drawn(20, 2, 6), drawn(20, 2, 6), drawn(1, 2, 6)];
      const cache = kernels.cache({ heads: 2, width: 6, pageTokens: 4 });
      cache.append(k, v, { layout });
      const whole = cache.attend(q, { layout });
      cache.truncate(9);
      cache.append(drawn(5, 2, 6), drawn(5, 2, 6), { layout });
      cache.truncate(9);
      const { bytes } = cache;
      cache.append(slice(k, 9, 20), slice(v, 9, 20), { layout });
      expect(cache.bytes).toBe(bytes);
      expect(cache.attend(q, { layout })).toEqual(whole);
      cache.truncate(0);
      expect(cache.length).toBe(0);
      expect([...new Set(cache.attend(q, { layout }).out.data)]).toEqual([0]);
      cache.release();
    });
    test("layers share a region and grow in turn; nothing is lost when memory grows", () => {
      const region = kernels.region();
      const layers = [1, 2, 3].map(() => kernels.cache({ heads: 1, width: 64, pageTokens: 64, region }));
      const [k, v] = [drawn(300, 1, 64), drawn(300, 1, 64)];
      for (let from = 0; from < 300; from += 50)
        for (const cache of layers) cache.append(slice(k, from, from + 50), slice(v, from, from + 50), { layout });
      const q = drawn(1, 1, 64);
      const expected = kernels.decode(q, k, v, { layout });
      for (const cache of layers) expect(cache.attend(q, { layout })).toEqual(expected);
      for (const cache of layers) cache.release();
      region.release();
    });
    test("heads first or tokens first, rows and results are the same", () => {
      const [k, v, q] = [drawn(1, 9, 3), drawn(1, 9, 3), drawn(1, 2, 3)];
      const turned = (t: Floats) => ({ shape: [t.shape[1]!, t.shape[0]!, t.shape[2]!], data: t.data });
      const results = [true, false].map((first) => {
        const cache = kernels.cache({ heads: 1, width: 3 });
        if (first) cache.append(k, v);
        else cache.append(turned(k), turned(v), { layout });
        const { out } = first ? cache.attend(q) : cache.attend(turned(q), { layout });
        cache.release();
        return out.data;
      });
      expect(results[0]).toEqual(results[1]);
    });
  });

test("what does not fit is refused by name", () => {
  const made = (options: Partial<CacheOptions>) => () => plain.cache({ heads: 2, width: 6, ...options });
  const before = plain.arena.used;
  expect(made({ heads: 0 })).toThrow("cache: heads must be a whole number above 0, got 0");
  expect(made({ pageTokens: 6 })).toThrow("cache: pageTokens must be a multiple of 4, got 6");
  expect(made({ window: 0 })).toThrow("cache: window must be a whole number of keys above 0 or Infinity, got 0");
  expect(made({ type: "bfloat16" as RowType })).toThrow("cache: type must be float32 or float16 or int8, got bfloat16");
  expect(plain.arena.used).toBe(before);
  const cache = plain.cache({ heads: 2, width: 6, valueWidth: 5, pageTokens: 4, window: 3 });
  expect(() => cache.append(drawn(2, 3, 5), drawn(2, 3, 5))).toThrow(
    "append: k has shape [2, 3, 5], expected [2, 3, 6]",
  );
  expect(() => cache.append(drawn(2, 3, 6), drawn(2, 4, 5))).toThrow(
    "append: v has shape [2, 4, 5], expected [2, 3, 5]",
  );
  cache.append(drawn(2, 9, 6), drawn(2, 9, 5));
  const inner = plain.region();
  expect(() => cache.append(drawn(2, 40, 6), drawn(2, 40, 5))).toThrow("a region inside this one is still open");
  expect(cache.length).toBe(9);
  inner.release();
  cache.reserve(40);
  const other = plain.region();
  cache.append(drawn(2, 40, 6), drawn(2, 40, 5));
  other.release();
  cache.append(drawn(2, 1, 6), drawn(2, 1, 5));
  expect(cache.first).toBeGreaterThan(0);
  expect(() => cache.attend(drawn(2, 1, 6), { left: 40 })).toThrow("attend: left is 40, but of the");
  expect(() => cache.attend(drawn(2, 1, 7))).toThrow("attend: q has D = 7, but the cache has D = 6");
  expect(() => cache.attend(drawn(1, 2, 1, 6))).toThrow("a cache is one sequence");
  expect(() => cache.truncate(51)).toThrow("truncate: length must be a whole number from");
  expect(() => cache.reserve(-1)).toThrow("reserve: tokens must be a whole number, got -1");
  cache.release();
  expect(() => cache.append(drawn(2, 1, 6), drawn(2, 1, 5))).toThrow("append: the cache is released");
  expect(plain.arena.used).toBe(before);
});
