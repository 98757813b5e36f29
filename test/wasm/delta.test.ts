import { describe, expect, test } from "vitest";
import { gatedDeltanet } from "../../spec/linear/gated-deltanet.ts";
import { kimiDeltaAttention } from "../../spec/linear/kimi-delta-attention.ts";
import { rwkv7TimeMixing } from "../../spec/linear/rwkv7-time-mixing.ts";
import { allowance } from "../../src/oracle/budget.ts";
import { budget, conforms, random } from "../../src/oracle.ts";
import type { DeltaRuleOptions, Floats, Kernels } from "../../src/wasm.ts";
import { everyDelta, everyDeltaKernel } from "./every-delta.ts";
import { plain, targets } from "./targets.ts";

const source = random(4);
const made = (shape: number[], f: () => number): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, f),
});
const drawn = (...shape: number[]) => made(shape, () => source.normal());
const shares = (...shape: number[]) => made(shape, () => source.real());

/** Keys of length 1. */
function keys(...shape: number[]): Floats {
  const k = drawn(...shape);
  const width = shape.at(-1)!;
  for (let start = 0; start < k.data.length; start += width) {
    const row = k.data.subarray(start, start + width);
    row.set(row.map((x) => x / Math.hypot(...row)));
  }
  return k;
}

/** Tokens `from` to `to` of one head. */
function cut(t: Floats, from: number, to: number): Floats {
  const row = t.data.length / t.shape[1]!;
  return { shape: [1, to - from, ...t.shape.slice(2)], data: t.data.slice(from * row, to * row) };
}
const cutAll = (options: DeltaRuleOptions, from: number, to: number): DeltaRuleOptions =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      typeof value === "object" && name !== "state" ? cut(value as Floats, from, to) : value,
    ]),
  );

const page = (t: Floats) => ({ shape: t.shape.slice(1), data: Float64Array.from(t.data) });
/** Where the largest error stands as a share of its budget. */
function worst(got: Floats, exact: { readonly data: ArrayLike<number> }, within: number): number {
  return got.data.reduce((far, x, i) => Math.max(far, Math.abs(x - exact.data[i]!) / within), 0);
}

