/** Attention on matrix units, which are made up here: pages of softmax attention, and what only a call can ask for. */
import { afterAll, expect, test } from "vitest";
import { catalogue } from "../../spec/catalogue.ts";
import type { AnyMechanism } from "../../spec/page.ts";
import { conforms, type Kernel } from "../../src/oracle.ts";
import { softmax } from "../../src/pages/softmax.ts";
import type { Calls, Implementation } from "../../src/pages.ts";
import { type AttentionTuning, attention } from "../../src/webgpu/attention/attention.ts";
import { hosted } from "../../src/webgpu/hosted.ts";
import { emulated } from "./emulated.ts";

const { gpu, programs } = await emulated();
afterAll(() => gpu.close());

/** Small parts, since made-up matrix units take long to compile. */
const small = { down: 2, across: 2, tall: 1, wide: 1 } as const;
type Given = Parameters<typeof attention>[4];
const attend =
  (more: Given, tuning: AttentionTuning) =>
  (q: never, k: never, v: never, options: Given = {}) =>
    attention(gpu.device, q, k, v, { ...options, ...more }, tuning);

/**
 * A page for each thing that a call may have, at sizes of enough queries and keys, with remainders in queries, keys,
 * features and values. On a real GPU `card/card.ts` judges all pages.
 */
const sizes = {
  "core/scaled-dot-product-attention": { Tq: 18, Tk: 41, D: 13, E: 17 },
  "heads/grouped-query-attention": { T: 17 },
  "positional/alibi": { Tq: 18, Tk: 21 },
  "score/attention-sink-logit": { Tq: 19, Tk: 35 },
  "score/logit-softcap": { Tq: 19, Tk: 35 },
  "sparse/sliding-window-attention": { Tq: 23, Tk: 50 },
} satisfies Partial<Record<keyof typeof softmax, Readonly<Record<string, number>>>>;

const used = (from: number) => programs.slice(from).some((label) => label.startsWith("attention in matrices"));

test.each(Object.keys(sizes) as (keyof typeof sizes)[])("%s conforms in two halves", async (id) => {
  const page = (await catalogue[id]()) as AnyMechanism;
  const calls = hosted({ ...gpu, attention: attend({ precision: "float16x2" }, { matrices: small }) } as never);
  const kernel = (softmax[id] as Implementation<AnyMechanism>)(calls as Calls) as Kernel<AnyMechanism>;
  const verdict = await conforms(page, kernel, { cases: 2, fixed: { sizes: sizes[id] } });
  expect(verdict.conforms, String(verdict)).toBe(true);
});

test("scaled dot-product attention conforms in float16, in its budget", async () => {
  const calls = hosted({ ...gpu, attention: attend({ precision: "float16" }, { matrices: small }) } as never);
  const id = "core/scaled-dot-product-attention";
  const page = (await catalogue[id]()) as AnyMechanism;
  const kernel = (softmax[id] as Implementation<AnyMechanism>)(calls as Calls) as Kernel<AnyMechanism>;
  const fixed = { sizes: sizes[id], given: { mask: false, bias: false } };
  const verdict = await conforms(page, kernel, { dtype: "float16", cases: 2, fixed });
  expect(verdict.conforms, String(verdict)).toBe(true);
});

const floats = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => Math.sin(1.7 * i + shape.length)),
});

test("what only a call can ask for is as in float32: batches, tokens first, lengths, blocks, relative biases, ranges of keys", async () => {
  const [q, k, v] = [floats(2, 20, 4, 11), floats(2, 70, 2, 11), floats(2, 70, 2, 19)];
  // What lies beyond the second entry's length is not read.
  for (const { data } of [k, v]) data.fill(Number.NaN, data.length - 19 * (data.length / 140));
  const blocks = {
    queries: 10,
    keys: 16,
    seen: { shape: [2, 5], data: Uint8Array.from([1, 0, 1, 1, 1, 0, 1, 0, 1, 1]) },
  };
  const options: Given = {
    ...{ layout: "tokens-first" as const, lengths: Int32Array.of(70, 51), relative: floats(4, 21), sinks: floats(4) },
    ...{ left: 40, blocks },
  };
  const before = programs.length;
  const both = [
    attention(gpu.device, q, k, v, options),
    attention(gpu.device, q, k, v, { ...options, precision: "float16x2" }, { matrices: small, splits: 2 }),
  ];
  const [exact, cut] = await Promise.all(
    both.map(async ({ out, lse }) => [...(await out.read()).data, ...(await lse.read()).data]),
  );
  expect(used(before)).toBe(true);
  exact!.forEach((value, i) => {
    expect(cut![i], `${i}`).toBeCloseTo(value, 5);
  });
});

test("the shape for large devices gives the same, and sizes that do not suit are computed in float32", async () => {
  const [q, k, v] = [floats(2, 40, 16), floats(2, 70, 16), floats(2, 70, 24)];
  const read = async (tuning: AttentionTuning) =>
    (await attention(gpu.device, q, k, v, { causal: true, precision: "float16x2" }, tuning).out.read()).data;
  const before = programs.length;
  const [large, little] = [await read({ splits: 1 }), await read({ splits: 1, matrices: small })];
  expect(used(before)).toBe(true);
  large.forEach((value, i) => {
    expect(value, `${i}`).toBeCloseTo(little[i]!, 5);
  });
  const few = [floats(1, 3, 8), floats(1, 9, 8), floats(1, 9, 8)] as const;
  const at = programs.length;
  const [cut, exact] = [gpu.attention(...few, { precision: "float16x2" }), gpu.attention(...few)];
  expect((await cut.out.read()).data).toEqual((await exact.out.read()).data);
  const [a, b] = [floats(5, 7), floats(7, 6)];
  const products = [gpu.matmul(a, b, { precision: "float16x2" }), gpu.matmul(a, b)];
  expect((await products[0]!.read()).data).toEqual((await products[1]!.read()).data);
  expect(used(at)).toBe(false);
});
