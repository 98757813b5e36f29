import { describe, expect, test } from "vitest";
import { gatedLinearAttention } from "../../spec/linear/gated-linear-attention.ts";
import { lightningAttention } from "../../spec/linear/lightning-attention.ts";
import { linearTransformer } from "../../spec/linear/linear-transformer.ts";
import { rwkv6TimeMixing } from "../../spec/linear/rwkv6-time-mixing.ts";
import { budget, random } from "../../src/oracle.ts";
import { implementations } from "../../src/pages.ts";
import type { Floats, Kernels, LinearAttentionOptions } from "../../src/wasm.ts";
import { plain, targets } from "./targets.ts";

const source = random(5);
const made = (value: () => number, ...shape: number[]): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, value),
});
const drawn = (...shape: number[]) => made(() => source.normal(), ...shape);
const logs = (...shape: number[]) => made(() => Math.log(source.real()), ...shape);

/** Tokens from … to of a tensor [H, T, …]. */
function part(x: Floats, from: number, to: number): Floats {
  const [heads, tokens, ...rest] = x.shape as [number, number];
  const width = rest.reduce((n: number, length: number) => n * length, 1);
  const data = new Float32Array(heads * (to - from) * width);
  for (let h = 0; h < heads; h++)
    data.set(x.data.subarray((h * tokens + from) * width, (h * tokens + to) * width), h * (to - from) * width);
  return { shape: [heads, to - from, ...rest], data };
}

/** The largest distance of two results, as a share of the largest value. */
function apart(a: Floats, b: Floats): number {
  expect(a.shape).toEqual(b.shape);
  const scale = b.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  return a.data.reduce((far, x, i) => Math.max(far, Math.abs(x - b.data[i]!) / scale), 0);
}

interface Run {
  readonly q: Floats;
  readonly k: Floats;
  readonly v: Floats;
  readonly options: LinearAttentionOptions;
}

/** A run in pieces, each from the state that the one before it has left. */
function inPieces(kernels: Kernels, { q, k, v, options }: Run, cuts: readonly number[], chunk: number) {
  const [heads, tokens, width] = v.shape as [number, number, number];
  const out = new Float32Array(heads * tokens * width);
  let { state, z } = options;
  cuts.forEach((from, i) => {
    const to = cuts[i + 1] ?? tokens;
    const gates = options.gates && options.gates.shape.length > 1 ? part(options.gates, from, to) : options.gates;
    const piece = kernels.linearAttention(part(q, from, to), part(k, from, to), part(v, from, to), {
      ...options,
      ...{ gates, state, z, chunk },
    });
    for (let h = 0; h < heads; h++)
      out.set(
        piece.out.data.subarray(h * (to - from) * width, (h + 1) * (to - from) * width),
        (h * tokens + from) * width,
      );
    ({ state, z } = piece);
  });
  return { out: { shape: [heads, tokens, width], data: out }, state: state!, z };
}

const T = 41;
const runs: Readonly<Record<string, () => Run>> = {
  "no gates": () => ({ q: drawn(2, T, 5), k: drawn(2, T, 5), v: drawn(2, T, 9), options: { sums: true } }),
  "a gate a head": () => ({
    ...{ q: drawn(2, T, 5), k: drawn(2, T, 5), v: drawn(2, T, 9) },
    options: { gates: logs(2), state: drawn(2, 5, 9) },
  }),
  "a gate a token": () => ({
    ...{ q: drawn(2, T, 8), k: drawn(2, T, 8), v: drawn(2, T, 16) },
    options: { gates: logs(2, T), sums: true },
  }),
  "a gate a channel": () => ({
    ...{ q: drawn(2, T, 6), k: drawn(2, T, 6), v: drawn(2, T, 9) },
    options: { gates: logs(2, T, 6), z: drawn(2, 6), state: drawn(2, 6, 9) },
  }),
  "reading before writing": () => ({
    ...{ q: drawn(2, T, 6), k: drawn(2, T, 6), v: drawn(2, T, 9) },
    options: { gates: logs(2, T, 6), bonus: drawn(2, 6), state: drawn(2, 6, 9) },
  }),
};