const [T, D, E] = [43, 6, 5];
const inputs = { q: drawn(1, T, D), k: keys(1, T, D), v: drawn(1, T, E), state: drawn(1, D, E) };
const { q, k, v, state } = inputs;
const beta = shares(1, T);
const erase = made([1, T, D], () => source.real() / 2);
/** Each rule with the page that says what it should give. */
const rules = {
  "one gate a token": {
    options: { gate: made([1, T], () => -source.real()), beta },
    exact: (o: DeltaRuleOptions) =>
      budget(gatedDeltanet, pages({ ...inputs, g: o.gate!, beta: o.beta! }), {}, "float32"),
  },
  "a gate for each feature": {
    options: { gate: made([1, T, D], () => -source.real()), beta },
    exact: (o: DeltaRuleOptions) =>
      budget(kimiDeltaAttention, pages({ ...inputs, g: o.gate!, beta: o.beta! }), {}, "float32"),
  },
  "erasing at another key": {
    options: { decay: made([1, T, D], () => 1 - source.real() / 2), readBefore: true, scale: 1, read: k, erase },
    exact: (o: DeltaRuleOptions) => {
      const a = made([1, T, D], () => 0);
      a.data.set(a.data.map((_, i) => o.erase!.data[i]! / k.data[i]!));
      return budget(rwkv7TimeMixing, pages({ r: q, w: o.decay!, k, v, kk: k, a, state }), {}, "float32");
    },
  },
} satisfies Record<string, { options: DeltaRuleOptions; exact: (o: DeltaRuleOptions) => ReturnType<typeof budget> }>;
const pages = (tensors: Record<string, Floats>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, page(t)]));

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    test("all options at once, chunks of every size", { timeout: 120_000 }, async ({ annotate }) => {
      const verdict = await conforms(everyDelta, everyDeltaKernel(kernels), { cases: 250, seed: 21 });
      expect(verdict.conforms, String(verdict)).toBe(true);
      await annotate(`largest error ${(100 * verdict.share).toFixed(0)} % of the budget, ${verdict.judged} cases`);
    });
    test("all options at once, across chunks and panels", { timeout: 120_000 }, async () => {
      for (const chunk of [1, 3, 8, 11, 16, 24]) {
        const sizes = { Hk: 1, H: 2, T: 27, D: 6, E: 9 };
        const fixed = { sizes, options: { chunk } };
        const verdict = await conforms(everyDelta, everyDeltaKernel(kernels), { cases: 4, seed: chunk, fixed });
        expect(verdict.conforms, String(verdict)).toBe(true);
      }
    });

    describe.each(Object.entries(rules))("%s", (_, { options, exact }) => {
      const { exact: wanted, within } = exact(options);
      const judge = (out: Floats, after: Floats) => {
        expect(worst(out, wanted.out!, within.out!)).toBeLessThanOrEqual(1);
        expect(worst(after, wanted.state!, within.state!)).toBeLessThanOrEqual(1);
      };
      test.each([1, 2, 7, 8, 9, 16, 40, 256])("chunks of %i", (chunk) => {
        const whole = kernels.deltaRule(q, k, v, { ...options, state, chunk });
        judge(whole.out, whole.state);
      });
      test.each([1, 16])("cut anywhere and resumed from the state, chunks of %i", (chunk) => {
        const whole = kernels.deltaRule(q, k, v, { ...options, state, chunk });
        for (let at = 0; at <= T; at++) {
          const part = (from: number, to: number, before: Floats) =>
            kernels.deltaRule(cut(q, from, to), cut(k, from, to), cut(v, from, to), {
              ...cutAll(options, from, to),
              state: before,
              chunk,
            });
          const first = part(0, at, state);
          const second = part(at, T, first.state);
          const out = Float32Array.of(...first.out.data, ...second.out.data);
          judge({ shape: whole.out.shape, data: out }, second.state);
          if (at % chunk === 0) expect([out, second.state.data]).toEqual([whole.out.data, whole.state.data]);
        }
      });
      test("a prompt in chunks, then token by token with the state in place", () => {
        const region = kernels.region();
        const prompt = 19;
        const now = region.tensor([1, D, E]);
        const before = cutAll(options, 0, prompt);
        const start = kernels.deltaRule(cut(q, 0, prompt), cut(k, 0, prompt), cut(v, 0, prompt), {
          ...before,
          state,
          stateInto: now,
        });
        expect(start.state).toBe(now);
        const out = [...start.out.data];
        for (let t = prompt; t < T; t++) {
          const one = cutAll(options, t, t + 1);
          const step = kernels.deltaRule(cut(q, t, t + 1), cut(k, t, t + 1), cut(v, t, t + 1), {
            ...one,
            state: now,
            stateInto: now,
          });
          out.push(...step.out.data);
        }
        judge({ shape: [1, T, E], data: Float32Array.from(out) }, now);
        region.release();
      });
      test("what comes later never reaches a result, be it NaN or infinite", () => {
        for (const chunk of [1, 8, 16]) {
          const whole = kernels.deltaRule(q, k, v, { ...options, state, chunk });
          for (const t of [3, 17, 23])
            for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
              const spoilt = (x: Floats): Floats => {
                const data = x.data.slice();
                return { shape: x.shape, data: data.fill(bad, (t * data.length) / T) };
              };
              const spoiltOptions = Object.fromEntries(
                Object.entries(options).map(([key, value]) => [
                  key,
                  typeof value === "object" ? spoilt(value as Floats) : value,
                ]),
              );
              const { out } = kernels.deltaRule(spoilt(q), spoilt(k), spoilt(v), { ...spoiltOptions, state, chunk });
              expect(out.data.subarray(0, t * E)).toEqual(whole.out.data.subarray(0, t * E));
            }
        }
      });
    });

    test("a gate of −∞, or a decay of 0, leaves nothing of what was before", () => {
      for (const chunk of [1, 16])
        for (const at of [2, 8, 21])
          for (const wide of [false, true]) {
            const gate = made(wide ? [1, T, D] : [1, T], () => -0.1);
            const row = wide ? D : 1;
            gate.data.fill(Number.NEGATIVE_INFINITY, at * row, (at + 1) * row);
            const decay = { shape: gate.shape, data: gate.data.map(Math.exp) };
            for (const gates of [{ gate }, { decay }]) {
              const whole = kernels.deltaRule(q, k, v, { ...gates, beta, state, chunk });
              const rest = kernels.deltaRule(cut(q, at, T), cut(k, at, T), cut(v, at, T), {
                ...cutAll({ ...gates, beta }, at, T),
                chunk,
              });
              const { exact, within } = budget(
                wide ? kimiDeltaAttention : gatedDeltanet,
                pages({
                  ...{ q: cut(q, at, T), k: cut(k, at, T), v: cut(v, at, T), beta: cut(beta, at, T) },
                  g: { ...cut(gate, at, T), data: cut(gate, at, T).data.map((g) => Math.max(g, -1e4)) },
                }),
                {},
              );
              const tail = { shape: [1, T - at, E], data: whole.out.data.subarray(at * E) };
              expect(worst(tail, exact.out!, within.out!)).toBeLessThanOrEqual(1);
              expect(worst(whole.state, exact.state!, within.state!)).toBeLessThanOrEqual(1);
              expect(worst(rest.out, exact.out!, within.out!)).toBeLessThanOrEqual(1);
            }
          }
    });
    test("gates of −10 to −1000 and of −10⁻⁶ overflow nowhere and stay within the budget", () => {
      for (const size of [1e-6, 10, 60, 1000])
        for (const wide of [false, true]) {
          const gate = made(wide ? [1, T, D] : [1, T], () => -size * source.real());
          const mechanism = wide ? kimiDeltaAttention : gatedDeltanet;
          const { exact, within } = budget(mechanism, pages({ ...inputs, g: gate, beta }), {});
          for (const chunk of [1, 16, 64]) {
            const { out, state: after } = kernels.deltaRule(q, k, v, { gate, beta, state, chunk });
            expect(worst(out, exact.out!, within.out!)).toBeLessThanOrEqual(1);
            expect(worst(after, exact.state!, within.state!)).toBeLessThanOrEqual(1);
          }
        }
    });
    test("no tokens leave the state as it is", () => {
      const none = kernels.deltaRule(drawn(1, 0, D), drawn(1, 0, D), drawn(1, 0, E), { state });
      expect([none.out.data.length, none.state.data]).toEqual([0, state.data]);
      const chunks = kernels.deltaRule(drawn(1, 0, D), drawn(1, 0, D), drawn(1, 0, E), { state, chunk: 16 });
      expect(chunks.state.data).toEqual(state.data);
    });
    test("16,384 tokens err no more than plain float32 steps may", { timeout: 120_000 }, async ({ annotate }) => {
      for (const wide of [false, true]) {
        const report = longRun(kernels, wide);
        await annotate(report.text);
        expect(report.ours).toBeLessThanOrEqual(allowance * report.steps);
      }
    });
  });

