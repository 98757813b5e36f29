import { describe, expect, test } from "vitest";
import { decodeFloat16, encodeFloat16 } from "../../src/io/narrow-floats.ts";
import { conforms, random } from "../../src/oracle.ts";
import type { DecodeOptions, Floats, IntegerRows, Rows, RowType } from "../../src/wasm.ts";
import { cached, cachedKernel, integers, rowsOf, type Way } from "./cached.ts";
import { plain, targets } from "./targets.ts";

const source = random(9);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});
const types: readonly RowType[] = ["float32", "float16", "int8"];
const ways: readonly Way[] = ["tensors", "pages", "cache"];

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    describe.each(ways)("by way of %s", (way) => {
      test("all options at once", { timeout: 60_000 }, async ({ annotate }) => {
        const verdict = await conforms(cached, cachedKernel(kernels, way), { cases: 150, seed: 21 });
        expect(verdict.conforms, String(verdict)).toBe(true);
        await annotate(`largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`);
      });
      test.each(types)("%s across blocks of keys, one query a head and several", { timeout: 60_000 }, async (type) => {
        for (const sizes of [
          { Hq: 2, Hk: 2, Tq: 1, Tk: 530, D: 19, E: 29 },
          { Hq: 6, Hk: 2, Tq: 1, Tk: 259, D: 8, E: 3 },
          { Hq: 2, Hk: 1, Tq: 5, Tk: 277, D: 33, E: 16 },
        ]) {
          const verdict = await conforms(cached, cachedKernel(kernels, way), {
            ...{ cases: 3, seed: 22 },
            fixed: { sizes, options: { type } },
          });
          expect(verdict.conforms, String(verdict)).toBe(true);
        }
      });
    });
    test("every width from 1 to 256 leaves weights that add up to 1", () => {
      for (let width = 1; width <= 256; width += width < 20 ? 1 : 59)
        for (const valueWidth of [1, width, 256])
          for (const type of types) {
            const ones = { shape: [1, 9, valueWidth], data: new Float32Array(9 * valueWidth).fill(1) };
            const [k, v] = [rowsOf(drawn(1, 9, width), type), rowsOf(ones, type)];
            // Nine weights are added up in two orders, each rounding at most once a weight; 127 steps are 1.
            for (const queries of [1, 3])
              for (const value of kernels.decode(drawn(1, queries, width), k, v, { causal: false }).out.data)
                expect(Math.abs(value - 1)).toBeLessThanOrEqual(20 * 2 ** -24);
          }
    });
    test("every float16 is read exactly, by one query and by two", () => {
      const q = (count: number) => ({ shape: [1, count, 1], data: new Float32Array(count) });
      const k: Rows = { shape: [1, 4, 1], data: new Uint16Array(4) };
      for (let first = 0; first < 65536; first += 256) {
        const data = new Uint16Array(4 * 256);
        for (let i = 0; i < 256; i++) data[i] = first + i;
        // Four keys of the same weight, three of whose values are 0.
        const expected = Array.from({ length: 256 }, (_, i) => decodeFloat16(first + i) / 4);
        for (const count of [1, 2]) {
          const { out } = kernels.decode(q(count), k, { shape: [1, 4, 256], data }, { causal: false });
          for (let t = 0; t < count; t++)
            expect(Array.from(out.data.subarray(256 * t, 256 * (t + 1)), (x) => x + 0)).toEqual(
              expected.map((x) => x + 0),
            );
        }
      }
    });
    test("keys in float16 are read exactly", () => {
      const bits = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
      const k: Rows = { shape: [1, bits.length, 1], data: bits };
      // The only key that is seen gives its score.
      const score = (s: number, queries: number) => {
        const q = { shape: [1, queries, 1], data: new Float32Array(queries).fill(1) };
        const options = { scale: 1, lengths: [s + 1], left: 0, right: 0 };
        return kernels.decode(q, k, { shape: k.shape, data: bits }, options).lse.data.at(-1);
      };
      for (let s = 0; s < bits.length; s += 61)
        for (const queries of [1, 2]) expect(score(s, queries)).toBe(decodeFloat16(s));
    });
    test("float16 gives the bits that float32 of the same values gives, by one query and by many, of any size", () => {
      const halves = ({ shape, data }: Floats) => ({ shape, data: data.map((x) => decodeFloat16(encodeFloat16(x))) });
      // Across blocks of keys, and what remains of four keys and of eight values; some smaller than float16 are fully.
      const [k, v] = [halves(drawn(2, 331, 37)), halves(drawn(2, 331, 45))];
      for (let i = 0; i < v.data.length; i += 3) v.data[i] = decodeFloat16(encodeFloat16(v.data[i]! * 2 ** -20));
      for (const [heads, queries] of [
        [2, 1],
        [2, 2],
        [4, 1],
        [6, 1],
        [16, 3],
      ] as const)
        for (const size of [1, 1e-3, 1e6]) {
          const q = drawn(heads, queries, 37);
          q.data.forEach((x, i) => {
            q.data[i] = size * x;
          });
          const options = { scale: 0.1 / size };
          const [narrow, wide] = [rowsOf(k, "float16"), rowsOf(k, "float32")];
          expect(kernels.decode(q, narrow, rowsOf(v, "float16"), options)).toEqual(
            kernels.decode(q, wide, rowsOf(v, "float32"), options),
          );
        }
    });
    test("rows are kept as the nearest float16, ties to even, or in steps of 1/127 of the largest", () => {
      const patterns = new Float32Array(Uint32Array.from({ length: 4096 }, () => source.real() * 2 ** 32).buffer);
      const edges = [65503.99, 65504, 65519.99, 65520, 1e9, Infinity, Number.NaN, 6.1e-5, 2 ** -24, 2 ** -25, 1e-30, 0];
      const halves = Array.from({ length: 2000 }, (_, i) => decodeFloat16(15 * i) + decodeFloat16(15 * i + 1));
      const x = Float32Array.from([...patterns, ...edges, ...edges.map((y) => -y), ...halves.map((y) => y / 2)]);
      const roundTrip = (row: Float32Array, type: RowType) => {
        const cache = kernels.cache({ heads: 1, width: 1, valueWidth: row.length, type });
        cache.append({ shape: [1, 1, 1], data: Float32Array.of(0) }, { shape: [1, 1, row.length], data: row });
        const { out } = cache.attend({ shape: [1, 1, 1], data: Float32Array.of(0) });
        cache.release();
        return [...out.data];
      };
      for (let from = 0; from < x.length; from += 251) {
        const row = x.slice(from, from + 251);
        expect(roundTrip(row, "float16")).toEqual(Array.from(row, (y) => decodeFloat16(encodeFloat16(y)) + 0));
        const finite = row.map((y) => (Math.abs(y) < 1e30 ? y : 1));
        const { step, whole } = integers(finite);
        expect(roundTrip(finite, "int8")).toEqual(whole.map((w) => Math.fround(w * step) + 0));
      }
      expect(new Set(roundTrip(Float32Array.of(1, Infinity, 0), "int8"))).toEqual(new Set([Number.NaN]));
      expect(new Set(roundTrip(new Float32Array(9), "int8"))).toEqual(new Set([0]));
    });
    test.each(types)("%s: what is hidden never matters, be it NaN or infinite; what is seen shows", (type) => {
      for (const queries of [1, 2, 3]) {
        const [q, k, v] = [drawn(1, queries, 8), drawn(1, 20, 8), drawn(1, 20, 12)];
        const spoil = (t: Floats, width: number) => {
          const data = t.data.slice();
          for (const s of [0, 7, 19]) data.fill(s === 7 ? Infinity : Number.NaN, s * width, (s + 1) * width);
          return rowsOf({ shape: t.shape, data }, type);
        };
        const mask = { shape: [20], data: Uint8Array.from({ length: 20 }, (_, s) => Number(![0, 7, 19].includes(s))) };
        const bias = { shape: [20], data: Float32Array.from(mask.data, (b) => (b ? 0 : -Infinity)) };
        for (const options of [{ mask }, { bias }] as DecodeOptions[]) {
          const clean = kernels.decode(q, rowsOf(k, type), rowsOf(v, type), options);
          const spoilt = kernels.decode(q, spoil(k, 8), spoil(v, 12), options);
          // Infinite float16 take another way, which adds up in the same order.
          for (let i = 0; i < clean.out.data.length; i++)
            expect(Math.abs(spoilt.out.data[i]! - clean.out.data[i]!)).toBeLessThan(2 ** -19);
        }
        expect(kernels.decode(q, rowsOf(k, type), spoil(v, 12)).out.data.at(-1)).toBeNaN();
        expect(kernels.decode(q, spoil(k, 8), rowsOf(v, type)).out.data.at(-1)).toBeNaN();
        // The first query of several does not see the last token.
        if (queries > 1) {
          const only = rowsOf({ shape: v.shape, data: v.data.map((x, i) => (i >= 19 * 12 ? Number.NaN : x)) }, type);
          const { out } = kernels.decode(q, rowsOf(k, type), only);
          expect(out.data.subarray(0, 12).some(Number.isNaN)).toBe(false);
        }
      }
    });
    test("huge and tiny queries, keys and values leave neither overflow nor zeros", () => {
      for (const type of types)
        for (const size of [1e-30, 1e-6, 1e6, 1e28]) {
          const q = drawn(1, 1, 8);
          const grown = { shape: q.shape, data: q.data.map((x) => x * size) };
          const shrunk = (t: Floats) => ({ shape: t.shape, data: t.data.map((x) => x / size) });
          const [k, v] = [drawn(1, 33, 8), drawn(1, 33, 8)];
          const keys = type === "float16" ? k : shrunk(k);
          const scale = type === "float16" ? 1 / size : 1;
          const near = kernels.decode(grown, rowsOf(keys, type), rowsOf(v, type), { scale });
          const expected = kernels.decode(q, rowsOf(k, type), rowsOf(v, type), { scale: 1 });
          near.out.data.forEach((x, i) => {
            expect(Math.abs(x - expected.out.data[i]!), `${type} ${size}`).toBeLessThan(1e-5);
          });
        }
    });
    test("a query that sees nothing gets zeros and −∞, or the sink alone", () => {
      const [q, k, v] = [drawn(2, 3, 4), drawn(2, 5, 4), drawn(2, 5, 6)];
      const mask = { shape: [5], data: new Uint8Array(5) };
      const blind = kernels.decode(q, k, v, { mask });
      expect([...new Set(blind.out.data), ...new Set(blind.lse.data)]).toEqual([0, Number.NEGATIVE_INFINITY]);
      const sinks = { shape: [2], data: Float32Array.of(1.5, -Infinity) };
      expect([...kernels.decode(q, k, v, { mask, sinks }).lse.data]).toEqual([
        ...[1.5, 1.5, 1.5],
        ...Array(3).fill(Number.NEGATIVE_INFINITY),
      ]);
      expect([...new Set(kernels.decode(q, drawn(2, 0, 4), drawn(2, 0, 6)).out.data)]).toEqual([0]);
    });
    test("a batch with lengths is its entries one by one", () => {
      const [q, k, v] = [drawn(3, 4, 2, 5), drawn(3, 2, 9, 5), drawn(3, 2, 9, 7)];
      const entry = (t: Floats, b: number) => {
        const size = t.data.length / 3;
        return { shape: t.shape.slice(1), data: t.data.slice(b * size, (b + 1) * size) };
      };
      const lengths = [9, 0, 6];
      const { out, lse } = kernels.decode(q, k, v, { lengths });
      lengths.forEach((length, b) => {
        const own = kernels.decode(entry(q, b), entry(k, b), entry(v, b), { lengths: [length] });
        expect(entry(out, b).data).toEqual(own.out.data);
        expect(entry(lse, b).data).toEqual(own.lse.data);
      });
    });
    test("parts of the keys, in pieces of any size, merge into the whole", () => {
      const [q, k, v] = [drawn(4, 2, 16), drawn(2, 300, 16), drawn(2, 300, 8)];
      const swapped = (t: Floats, from: number, to: number): Floats => {
        const [heads, tokens, width] = t.shape as [number, number, number];
        const parts = Array.from({ length: heads }, (_, h) =>
          t.data.subarray((h * tokens + from) * width, (h * tokens + to) * width),
        );
        return { shape: [heads, to - from, width], data: Float32Array.from(parts.flatMap((part) => [...part])) };
      };
      const whole = kernels.decode(q, k, v, { causal: false });
      for (const cuts of [
        [0, 300],
        [0, 0, 300],
        [0, 1, 2, 300],
        [0, 100, 200, 300],
        [0, 299, 300],
      ]) {
        const pieces = cuts.slice(1).map((to, i) => {
          const piece = [swapped(k, cuts[i]!, to), swapped(v, cuts[i]!, to)] as const;
          return kernels.decode(q, ...piece, { causal: false });
        });
        const merged = kernels.merge(pieces);
        whole.out.data.forEach((x, i) => {
          expect(Math.abs(merged.out.data[i]! - x)).toBeLessThan(1e-6);
        });
        whole.lse.data.forEach((x, i) => {
          expect(Math.abs(merged.lse.data[i]! - x)).toBeLessThan(1e-6);
        });
        const first = (t: Floats): Floats => ({ shape: [1, ...t.shape], data: t.data });
        const batched = kernels.merge(pieces.map(({ out, lse }) => ({ out: first(out), lse: first(lse) })));
        expect(batched.out.data).toEqual(merged.out.data);
      }
    });
    test("parts with the tokens first merge too", () => {
      const [q, k, v] = [drawn(3, 4, 6), drawn(9, 2, 6), drawn(9, 2, 5)];
      const part = kernels.decode(q, k, v, { layout: "tokens-first" });
      const merged = kernels.merge([part, part], { layout: "tokens-first" });
      merged.out.data.forEach((x, i) => {
        expect(Math.abs(x - part.out.data[i]!)).toBeLessThan(1e-6);
      });
      merged.lse.data.forEach((x, i) => {
        expect(Math.abs(x - Math.LN2 - part.lse.data[i]!)).toBeLessThan(1e-6);
      });
    });
    test("the result may stay in the kernels' memory", () => {
      const region = kernels.region();
      const q = region.tensorOf(drawn(2, 3, 4));
      const [k, v] = [region.tensorOf(drawn(1, 5, 4)), region.tensorOf(drawn(1, 5, 6))];
      const into = region.tensor([2, 3, 6]);
      const part = kernels.decode(q, k, v, { into });
      expect(part.out).toBe(into);
      expect(kernels.decode(q, k, v).out.data).toEqual(into.data);
      const merged = region.tensor([2, 3, 6]);
      expect(kernels.merge([part], { into: merged }).out).toBe(merged);
      expect(() => kernels.merge([part], { into })).toThrow("merge: into overlaps parts[0].out in memory");
      region.release();
    });
  });

