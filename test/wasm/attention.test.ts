import { describe, expect, test } from "vitest";
import { conforms, random } from "../../src/oracle.ts";
import type { AttentionOptions, Booleans, Floats } from "../../src/wasm.ts";
import { everything, everythingKernel } from "./everything.ts";
import { plain, targets } from "./targets.ts";

const source = random(3);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});
/** The part of a tensor between two places along an axis. */
function cut({ shape, data }: Floats, axis: number, from: number, to: number): Floats {
  const inner = shape.slice(axis + 1).reduce((n, length) => n * length, 1);
  const chunk = shape[axis]! * inner;
  const rows = Array.from({ length: data.length / chunk }, (_, i) => [
    ...data.subarray(i * chunk + from * inner, i * chunk + to * inner),
  ]);
  return { shape: shape.with(axis, to - from), data: Float32Array.from(rows.flat()) };
}
/** Where the keys of an entry beyond its length lie, with one head. */
const rest = ({ shape: [, , keys, width] }: Floats, entry: number, length: number): [number, number] => [
  (entry * keys! + length) * width!,
  (entry + 1) * keys! * width!,
];
const last = (t: Floats) => t.data.subarray(-t.shape.at(-1)!);

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    test("all options at once", { timeout: 60_000 }, async ({ annotate }) => {
      const verdict = await conforms(everything, everythingKernel(kernels), { cases: 200, seed: 11 });
      expect(verdict.conforms, String(verdict)).toBe(true);
      await annotate(`largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`);
    });
    test("all options at once, across blocks of queries and keys", { timeout: 60_000 }, async () => {
      const sizes = { Hq: 2, Hk: 1, Tq: 34, Tk: 277, D: 6, E: 3 };
      const verdict = await conforms(everything, everythingKernel(kernels), { cases: 6, seed: 12, fixed: { sizes } });
      expect(verdict.conforms, String(verdict)).toBe(true);
    });
    test("every width of queries and values from 1 to 256 leaves rows that add up to 1", () => {
      for (let width = 1; width <= 256; width += width < 20 ? 1 : 59)
        for (const valueWidth of [1, width, 256]) {
          const ones = { shape: [1, 9, valueWidth], data: new Float32Array(9 * valueWidth).fill(1) };
          const { out } = kernels.attention(drawn(1, 5, width), drawn(1, 9, width), ones);
          // Nine weights are added up in two orders, each rounding at most once a weight.
          for (const value of out.data) expect(Math.abs(value - 1)).toBeLessThanOrEqual(18 * 2 ** -24);
        }
    });
    test("a hidden value never matters, be it NaN or infinite", () => {
      const [q, k, v] = [drawn(1, 20, 8), drawn(1, 20, 8), drawn(1, 20, 12)];
      const spoilt = { shape: v.shape, data: v.data.slice() };
      last(spoilt).fill(Number.NaN).set([Number.POSITIVE_INFINITY]);
      const before = kernels.attention(q, k, v, { causal: true }).out;
      const { out } = kernels.attention(q, k, spoilt, { causal: true });
      for (let i = 0; i < 19 * 12; i++) expect(Math.abs(out.data[i]! - before.data[i]!)).toBeLessThan(2 ** -20);
      expect([...last(out)]).toEqual([Number.POSITIVE_INFINITY, ...Array(11).fill(Number.NaN)]);
    });
    test("a hidden key never matters, be it NaN or infinite, hidden by place, mask or bias", () => {
      const [q, k, v] = [drawn(1, 20, 8), drawn(1, 20, 8), drawn(1, 20, 12)];
      const spoilt = { shape: k.shape, data: k.data.slice() };
      last(spoilt).fill(Number.NaN).set([Number.POSITIVE_INFINITY]);
      const seen: Booleans = { shape: [20], data: Uint8Array.from({ length: 20 }, (_, s) => Number(s < 19)) };
      const bias: Floats = { shape: [20], data: Float32Array.from(seen.data, (b) => (b ? 0 : -Infinity)) };
      const hidings: AttentionOptions[] = [{ mask: seen }, { bias }];
      for (const options of hidings)
        expect(kernels.attention(q, spoilt, v, options)).toEqual(kernels.attention(q, k, v, options));
      const rows = (x: Floats) => kernels.attention(q, x, v, { causal: true }).out.data.subarray(0, 19 * 12);
      expect(rows(spoilt)).toEqual(rows(k));
    });
    test("NaN in a key that is seen shows", () => {
      const k = drawn(1, 4, 3);
      k.data[0] = Number.NaN;
      expect(kernels.attention(drawn(1, 1, 3), k, drawn(1, 4, 2)).out.data).toEqual(
        Float32Array.of(Number.NaN, Number.NaN),
      );
    });
    test("a query that sees nothing gets zeros and −∞, or the sink alone", () => {
      const [q, k, v] = [drawn(2, 3, 4), drawn(2, 5, 4), drawn(2, 5, 6)];
      const mask = { shape: [5], data: new Uint8Array(5) };
      const blind = kernels.attention(q, k, v, { mask });
      expect([...new Set(blind.out.data), ...new Set(blind.lse.data)]).toEqual([0, Number.NEGATIVE_INFINITY]);
      const sinks = { shape: [2], data: Float32Array.of(1.5, -Infinity) };
      expect([...kernels.attention(q, k, v, { mask, sinks }).lse.data]).toEqual([
        ...[1.5, 1.5, 1.5],
        ...Array(3).fill(Number.NEGATIVE_INFINITY),
      ]);
      const empty = kernels.attention(q, drawn(2, 0, 4), drawn(2, 0, 6));
      expect([...new Set(empty.out.data)]).toEqual([0]);
    });
    test("a sink far above all scores leaves its log-sum-exp, one far below changes nothing", () => {
      const [q, k, v] = [drawn(1, 1, 4), drawn(1, 5, 4), drawn(1, 5, 6)];
      const sunk = (sink: number) => kernels.attention(q, k, v, { sinks: { shape: [1], data: Float32Array.of(sink) } });
      expect(sunk(1e30).lse.data[0]).toBe(Math.fround(1e30));
      expect([...new Set(sunk(1e30).out.data)].every((x) => x === 0)).toBe(true);
      expect(sunk(-1e30)).toEqual(kernels.attention(q, k, v));
    });
    test("cost follows the keys seen: memory beyond the window is not even read", () => {
      const [q, k, v] = [drawn(1, 1, 4), drawn(1, 900, 4), drawn(1, 900, 4)];
      const tail = (t: Floats) => ({ shape: [1, 3, 4], data: t.data.slice(-12) });
      expect(kernels.attention(q, k, v, { left: 2 }).out.data).toEqual(kernels.attention(q, tail(k), tail(v)).out.data);
    });
    test("biases by distance and blocks, across blocks of queries and keys", { timeout: 60_000 }, async () => {
      const sizes = { Hq: 2, Hk: 2, Tq: 41, Tk: 263, D: 5, E: 7, Wr: 5 };
      for (const options of [
        { tall: 16, wide: 32 },
        { tall: 5, wide: 100 },
      ]) {
        const fixed = { sizes, options, given: { relative: true, blocks: true } };
        const verdict = await conforms(everything, everythingKernel(kernels), { cases: 3, seed: 13, fixed });
        expect(verdict.conforms, String(verdict)).toBe(true);
      }
    });
    test("hidden blocks are not even read", () => {
      const [q, k, v] = [drawn(1, 16, 4), drawn(1, 64, 4), drawn(1, 64, 4)];
      const seen = { shape: [2, 2], data: Uint8Array.of(1, 0, 1, 0) };
      const blocks = { seen, queries: 8, keys: 32 };
      const first = (t: Floats) => ({ shape: [1, 32, 4], data: t.data.slice(0, 128) });
      k.data.fill(Number.NaN, 128);
      v.data.fill(3e38, 128);
      expect(kernels.attention(q, k, v, { blocks }).out.data).toEqual(
        kernels.attention(q, first(k), first(v)).out.data,
      );
    });
    test.each(["heads-first", "tokens-first"] as const)("a batch is each of its entries, %s", (layout) => {
      const of = (count: number, tokens: number) => (layout === "heads-first" ? [count, tokens] : [tokens, count]);
      const [q, k, v] = [drawn(3, ...of(4, 9), 5), drawn(3, ...of(2, 11), 5), drawn(3, ...of(2, 11), 6)];
      const [mask, bias] = [
        { shape: [3, 4, 9, 11], data: new Uint8Array(1188).fill(1).fill(0, 100, 140) },
        drawn(9, 11),
      ];
      const whole = kernels.attention(q, k, v, { layout, mask, bias, causal: true });
      expect(whole.out.shape).toEqual([3, ...of(4, 9), 6]);
      for (let b = 0; b < 3; b++) {
        const entry = <T extends { shape: readonly number[]; data: Float32Array | Uint8Array }>(t: T) =>
          ({
            shape: t.shape.slice(1),
            data: t.data.slice((b * t.data.length) / 3, ((b + 1) * t.data.length) / 3),
          }) as unknown as T;
        const options = { layout, mask: entry(mask), bias, causal: true };
        const { out, lse } = kernels.attention(entry(q), entry(k), entry(v), options);
        expect(out).toEqual(entry(whole.out));
        expect(lse).toEqual(entry(whole.lse));
      }
    });
    test("keys beyond an entry's length are not even read, and the last query stands beside its last key", () => {
      const [q, k, v] = [drawn(3, 2, 4, 5), drawn(3, 1, 9, 5), drawn(3, 1, 9, 6)];
      const lengths = [9, 0, 5];
      for (const t of [k, v]) for (let b = 0; b < 3; b++) t.data.fill(Number.NaN, ...rest(t, b, lengths[b]!));
      const whole = kernels.attention(q, k, v, { lengths, causal: true });
      lengths.forEach((length, b) => {
        const some = (t: Floats, tokens: number) => {
          const [heads, all, width] = t.shape.slice(1) as [number, number, number];
          const from = b * heads * all * width;
          return {
            shape: [heads, tokens, width],
            data: t.data.slice(from, from + heads * all * width).slice(0, heads * tokens * width),
          };
        };
        const { out } = kernels.attention(some(q, 4), some(k, length), some(v, length), { causal: true });
        expect(out.data).toEqual(whole.out.data.slice(b * 48, (b + 1) * 48));
      });
    });
    test.each(["heads-first", "tokens-first"] as const)("packed sequences see only themselves, %s", (layout) => {
      const of = (count: number, tokens: number) => (layout === "heads-first" ? [count, tokens] : [tokens, count]);
      const [q, k, v] = [drawn(...of(2, 20), 5), drawn(...of(1, 23), 5), drawn(...of(1, 23), 3)];
      const packed = { queries: [0, 1, 1, 14, 20], keys: [0, 3, 5, 19, 23] };
      const slopes = { shape: [2], data: Float32Array.of(0.5, 0.25) };
      const bias = drawn(23);
      const whole = kernels.attention(q, k, v, { layout, packed, slopes, bias, causal: true });
      const axis = layout === "heads-first" ? 1 : 0;
      packed.queries.slice(1).forEach((end, i) => {
        const [t, s] = [packed.queries[i]!, packed.keys[i]!];
        const keysOf = (x: Floats) => cut(x, axis, s, packed.keys[i + 1]!);
        const { out, lse } = kernels.attention(cut(q, axis, t, end), keysOf(k), keysOf(v), {
          ...{ layout, slopes, causal: true },
          bias: cut(bias, 0, s, packed.keys[i + 1]!),
        });
        expect(out).toEqual(cut(whole.out, axis, t, end));
        expect(lse).toEqual(cut(whole.lse, 1, t, end));
      });
    });
    test("the tile changes no bit", () => {
      const [q, k, v] = [drawn(2, 37, 13), drawn(2, 301, 13), drawn(2, 301, 9)];
      // Deeper than a block, and more keys than one has: what is added to what was there counts, too.
      const [a, b] = [drawn(67, 515), drawn(515, 43)];
      const results = [0, 1, 2].map((tile) => {
        kernels.exports.chooseTile(tile);
        return [
          kernels.attention(q, k, v, { causal: true, left: 200 }),
          kernels.attention(q, k, v),
          kernels.matmul(a, b),
        ];
      });
      kernels.exports.chooseTile(0);
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    });
    test("the result may stay in the kernels' memory", () => {
      const region = kernels.region();
      const q = region.tensorOf(drawn(2, 3, 4));
      const [k, v] = [region.tensorOf(drawn(1, 5, 4)), region.tensorOf(drawn(1, 5, 6))];
      const into = region.tensor([2, 3, 6]);
      const { out } = kernels.attention(q, k, v, { into });
      expect(out).toBe(into);
      expect(kernels.attention(q, k, v).out.data).toEqual(into.data);
      region.release();
    });
  });