/** Largest errors relative to the largest value, over 16,384 tokens, of chunks and of float32 loops. */
function longRun(kernels: Kernels, wide: boolean) {
  const [N, W] = [16384, 16];
  const long = { q: drawn(1, N, W), k: keys(1, N, W), v: drawn(1, N, W), beta: shares(1, N) };
  const gate = made(wide ? [1, N, W] : [1, N], () => -0.02 * source.real());
  const run = (round: (x: number) => number) => {
    const S = new Float64Array(W * W);
    const out = new Float64Array(N * W);
    for (let t = 0; t < N; t++) {
      for (let i = 0; i < W * W; i++) {
        const g = gate.data[wide ? t * W + Math.floor(i / W) : t]!;
        S[i] = round(S[i]! * round(Math.exp(g)));
      }
      for (let e = 0; e < W; e++) {
        let held = 0;
        for (let d = 0; d < W; d++) held = round(held + round(long.k.data[t * W + d]! * S[d * W + e]!));
        const u = round(long.beta.data[t]! * round(long.v.data[t * W + e]! - held));
        let read = 0;
        for (let d = 0; d < W; d++) {
          S[d * W + e] = round(S[d * W + e]! + round(long.k.data[t * W + d]! * u));
          read = round(read + round(long.q.data[t * W + d]! * S[d * W + e]!));
        }
        out[t * W + e] = round(read / 4);
      }
    }
    return out;
  };
  const exact = run((x) => x);
  const size = exact.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const error = (got: ArrayLike<number>, from = 0, to = N) => {
    let far = 0;
    for (let i = from * W; i < to * W; i++) far = Math.max(far, Math.abs(got[i]! - exact[i]!) / size);
    return far;
  };
  const { out } = kernels.deltaRule(long.q, long.k, long.v, { gate, beta: long.beta });
  const [ours, steps] = [error(out.data), error(run(Math.fround))];
  const early = error(out.data, 0, 1024);
  const text = `${wide ? "a gate for each feature" : "one gate a token"}: largest error ${ours.toExponential(1)} of the largest value (${early.toExponential(1)} over the first 1,024 tokens; float32 loops ${steps.toExponential(1)})`;
  return { ours, steps, text };
}

