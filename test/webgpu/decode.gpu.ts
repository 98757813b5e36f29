import { describe, expect, test } from "vitest";
import { conforms, random } from "../../src/oracle.ts";
import { decode } from "../../src/pages/decode.ts";
import type { Calls } from "../../src/pages.ts";
import type { Floats, IntegerRows, RowType } from "../../src/wasm.ts";
import { type DecodeTuning, decode as step } from "../../src/webgpu/decode/decode.ts";
import { type Gpu, hosted } from "../../src/webgpu.ts";
import { cached, cachedKernel, rowsOf } from "../wasm/cached.ts";
import { conformance } from "./conformance.ts";
import { devices } from "./gpus.ts";

conformance(
  decode,
  {
    // These cross the blocks of 256 keys, and all remainders of four keys and four columns.
    "long caches": {
      "core/scaled-dot-product-attention": { sizes: { Tq: 3, Tk: 539, D: 13, E: 5 } },
      "score/attention-sink-logit": { sizes: { Hq: 4, Hk: 1, Tq: 2, Tk: 301, D: 9, E: 11 } },
      "sparse/sliding-window-attention": { sizes: { Tq: 1, Tk: 541, D: 8, E: 16 } },
      "positional/alibi": { sizes: { H: 3, Tq: 2, Tk: 514, D: 12, E: 7 } },
    },
    "wide heads": {
      "core/scaled-dot-product-attention": { sizes: { Tq: 1, Tk: 11, D: 256, E: 251 } },
    },
  },
  undefined,
  devices.slice(1),
);

const types: readonly RowType[] = ["float32", "float16", "int8"];
/** Ways to divide the work: what the device is given, sums without subgroups, many ranges and queries that are not shared. */
const tunings: readonly DecodeTuning[] = [
  {},
  { shape: { across: 8, lanes: 8, block: 128 } },
  { shape: { rows: 1, asked: 0 }, workgroups: 100_000 },
];
const tuned = (gpu: Gpu, tuning: DecodeTuning): Pick<Calls, "decode"> =>
  hosted({ ...gpu, decode: (q, k, v, options) => step(gpu.device, q, k, v, options, tuning) }) as Calls;

const source = random(9);
const drawn = (...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal()),
});

// The programs are the same whatever the limits; compiling them is what takes the time.
describe.each(devices.slice(1))("$name", ({ gpu }) => {
  test.each(tunings)("all options at once, divided as %j", async (tuning) => {
    for (const way of ["tensors", "pages"] as const) {
      const verdict = await conforms(cached, cachedKernel(tuned(gpu, tuning), way), { cases: 4, seed: 21 });
      expect(verdict.conforms, String(verdict)).toBe(true);
    }
  });
  test.each(types)("%s across blocks of keys, one query a head and several", async (type) => {
    for (const tuning of tunings.slice(0, 2))
      for (const sizes of [
        { Hq: 2, Hk: 2, Tq: 1, Tk: 530, D: 19, E: 29 },
        { Hq: 4, Hk: 1, Tq: 1, Tk: 259, D: 48, E: 32 },
        { Hq: 1, Hk: 1, Tq: 1, Tk: 27, D: 300, E: 600 },
      ]) {
        const verdict = await conforms(cached, cachedKernel(tuned(gpu, tuning), "tensors"), {
          ...{ cases: 1, seed: 22 },
          fixed: { sizes, options: { type } },
        });
        expect(verdict.conforms, String(verdict)).toBe(true);
      }
  });
  test.each(types)("%s on the GPU is what it is here", async (type) => {
    const [q, k, v] = [drawn(4, 1, 16), rowsOf(drawn(2, 70, 16), type), rowsOf(drawn(2, 70, 12), type)];
    const there = (rows: typeof k) =>
      type === "int8"
        ? { ...(rows as IntegerRows), data: gpu.upload({ shape: rows.shape, data: rows.data as Int8Array }, "int8") }
        : gpu.upload(rows as never, type);
    const expected = await gpu.decode(q, k, v).out.read();
    expect(await gpu.decode(gpu.upload(q), there(k) as never, there(v) as never).out.read()).toEqual(expected);
  });
  test("a batch with lengths is its entries one by one", async () => {
    const [q, k, v] = [drawn(3, 4, 2, 5), drawn(3, 2, 9, 5), drawn(3, 2, 9, 7)];
    const entry = (t: Floats, b: number) => {
      const size = t.data.length / 3;
      return { shape: t.shape.slice(1), data: t.data.slice(b * size, (b + 1) * size) };
    };
    const lengths = [9, 0, 6];
    const out = await gpu.decode(q, k, v, { lengths }).out.read();
    for (const [b, length] of lengths.entries()) {
      const own = gpu.decode(entry(q, b), entry(k, b), entry(v, b), { lengths: [length] });
      expect(entry(out, b).data).toEqual((await own.out.read()).data);
      if (length === 0) expect([...new Set((await own.lse.read()).data)]).toEqual([Number.NEGATIVE_INFINITY]);
    }
  });
  test("keys beyond the length, and those before the window, are not read", async () => {
    const [q, k, v] = [drawn(2, 1, 8), drawn(2, 40, 8), drawn(2, 40, 12)];
    const spoilt = (t: Floats, width: number) => ({
      shape: t.shape,
      data: t.data.map((x, i) => (Math.floor(i / width) % 40 < 20 || Math.floor(i / width) % 40 > 30 ? Number.NaN : x)),
    });
    const options = { lengths: [31], left: 10 };
    const clean = await gpu.decode(q, k, v, options).out.read();
    expect(await gpu.decode(q, spoilt(k, 8), spoilt(v, 12), options).out.read()).toEqual(clean);
  });
  test("what does not fit is refused by name", () => {
    const [q, k, v] = [drawn(4, 3, 8), drawn(2, 5, 8), drawn(2, 5, 6)];
    expect(() => gpu.decode(q, k, drawn(2, 4, 6))).toThrow("decode: v has Tk = 4, but k has Tk = 5");
    expect(() => gpu.decode(q, k, rowsOf(v, "float16"))).toThrow("decode: v holds float16, but k holds float32");
    expect(() => gpu.decode(q, gpu.upload({ shape: [2, 5, 8], data: new Int8Array(80) }, "int8") as never, v)).toThrow(
      "decode: k holds int8; keys and values are float32, float16 or { shape, data, scales } with data in int8",
    );
    expect(() => gpu.decode(q, k, v, { lengths: [6] })).toThrow("decode: lengths[0] must be a whole number of keys");
    expect(() => gpu.decode(q, k, v, { chunk: 3 } as never)).toThrow("decode: there is no option chunk");
  });
});