test("what does not fit is refused by name, and leaves no memory taken", () => {
  const [q, k, v] = [drawn(4, 3, 8), drawn(2, 5, 8), drawn(2, 5, 6)];
  const wrong = (message: string, x: Floats, y: Rows, z: Rows, options: DecodeOptions = {}) => {
    const before = plain.arena.used;
    expect(() => plain.decode(x, y, z, options)).toThrow(message);
    expect(plain.arena.used).toBe(before);
  };
  wrong("decode: q has shape [3, 8], expected [H, Tq, D], or B before", drawn(3, 8), k, v);
  wrong("decode: k has shape [5, 8], expected [Hk, Tk, D]", q, drawn(5, 8), v);
  wrong("decode: k has D = 7, but q has D = 8", q, drawn(2, 5, 7), v);
  wrong("decode: v has Tk = 4, but k has Tk = 5", q, k, drawn(2, 4, 6));
  wrong("decode: v holds float16, but k holds float32", q, k, rowsOf(v, "float16"));
  wrong(
    "decode: k holds integers and needs scales, of shape [2, 5]",
    q,
    { ...k, data: new Int8Array(80) } as IntegerRows,
    v,
  );
  wrong(
    "decode: k.scales has shape [2, 4], expected [2, 5]",
    q,
    { ...(rowsOf(k, "int8") as IntegerRows), scales: drawn(2, 4) },
    v,
  );
  wrong("decode: H must be a multiple of Hk: got H = 4, Hk = 3", q, drawn(3, 5, 8), drawn(3, 5, 6));
  wrong("decode: lengths[0] must be a whole number of keys from 0 to 5, got 6", q, k, v, { lengths: [6] });
  wrong("decode: lengths has 2 numbers, expected [B] = [1]", q, k, v, { lengths: [1, 2] });
  wrong("decode: bias has shape [2, 5], expected [Tk] = [5]", q, k, v, { bias: drawn(2, 5) });
  wrong("decode: sinks has shape [2], expected [H] = [4]", q, k, v, { sinks: drawn(2) });
  wrong("decode: left must be a whole number of keys or Infinity, got -1", q, k, v, { left: -1 });
  wrong("decode: cap must be above 0 (Infinity for none), got 0", q, k, v, { cap: 0 });
  wrong("decode: layout must be heads-first or tokens-first, got THD", q, k, v, { layout: "THD" as "heads-first" });
  const [pool, values] = [drawn(3, 2, 5, 8), drawn(3, 2, 5, 6)];
  const pages = (...data: number[]) => ({ shape: [data.length], data: Int32Array.from(data) });
  wrong("decode: pages holds 3 at 1, but the pool has pages 0 to 2", q, pool, values, { pages: pages(0, 3) });
  wrong("decode: pages has shape [1], expected [B, pages] with B = 2", drawn(2, 4, 1, 8), pool, values, {
    pages: pages(1),
  });
  expect(() => plain.merge([])).toThrow("merge: parts must be at least one result");
  const part = plain.decode(q, k, v);
  expect(() => plain.merge([part, plain.decode(drawn(4, 2, 8), k, v)])).toThrow("merge: parts[1] has shapes [4, 2, 6]");
  expect(() => plain.merge([part], { layout: "tokens-first" })).toThrow("goes with [3, 4, 6]");
});