for (const { name, runs: supported, kernels } of targets)
  describe.skipIf(!supported)(name, () => {
    describe.each(Object.entries(runs))("%s", (_, make) => {
      test("cut anywhere and resumed, in any chunks, it is the recurrence", () => {
        const run = make();
        const whole = inPieces(kernels, run, [0], 1);
        // Each sum has at most T terms of a few products, each rounded once.
        const within = 4 * T * 2 ** -24;
        for (const chunk of [1, 3, 4, 8, 13, 16, 32, 64])
          for (let cut = 0; cut <= T; cut += chunk === 16 ? 1 : 7) {
            const { out, state, z } = inPieces(kernels, run, cut % T ? [0, cut] : [0], chunk);
            expect(apart(out, whole.out), `chunk ${chunk}, cut ${cut}`).toBeLessThan(within);
            expect(apart(state, whole.state), `chunk ${chunk}, cut ${cut}`).toBeLessThan(within);
            if (z) expect(apart(z, whole.z!)).toBeLessThan(within);
          }
      });
      test("cut between chunks it is the same bit for bit", () => {
        const run = make();
        const whole = inPieces(kernels, run, [0], 8);
        // The token after a cut reads the state as it is handed over where a token reads before it writes.
        if (run.options.bonus) expect(inPieces(kernels, run, [0, 16, 32], 8).state).toEqual(whole.state);
        else expect(inPieces(kernels, run, [0, 16, 32], 8)).toEqual(whole);
      });
      test("prefill, then token by token", () => {
        const run = make();
        const whole = inPieces(kernels, run, [0], 16);
        const steps = [0, ...Array.from({ length: 12 }, (_, i) => T - 12 + i)];
        const { out, state } = inPieces(kernels, run, steps, 16);
        expect(apart(out, whole.out)).toBeLessThan(4 * T * 2 ** -24);
        expect(apart(state, whole.state)).toBeLessThan(4 * T * 2 ** -24);
      });
    });

    test("no gate is too strong or too weak", () => {
      const [q, k, v] = [drawn(1, 40, 6), drawn(1, 40, 6), drawn(1, 40, 9)];
      for (const strength of [0, -1e-7, -1, -5, -17, -40, -60, -90, -1000, -3e38, Number.NEGATIVE_INFINITY])
        for (const gates of [made(() => strength, 1), made(() => strength * source.real() || 0, 1, 40, 6)]) {
          const one = kernels.linearAttention(q, k, v, { gates, chunk: 1 });
          const many = kernels.linearAttention(q, k, v, { gates, chunk: 16 });
          expect(apart(many.out, one.out), `${strength}`).toBeLessThan(160 * 2 ** -24);
          expect(apart(many.state, one.state), `${strength}`).toBeLessThan(160 * 2 ** -24);
        }
    });
    test("a gate of −∞ forgets exactly", () => {
      const [q, k, v] = [drawn(1, 40, 8), drawn(1, 40, 8), drawn(1, 40, 8)];
      for (const at of [1, 7, 8, 16, 21, 39]) {
        const gates = made(() => -0.1, 1, 40, 8);
        gates.data.fill(Number.NEGATIVE_INFINITY, at * 8, (at + 1) * 8);
        const whole = kernels.linearAttention(q, k, v, { gates });
        const rest = [q, k, v].map((x) => part(x, at, 40)) as [Floats, Floats, Floats];
        const later = kernels.linearAttention(...rest, { gates: part(gates, at, 40), state: drawn(1, 8, 8) });
        expect(apart(part(whole.out, at, 40), later.out), `${at}`).toBeLessThan(160 * 2 ** -24);
        expect(apart(whole.state, later.state), `${at}`).toBeLessThan(160 * 2 ** -24);
      }
    });
    test("huge and tiny values keep their relative error", () => {
      for (const size of [1e-37, 1e-12, 1e12]) {
        const [q, k, v, gates] = [drawn(1, 20, 8), drawn(1, 20, 8), drawn(1, 20, 8), logs(1, 20, 8)];
        const { out } = kernels.linearAttention(q, k, v, { gates });
        const scaled = made(() => 0, 1, 20, 8);
        q.data.forEach((x, i) => {
          scaled.data[i] = x * size;
        });
        const far = kernels.linearAttention(scaled, k, v, { gates });
        const back = { shape: out.shape, data: far.out.data.map((x) => x / size) };
        expect(apart(back, out), `${size}`).toBeLessThan(80 * 2 ** -24);
      }
    });
    test("a key, value or query that is not seen never matters, be it NaN or infinite", () => {
      const x = { q: drawn(1, 20, 8), k: drawn(1, 20, 8), v: drawn(1, 20, 12) };
      for (const gates of [undefined, logs(1), logs(1, 20), logs(1, 20, 8)])
        for (const which of ["q", "k", "v"] as const) {
          const spoilt = { shape: x[which].shape, data: x[which].data.slice() };
          const width = spoilt.shape[2]!;
          spoilt.data.fill(Number.NaN, 13 * width, 14 * width);
          spoilt.data[13 * width] = Number.POSITIVE_INFINITY;
          const { q, k, v } = { ...x, [which]: spoilt } as typeof x;
          const seen = kernels.linearAttention(q, k, v, { gates }).out;
          const want = kernels.linearAttention(x.q, x.k, x.v, { gates }).out;
          expect(apart(part(seen, 0, 13), part(want, 0, 13))).toBeLessThan(80 * 2 ** -24);
          expect(part(seen, 13, 14).data.every(Number.isNaN) || which === "v").toBe(true);
          if (which === "q") expect(apart(part(seen, 14, 20), part(want, 14, 20))).toBeLessThan(80 * 2 ** -24);
        }
    });
    test("heads are shared by neighbours: of keys, values, gates and queries", () => {
      const [q, k, v, gates] = [drawn(4, 21, 5), drawn(1, 21, 5), drawn(2, 21, 9), logs(2, 21, 5)];
      const repeated = (x: Floats, times: number): Floats => {
        const size = x.data.length / x.shape[0]!;
        const data = new Float32Array(x.data.length * times);
        for (let h = 0; h < x.shape[0]! * times; h++)
          data.set(x.data.subarray(Math.floor(h / times) * size, (Math.floor(h / times) + 1) * size), h * size);
        return { shape: [x.shape[0]! * times, ...x.shape.slice(1)], data };
      };
      const shared = kernels.linearAttention(q, k, v, { gates });
      const apartHeads = kernels.linearAttention(q, repeated(k, 4), repeated(v, 2), { gates: repeated(gates, 2) });
      expect(shared.out).toEqual(apartHeads.out);
      expect(shared.state.shape).toEqual([2, 5, 9]);
      expect(repeated(shared.state, 2)).toEqual(apartHeads.state);
    });
    test("tokens first is the same", () => {
      const [q, k, v, gates] = [drawn(3, 21, 5), drawn(3, 21, 5), drawn(3, 21, 9), logs(3, 21, 5)];
      const swapped = (x: Floats): Floats => {
        const [a, b, ...rest] = x.shape as [number, number];
        const width = rest.reduce((n: number, length: number) => n * length, 1);
        const data = new Float32Array(x.data.length);
        for (let i = 0; i < a; i++)
          for (let j = 0; j < b; j++)
            data.set(x.data.subarray((i * b + j) * width, (i * b + j + 1) * width), (j * a + i) * width);
        return { shape: [b, a, ...rest], data };
      };
      const options = { layout: "tokens-first", sums: true } as const;
      const there = kernels.linearAttention(swapped(q), swapped(k), swapped(v), { ...options, gates: swapped(gates) });
      const here = kernels.linearAttention(q, k, v, { gates, sums: true });
      expect(swapped(there.out)).toEqual(here.out);
      expect({ ...there, out: undefined }).toEqual({ ...here, out: undefined });
    });
    test("a state in the kernels' memory is changed in place, and a result may stay there", () => {
      const region = kernels.region();
      const [q, k, v] = [drawn(2, 1, 4), drawn(2, 1, 4), drawn(2, 1, 6)];
      const gates = logs(2);
      const state = region.tensorOf(drawn(2, 4, 6));
      const z = region.tensorOf(drawn(2, 4));
      const want = kernels.linearAttention(q, k, v, { gates, state, z });
      const into = region.tensor([2, 1, 6]);
      const got = kernels.linearAttention(q, k, v, { gates, state, z, into, stateInto: state, zInto: z });
      expect([got.out, got.state, got.z]).toEqual([into, state, z]);
      expect([into.data, state.data, z.data]).toEqual([want.out.data, want.state.data, want.z!.data]);
      region.release();
    });
    test("no tokens leave the state as it is", () => {
      const state = drawn(1, 3, 5);
      const none = kernels.linearAttention(drawn(1, 0, 3), drawn(1, 0, 3), drawn(1, 0, 5), { state, gates: logs(1) });
      expect(none.state).toEqual(state);
      const read = kernels.linearAttention(drawn(1, 9, 3), drawn(1, 0, 3), drawn(1, 0, 5), { state });
      expect(read.out.data.some((x) => x !== 0)).toBe(true);
      expect(read.state).toEqual(state);
    });

    const long = [1024, 4096, 16384];
    test.for(long)(
      "the error after %i tokens stays within the budget",
      { timeout: 120_000 },
      async (count, { annotate }) => {
        const report: string[] = [];
        const one = (x: Floats): Floats => ({ shape: x.shape.slice(1), data: x.data });
        const [q, k, v] = [drawn(1, count, 4), drawn(1, count, 4), drawn(1, count, 4)];
        const mild = made(() => Math.log(source.real()) / 64, 1, count, 4);
        const factors = { shape: mild.shape, data: mild.data.map(Math.exp) };
        const judge = async (
          id: keyof typeof implementations,
          page: never,
          inputs: Record<string, Floats>,
          options = {},
        ) => {
          const doubles = Object.entries(inputs).map(([input, { shape, data }]) => [
            input,
            { shape, data: Float64Array.from(data) },
          ]);
          const { exact, within } = budget(page, Object.fromEntries(doubles), options);
          const kernel = implementations[id](kernels) as unknown as (
            x: object,
            o: object,
          ) => Promise<{ out: Floats | Float32Array }>;
          const { out } = await kernel(inputs, { scale: 1, feature: "elu1", eps: 1e-6, ...options });
          const data = "shape" in out ? out.data : out;
          const far = data.reduce((most, x, i) => Math.max(most, Math.abs(x - exact.out!.data[i]!)), 0);
          const scale = exact.out!.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
          expect(far, id).toBeLessThanOrEqual(within.out!);
          report.push(
            `${id} ${(far / scale).toExponential(1)} (${((100 * far) / within.out!).toFixed(0)} % of the budget)`,
          );
        };
        const flat = { q: one(q), k: one(k), v: one(v) };
        await judge(
          "linear/gated-linear-attention",
          gatedLinearAttention as never,
          { ...flat, g: one(mild) },
          { scale: 1 },
        );
        await judge("linear/lightning-attention", lightningAttention as never, { q, k, v, slope: made(() => 1e-3, 1) });
        await judge("linear/linear-transformer", linearTransformer as never, flat, { causal: true });
        const rwkv = { r: flat.q, k: flat.k, v: flat.v, w: one(factors), u: drawn(4) };
        await judge("linear/rwkv6-time-mixing", rwkv6TimeMixing as never, rwkv);
        await annotate(report.join("; "));
      },
    );
  });