test("what does not fit is refused by name, and leaves no memory taken", () => {
  const [q, k, v] = [drawn(4, 3, 8), drawn(2, 5, 8), drawn(2, 5, 6)];
  const wrong = (message: string, x: Floats, y: Floats, z: Floats, options: AttentionOptions = {}) => {
    const before = plain.arena.used;
    expect(() => plain.attention(x, y, z, options)).toThrow(message);
    expect(plain.arena.used).toBe(before);
  };
  wrong("attention: q has shape [3, 8], expected [H, Tq, D]; one head is an axis of 1", drawn(3, 8), k, v);
  wrong("attention: k has D = 7, but q has D = 8", q, drawn(2, 5, 7), v);
  wrong("attention: v has Tk = 4, but k has Tk = 5", q, k, drawn(2, 4, 6));
  wrong("attention: H must be a multiple of Hk: got H = 4, Hk = 3", q, drawn(3, 5, 8), drawn(3, 5, 6));
  wrong("attention: bias has shape [2, 5], expected [Tk] = [5], [Tq, Tk] or [H, Tq, Tk] = [4, 3, 5]", q, k, v, {
    bias: drawn(2, 5),
  });
  wrong("attention: sinks has shape [2], expected [H] = [4]", q, k, v, { sinks: drawn(2) });
  wrong("attention: mask must hold a Uint8Array, got Float32Array", q, k, v, {
    mask: drawn(5) as unknown as Booleans,
  });
  wrong("attention: relative has shape [4, 2], expected [H, 2R + 1] with H = 4", q, k, v, { relative: drawn(4, 2) });
  wrong("attention: lengths[0] must be a whole number of keys from 0 to Tk = 5, got 6", q, k, v, { lengths: [6] });
  wrong("attention: lengths has 2 numbers, expected [B] = [1]", q, k, v, { lengths: [1, 2] });
  wrong("attention: packed.queries must rise in whole numbers from 0 to Tq = 3, got [0, 2]", q, k, v, {
    packed: { queries: [0, 2] },
  });
  wrong("attention: packed.keys has 2 numbers, but packed.queries 3", q, k, v, {
    packed: { queries: [0, 2, 3], keys: [0, 5] },
  });
  const seen: Booleans = { shape: [1, 2], data: new Uint8Array(2) };
  wrong(
    "attention: blocks.seen has shape [1, 2], expected [⌈Tq / 8⌉, ⌈Tk / 8⌉] = [1, 1], or [4, 1, 1] with H before",
    ...([q, k, v] as const),
    { blocks: { seen, queries: 8, keys: 8 } },
  );
  wrong("attention: blocks.keys must be a whole number above 0, got 0", q, k, v, {
    blocks: { seen, queries: 8, keys: 0 },
  });
  wrong("attention: packed takes no blocks, and bias and mask only as [Tk]", q, k, v, {
    packed: { queries: [0, 3], keys: [0, 5] },
    bias: drawn(3, 5),
  });
  wrong("attention: left must be a whole number of keys or Infinity, got -1", q, k, v, { left: -1 });
  wrong("attention: cap must be above 0 (Infinity for none), got 0", q, k, v, { cap: 0 });
  wrong("attention: scale must be a finite number, got NaN", q, k, v, { scale: Number.NaN });
  wrong("attention: layout must be heads-first or tokens-first, got THD", q, k, v, {
    layout: "THD" as "heads-first",
  });
});
