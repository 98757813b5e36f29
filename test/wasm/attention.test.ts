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
  wrong("attention: left must be a whole number of keys or Infinity, got -1", q, k, v, { left: -1 });
  wrong("attention: cap must be above 0 (Infinity for none), got 0", q, k, v, { cap: 0 });
  wrong("attention: scale must be a finite number, got NaN", q, k, v, { scale: Number.NaN });
  wrong("attention: layout must be heads-first or tokens-first, got THD", q, k, v, {
    layout: "THD" as "heads-first",
  });
});
