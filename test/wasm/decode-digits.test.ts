/** int8 by the engine's dot product of bytes and in 16 bits: the same whole numbers, and so the same bits. */
import { expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import { type Floats, type IntegerRows, load } from "../../src/wasm.ts";
import { relaxedBytes, targets } from "./targets.ts";

const source = random(31);
const floats = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});
/** Bytes of every kind, a quarter of them extremes. */
const bytes = (...shape: number[]): IntegerRows => ({
  shape,
  data: Int8Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () =>
    source.real() < 0.25 ? (source.real() < 0.5 ? -128 : 127) : Math.floor(256 * source.real()) - 128,
  ),
  scales: { shape: shape.slice(0, -1), data: floats(...shape.slice(0, -1)).data.map((x) => 0.01 * Math.abs(x)) },
});
const all = (value: number, ...shape: number[]): IntegerRows => ({
  shape,
  data: new Int8Array(shape.reduce((n, length) => n * length, 1)).fill(value),
  scales: { shape: shape.slice(0, -1), data: new Float32Array(shape[0]! * shape[1]!).fill(1 / 128) },
});

const [relaxed] = targets.filter(({ name, runs }) => runs && name === "relaxed");
const exact = relaxed && relaxed.kernels.dots !== "wide" ? relaxed.kernels : undefined;

test.runIf(exact)("both ways of int8 give the same bits", async () => {
  const wide = await load({ bytes: relaxedBytes, poison: true, dots: "wide" });
  const same = (q: Floats, k: IntegerRows, v: IntegerRows, options = {}) => {
    const [ours, theirs] = [exact!.decode(q, k, v, options), wide.decode(q, k, v, options)];
    expect(ours.out.data.some((x) => x !== 0 && Number.isFinite(x))).toBe(true);
    expect(ours).toEqual(theirs);
  };
  // Every remainder of sixteen features, of eight keys in a run of 64, and of a block of 256.
  for (const [width, valueWidth] of [
    ...Array.from({ length: 36 }, (_, i) => [i + 1, 36 - i] as const),
    [64, 128],
    [256, 100],
  ] as const)
    for (const tokens of [1, 7, 8, 9, 63, 83, 259, 530]) {
      const [q, k, v] = [floats(2, 1, width), bytes(2, tokens, width), bytes(2, tokens, valueWidth)];
      same(q, k, v);
      if (width % 5 === 0) same(q, k, v, { causal: false, left: 17, cap: 3 });
    }
  for (const tokens of [5, 40, 300]) {
    const [q, k, v] = [floats(1, 3, 48), bytes(tokens, 3, 48), bytes(tokens, 3, 33)];
    same(q, k, v, { layout: "tokens-first" });
    // Keys that are not seen have a probability of 0, and one head has no unit: its query is not finite.
    const mask = { shape: [tokens], data: Uint8Array.from({ length: tokens }, (_, s) => Number(s % 3 !== 0)) };
    same(q, k, v, { layout: "tokens-first", mask });
    const others = (query: Floats, values: IntegerRows) =>
      [...exact!.decode(query, k, values, { layout: "tokens-first" }).out.data].filter((_, i) => i < 33 || i >= 66);
    const spoilt = { shape: q.shape, data: q.data.map((x, i) => (i === 48 ? Infinity : x)) };
    same(spoilt, k, v, { layout: "tokens-first" });
    expect(others(spoilt, v)).toEqual(others(q, v));
    // A value's scale that is not a number spoils one head's probabilities, and no other's.
    const scales = { shape: v.scales.shape, data: v.scales.data.slice() };
    scales.data[1] = Number.NaN;
    same(q, k, { ...v, scales }, { layout: "tokens-first" });
    expect(others(q, { ...v, scales })).toEqual(others(q, v));
  }
  wide.close();
});

test.each(targets.filter(({ runs }) => runs))(
  "$name: sums of the largest whole numbers do not overflow",
  ({ kernels }) => {
    for (const sign of [-1, 1])
      for (const [width, tokens] of [
        [1023, 70],
        [1500, 70],
        [64, 600],
      ] as const) {
        const q = { shape: [1, 1, width], data: new Float32Array(width).fill(sign) };
        const { out, lse } = kernels.decode(q, all(-128, 1, tokens, width), all(-128, 1, tokens, 40), {
          scale: 1 / width,
        });
        // Scores of −sign, values of −1.
        expect(Math.abs(lse.data[0]! - Math.log(tokens) + sign)).toBeLessThan(2 ** -20);
        for (const x of out.data) expect(Math.abs(x + 1)).toBeLessThan(2 ** -20);
      }
  },
);
