/** What pages do not reach: states brought up to date in place, no tokens at all, and errors. */
import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import type { Floats } from "../../src/wasm.ts";
import type { GpuCarried } from "../../src/webgpu/carried.ts";
import { type Gpu, GpuTensor } from "../../src/webgpu.ts";
import { devices } from "./gpus.ts";

const source = random(5);
const drawn = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => source.normal() / 2),
});
const rates = (...shape: number[]) => ({ shape, data: drawn(...shape).data.map((x) => -Math.abs(x)) });

type Options = { readonly state?: GpuTensor<"float32">; readonly stateInto?: GpuTensor<"float32"> };
interface Case {
  readonly state: readonly number[];
  readonly run: (gpu: Gpu, tokens: number, options?: Options) => GpuCarried;
}

const scanned = { a: rates(9, 6), u: drawn(130, 9), delta: drawn(130, 9), b: drawn(130, 6), c: drawn(130, 6) };
const dual = { a: rates(4), u: drawn(130, 4, 5), delta: drawn(130, 4), b: drawn(130, 2, 7), c: drawn(130, 2, 7) };
const first = ({ shape, data }: Floats, tokens: number): Floats => ({
  shape: [tokens, ...shape.slice(1)],
  data: data.slice(0, (data.length / shape[0]!) * tokens),
});
const firstOf = <I extends Readonly<Record<string, Floats>>>(inputs: I, tokens: number): I =>
  Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, name === "a" ? t : first(t, tokens)])) as I;
const taps = drawn(9, 4);

const cases: Readonly<Record<string, Case>> = {
  convolution: {
    state: [3, 9],
    run: (gpu, tokens, options) => gpu.convolution(first(scanned.u, tokens), taps, options),
  },
  recurrence: {
    state: [9],
    run: (gpu, tokens, options) => gpu.recurrence(first(scanned.delta, tokens), first(scanned.u, tokens), options),
  },
  selectiveScan: {
    state: [9, 6],
    run: (gpu, tokens, options) => gpu.selectiveScan(firstOf(scanned, tokens), { softplus: true, ...options }),
  },
  ssd: {
    state: [4, 5, 7],
    run: (gpu, tokens, options) => gpu.ssd(firstOf(dual, tokens), { softplus: true, ...options }),
  },
};

describe.each(devices)("$name", ({ gpu }) => {
  describe.each(Object.keys(cases))("%s", (name) => {
    const { state: shape, run } = cases[name]!;
    const given = drawn(...shape);
    const all = async ({ out, state }: GpuCarried) => [[...(await out.read()).data], [...(await state.read()).data]];
    test.each([1, 2, 7, 130])("brings a state up to date in place over %i tokens", async (tokens) => {
      const state = gpu.upload(given);
      const apart = await all(run(gpu, tokens, { state }));
      expect([...(await state.read()).data]).toEqual([...given.data]);
      const same = run(gpu, tokens, { state, stateInto: state });
      expect(same.state).toBe(state);
      expect(await all(same)).toEqual(apart);
    });
    test("without tokens the state stays, and is zeros at first", async () => {
      const state = gpu.upload(given);
      const [out, last] = await all(run(gpu, 0, { state }));
      expect([out, last]).toEqual([[], [...given.data]]);
      const [, none] = await all(run(gpu, 0));
      expect(none!.every((x) => x === 0)).toBe(true);
    });
    test("what does not fit is said", () => {
      expect(() => run(gpu, 3, { state: gpu.blank([2, 2]) })).toThrow(/state has shape \[2, 2\], expected/);
      expect(() => run(gpu, 3, { stateInto: gpu.blank([2, 2]) })).toThrow(/stateInto has shape/);
      expect(() => run(gpu, 3, { steps: 1 } as never)).toThrow(/there is no option steps/);
    });
  });

  test("a system that does not turn has no imaginary parts", () => {
    const system = { u: drawn(3, 2), keep: drawn(2, 4), write: drawn(2, 4), read: drawn(2, 4) };
    expect(() => gpu.diagonalSystem({ ...system, readIm: drawn(2, 4) })).toThrow(/readIm needs keepIm/);
    expect(() => gpu.diagonalSystem(system, { stateIm: drawn(2, 4) })).toThrow(/stateIm needs keepIm/);
    expect(gpu.diagonalSystem(system).stateIm).toBeUndefined();
    expect(gpu.diagonalSystem({ ...system, keepIm: drawn(2, 4) }).stateIm).toBeInstanceOf(GpuTensor);
  });
  test("heads in groups and taps are asked for", () => {
    expect(() => gpu.ssd({ ...dual, b: drawn(130, 3, 7), c: drawn(130, 3, 7) })).toThrow(/H must be a multiple of G/);
    expect(() => gpu.convolution(scanned.u, drawn(9, 0))).toThrow(/no taps/);
  });
});
