/** Small cases in chunks, which they would go without; and what no page asks for. */
import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import { deltaRules } from "../../src/pages/delta.ts";
import { gated } from "../../src/pages/gated.ts";
import { linear } from "../../src/pages/linear.ts";
import type { Floats, LinearAttentionOptions } from "../../src/wasm.ts";
import { conformance } from "./conformance.ts";
import { devices } from "./gpus.ts";

conformance(
  { ...linear, ...gated, ...deltaRules },
  {},
  (kernels) => ({
    ...kernels,
    linearAttention: (q, k, v, options) => kernels.linearAttention(q, k, v, { chunk: 64, ...options }),
    deltaRule: (q, k, v, options) =>
      kernels.deltaRule(q, k, v, options?.diagonal ? options : { chunk: 64, ...options }),
  }),
  devices.slice(1),
);

const source = random(5);
const made = (value: () => number, ...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, value),
});
const drawn = (...shape: number[]) => made(() => source.normal(), ...shape);
const logs = (...shape: number[]) => made(() => Math.log(source.real()), ...shape);

/** The largest distance of two results, as a share of the largest value. */
function apart(a: Floats, b: Floats): number {
  expect(a.shape).toEqual(b.shape);
  const scale = b.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  return a.data.reduce((far, x, i) => Math.max(far, Math.abs(x - b.data[i]!) / scale), 0);
}

const T = 150;
type Options = Omit<LinearAttentionOptions, "into" | "stateInto" | "zInto">;
type Run = readonly [q: Floats, k: Floats, v: Floats, options: Options];
const runs: Readonly<Record<string, () => Run>> = {
  "heads that share": () => [
    ...([drawn(4, T, 12), drawn(1, T, 12), drawn(2, T, 70)] as const),
    { gates: logs(2, T), sums: true, z: drawn(2, 12) },
  ],
  "tokens first": () => [
    ...([drawn(T, 4, 12), drawn(T, 2, 12), drawn(T, 2, 9)] as const),
    { layout: "tokens-first", gates: logs(T, 2, 12), state: drawn(2, 12, 9) },
  ],
  "gates that forget": () => [
    ...([drawn(1, T, 8), drawn(1, T, 8), drawn(1, T, 8)] as const),
    { gates: made(() => (source.real() < 0.1 ? Number.NEGATIVE_INFINITY : -source.real()), 1, T, 8) },
  ],
  "factors of any sign": () => [
    ...([drawn(1, T, 8), drawn(1, T, 8), drawn(1, T, 8)] as const),
    { gates: made(() => 2 * source.real() - 1, 1, T), factors: true },
  ],
  "a bonus": () => [
    ...([drawn(4, T, 10), drawn(2, T, 10), drawn(2, T, 9)] as const),
    { gates: logs(2, T), bonus: drawn(2, 10), sums: true },
  ],
  "fewer queries than keys": () => [drawn(2, 30, 10), drawn(2, T, 10), drawn(2, T, 9), { gates: logs(2, T) }],
  "more queries than keys": () => [
    ...([drawn(2, T, 10), drawn(2, 97, 10), drawn(2, 97, 9)] as const),
    { gates: logs(2, 97, 10), state: drawn(2, 10, 9) },
  ],
  "not causal": () => [
    ...([drawn(2, T, 10), drawn(2, 97, 10), drawn(2, 97, 9)] as const),
    { gates: logs(2, 97), causal: false, state: drawn(2, 10, 9) },
  ],
};

describe.each(devices.slice(1))("$name", ({ gpu }) => {
  test.each(Object.entries(runs))("%s: chunks are the recurrence", async (_, make) => {
    const [q, k, v, options] = make();
    const [one, many] = [1, 64].map((chunk) => gpu.linearAttention(q, k, v, { ...options, chunk }));
    // Each sum has at most T terms of a few products, each rounded once.
    const within = 4 * T * 2 ** -24;
    for (const name of ["out", "state", "sums", "z"] as const) {
      const [a, b] = [await many![name]?.read(), await one![name]?.read()];
      if (a && b) expect(apart(a, b), name).toBeLessThan(within);
      else expect(a).toBe(b);
    }
  });

  test("tiles of other shapes", async () => {
    const [q, k, v, gates] = [drawn(2, T, 70), drawn(2, T, 70), drawn(2, T, 70), logs(2, T)];
    const one = gpu.linearAttention(q, k, v, { gates, chunk: 1 });
    const many = gpu.linearAttention(q, k, v, { gates }, { tall: 4, wide: 2, across: 8, deep: 8 });
    expect(apart(await many.out.read(), await one.out.read())).toBeLessThan(4 * T * 2 ** -24);
  });

  test("a prompt in chunks, then token by token with the state in place", async () => {
    const at = (x: Floats, from: number, to: number): Floats => {
      const row = x.data.length / T;
      return { shape: [1, to - from, row], data: x.data.slice(from * row, to * row) };
    };
    const [q, k, v, gates] = [drawn(1, T, 8), drawn(1, T, 8), drawn(1, T, 8), logs(1, T, 8)];
    const whole = gpu.linearAttention(q, k, v, { gates });
    const prompt = T - 5;
    const { state } = gpu.linearAttention(at(q, 0, prompt), at(k, 0, prompt), at(v, 0, prompt), {
      gates: at(gates, 0, prompt),
    });
    const outs: number[] = [];
    for (let t = prompt; t < T; t++) {
      const one = [q, k, v].map((x) => at(x, t, t + 1)) as [Floats, Floats, Floats];
      const step = gpu.linearAttention(...one, { gates: at(gates, t, t + 1), state, stateInto: state });
      expect(step.state).toBe(state);
      outs.push(...(await step.out.read()).data);
    }
    const wanted = at((await whole.out.read()) as Floats, prompt, T);
    expect(apart({ shape: wanted.shape, data: Float32Array.from(outs) }, wanted)).toBeLessThan(4 * T * 2 ** -24);
    expect(apart(await state.read(), await whole.state.read())).toBeLessThan(4 * T * 2 ** -24);
  });

  test("says what does not fit", () => {
    const [q, k, v] = [drawn(1, 3, 4), drawn(1, 3, 4), drawn(1, 3, 5)];
    expect(() => gpu.linearAttention(q, drawn(1, 3, 5), v)).toThrow(/D = 5, but q has D = 4/);
    expect(() => gpu.linearAttention(q, k, v, { bonus: drawn(1, 4), before: false })).toThrow(/bonus needs before/);
    expect(() => gpu.deltaRule(q, k, v, { state: drawn(1, 4, 4) })).toThrow(/state has E = 4, but v has E = 5/);
    expect(() => gpu.deltaRule(q, k, v, { diagonal: true, chunk: 8 })).toThrow(/chunk must be 1 with diagonal/);
  });
});