describe("the border", () => {
  const wrong = (message: string, options: DeltaRuleOptions = {}, x = q, y = k, z = v) => {
    const before = plain.arena.used;
    expect(() => plain.deltaRule(x, y, z, options)).toThrow(message);
    expect(plain.arena.used).toBe(before);
  };
  test("what does not fit is refused by name, and leaves no memory taken", () => {
    wrong("deltaRule: q has shape [3, 8], expected [Hk, T, D]; one head is an axis of 1", {}, drawn(3, 8));
    wrong("deltaRule: k has D = 7, but q has D = 6", {}, q, drawn(1, T, 7));
    wrong("deltaRule: k has TR = 43, but q and writes = 2 has TR = 86", { writes: 2 });
    wrong("deltaRule: H must be a multiple of Hk: got H = 1, Hk = 2", {}, drawn(2, T, D), drawn(2, T, D));
    wrong("deltaRule: gate has T = 4, but q has T = 43", { gate: drawn(1, 4) });
    wrong("deltaRule: gate has D = 5, but q has D = 6", { gate: drawn(1, T, 5) });
    wrong("deltaRule: give gate, logarithms of decays, or decay, not both", { gate: beta, decay: beta });
    wrong("deltaRule: beta has shape [43], expected [H, TR, E]", { beta: drawn(T) });
    wrong("deltaRule: state has E = 4, but v has E = 5", { state: drawn(1, D, 4) });
    wrong("deltaRule: writes must be a whole number of at least 1, got 0", { writes: 0 });
    wrong("deltaRule: chunk must be a whole number from 1 to 256, got 0", { chunk: 0 });
    wrong("deltaRule: chunk must be 1 with diagonal, got 8", { chunk: 8, diagonal: true });
    wrong("deltaRule: erase must not be given with diagonal", { erase: k, diagonal: true });
    wrong("deltaRule: scale must be a finite number, got NaN", { scale: Number.NaN });
    wrong("deltaRule: layout must be heads-first or tokens-first, got THD", { layout: "THD" as "heads-first" });
    wrong("deltaRule: q has D = 0", {}, drawn(1, T, 0), drawn(1, T, 0));
  });
  test("targets of their own are filled, others refused", () => {
    const region = plain.region();
    const [into, stateInto] = [region.tensor([1, T, E]), region.tensor([1, D, E])];
    const ruled = plain.deltaRule(q, k, v, { state, beta, into, stateInto });
    expect([ruled.out, ruled.state]).toEqual([into, stateInto]);
    const apart = plain.deltaRule(q, k, v, { state, beta });
    expect([into.data, stateInto.data]).toEqual([apart.out.data, apart.state.data]);
    const inside = region.tensorOf(v);
    wrong("deltaRule: into overlaps v in memory", { into: inside }, q, k, inside);
    wrong("deltaRule: stateInto has shape [1, 43, 5], expected [1, 6, 5]", { stateInto: into });
    const square = region.tensorOf(drawn(1, 5, 5));
    wrong(
      "deltaRule: into overlaps stateInto",
      { into: square, stateInto: square },
      cut(drawn(1, T, 5), 0, 5),
      cut(drawn(1, T, 5), 0, 5),
      cut(v, 0, 5),
    );
    region.release();
  });
});