test("what does not fit is refused by name, and leaves no memory taken", () => {
  const [q, k, v] = [drawn(4, 3, 8), drawn(2, 3, 8), drawn(2, 3, 6)];
  const wrong = (message: string, x: Floats, y: Floats, w: Floats, options: LinearAttentionOptions = {}) => {
    const before = plain.arena.used;
    expect(() => plain.linearAttention(x, y, w, options)).toThrow(message);
    expect(plain.arena.used).toBe(before);
  };
  wrong("linearAttention: q has shape [3, 8], expected [Hq, Tq, D]; one head is an axis of 1", drawn(3, 8), k, v);
  wrong("linearAttention: k has D = 7, but q has D = 8", q, drawn(2, 3, 7), v);
  wrong("linearAttention: v has Tk = 4, but k has Tk = 3", q, k, drawn(2, 4, 6));
  wrong("linearAttention: v has E = 0; only the tokens may be none", q, k, drawn(2, 3, 0));
  wrong("linearAttention: Hq must be a multiple or a divisor of 2", drawn(3, 3, 8), k, v);
  wrong("linearAttention: Hk must be a divisor of 3", drawn(3, 3, 8), k, drawn(3, 3, 6));
  wrong("linearAttention: gates has Tk = 4, but k has Tk = 3", q, k, v, { gates: drawn(2, 4) });
  wrong("linearAttention: gates has shape [2, 3, 8, 1], expected [Hg], [Hg, Tk] or [Hg, Tk, D]", q, k, v, {
    gates: drawn(2, 3, 8, 1),
  });
  wrong("linearAttention: give gates or valueGates, not both", q, k, v, {
    gates: drawn(2),
    valueGates: drawn(2, 3, 6),
  });
  wrong("linearAttention: valueGates fade no sum of keys", q, k, v, { valueGates: drawn(2, 3, 6), sums: true });
  wrong("linearAttention: state has shape [2, 8, 5], expected [2, 8, 6]", q, k, v, { state: drawn(2, 8, 5) });
  wrong("linearAttention: z has shape [2, 7], expected [2, 8]", q, k, v, { z: drawn(2, 7) });
  wrong("linearAttention: chunk must be a whole number of tokens from 1 to 256, got 0", q, k, v, { chunk: 0 });
  wrong("linearAttention: scale must be a finite number, got NaN", q, k, v, { scale: Number.NaN });
  wrong("linearAttention: epsilon must be a finite number, got Infinity", q, k, v, { epsilon: Infinity });
  wrong("linearAttention: bonus needs before", q, k, v, { bonus: drawn(1, 8), before: false });
  wrong("linearAttention: bonus has shape [3, 8], expected [Hu, D] = [a divisor of 4, 8]", q, k, v, {
    bonus: drawn(3, 8),
  });
  wrong("linearAttention: before needs causal", q, k, v, { before: true, causal: false });
  wrong("linearAttention: before needs a query for every key, got Tq = 2, Tk = 3", drawn(4, 2, 8), k, v, {
    before: true,
  });
  wrong("linearAttention: layout must be heads-first or tokens-first, got THD", q, k, v, {
    layout: "THD" as "heads-first",
  });
  const region = plain.region();
  const state = region.tensorOf(drawn(2, 8, 6));
  const z = region.tensorOf(drawn(2, 8));
  wrong("linearAttention: zInto needs sums: true, z or epsilon", q, k, v, { zInto: z });
  wrong("linearAttention: stateInto has shape [2, 8], expected [2, 8, 6]", q, k, v, { stateInto: z });
  wrong("linearAttention: into overlaps state in memory", drawn(2, 8, 8), drawn(2, 8, 8), drawn(2, 8, 6), {
    state,
    into: state,
  });
  region.release();
});
