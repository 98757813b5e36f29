import { describe, expect, test } from "vitest";
import { random } from "../../src/oracle.ts";
import { radicesOf, smoothLength } from "../../src/wasm/fourier-plan.ts";
import type { Carried, CarriedOptions, Floats, Kernels } from "../../src/wasm.ts";
import { plain, targets } from "./targets.ts";

const source = random(17);
const made = (shape: readonly number[], value: (i: number) => number): Floats => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, (_, i) => value(i)),
});
const drawn = (...shape: number[]) => made(shape, () => source.normal());
const steps = (...shape: number[]) => made(shape, () => 0.5 * Math.abs(source.normal()));
const rates = (...shape: number[]) => made(shape, () => -Math.abs(source.normal()));

/** The rows from `from` to `to`. */
const cut = ({ shape, data }: Floats, from: number, to: number): Floats => {
  const width = data.length / shape[0]!;
  return { shape: [to - from, ...shape.slice(1)], data: data.slice(from * width, to * width) };
};
const joined = (a: Floats, b: Floats) => [...a.data, ...b.data];

/** A recurrence over `tokens` tokens, as a function of a stretch of them and a state. */
interface Recurrence {
  readonly name: string;
  /** Where a state may be handed over bit for bit, since chunks are the same. */
  readonly chunk: number;
  readonly run: (kernels: Kernels, from: number, to: number, options: CarriedOptions) => Carried;
}

const tokens = 150;
const conv = { x: drawn(tokens, 21), weights: drawn(21, 4), bias: drawn(21) };
const scanned = {
  u: drawn(tokens, 21),
  delta: drawn(tokens, 21),
  a: rates(21, 5),
  b: drawn(tokens, 5),
  c: drawn(tokens, 5),
};
const gate = drawn(tokens, 21);
const dual = {
  u: drawn(tokens, 4, 11),
  delta: steps(tokens, 4),
  a: rates(4),
  b: drawn(tokens, 2, 13),
  c: drawn(tokens, 2, 13),
};
const factors = made([tokens, 7], () => source.real());
const inputs = drawn(tokens, 7);

const recurrences: readonly Recurrence[] = [
  {
    name: "short convolution",
    chunk: 1,
    run: (kernels, from, to, options) =>
      kernels.convolution(cut(conv.x, from, to), conv.weights, { bias: conv.bias, activation: "silu", ...options }),
  },
  {
    name: "selective scan",
    chunk: 1,
    run: (kernels, from, to, options) =>
      kernels.selectiveScan(
        {
          u: cut(scanned.u, from, to),
          delta: cut(scanned.delta, from, to),
          a: scanned.a,
          b: cut(scanned.b, from, to),
          c: cut(scanned.c, from, to),
        },
        { softplus: true, z: cut(gate, from, to), ...options },
      ),
  },
  {
    name: "linear recurrence",
    chunk: 1,
    run: (kernels, from, to, options) => kernels.recurrence(cut(factors, from, to), cut(inputs, from, to), options),
  },
  {
    name: "state-space duality",
    chunk: 64,
    run: (kernels, from, to, options) =>
      kernels.ssd(
        {
          u: cut(dual.u, from, to),
          delta: cut(dual.delta, from, to),
          a: dual.a,
          b: cut(dual.b, from, to),
          c: cut(dual.c, from, to),
        },
        options,
      ),
  },
];

/** The largest difference, relative to the largest value. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [far, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    far = Math.max(far, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return far / size;
}

for (const { name, runs, kernels } of targets)
  describe.skipIf(!runs)(name, () => {
    describe.each(recurrences)("$name", ({ chunk, run }) => {
      test("cut anywhere and resumed it is the whole", () => {
        const whole = run(kernels, 0, tokens, {});
        for (let place = 0; place <= tokens; place++) {
          const first = run(kernels, 0, place, {});
          const second = run(kernels, place, tokens, { state: first.state });
          if (place % chunk === 0) {
            expect(joined(first.out, second.out), `cut at ${place}`).toEqual([...whole.out.data]);
            expect(second.state.data).toEqual(whole.state.data);
          } else {
            // Sums of chunks that lie elsewhere round elsewhere, each no more often than there are tokens and states.
            expect(apart(joined(first.out, second.out), whole.out.data), `cut at ${place}`).toBeLessThan(2 ** -18);
            expect(apart(second.state.data, whole.state.data)).toBeLessThan(2 ** -18);
          }
        }
      });
      test("prefilled and then token by token it is the whole", () => {
        const whole = run(kernels, 0, tokens, {});
        const first = run(kernels, 0, 70, {});
        const region = kernels.region();
        const state = region.tensorOf(first.state);
        const out = [...first.out.data];
        for (let t = 70; t < tokens; t++) out.push(...run(kernels, t, t + 1, { state, stateInto: state }).out.data);
        expect(apart(out, whole.out.data)).toBeLessThan(2 ** -18);
        expect(apart(state.data, whole.state.data)).toBeLessThan(2 ** -18);
        region.release();
      });
      test("without tokens the state stays, and is zeros at first", () => {
        const { state } = run(kernels, 0, 9, {});
        expect(run(kernels, 9, 9, { state }).state.data).toEqual(state.data);
        expect(run(kernels, 0, 0, {}).state.data.every((x) => x === 0)).toBe(true);
      });
      test("results may stay in the kernels' memory", () => {
        const whole = run(kernels, 0, tokens, {});
        const region = kernels.region();
        const [into, stateInto] = [region.tensor(whole.out.shape), region.tensor(whole.state.shape)];
        const { out, state } = run(kernels, 0, tokens, { into, stateInto });
        expect([out, state]).toEqual([into, stateInto]);
        expect(into.data).toEqual(whole.out.data);
        expect(stateInto.data).toEqual(whole.state.data);
        region.release();
      });
    });

    test("what comes later does not matter: results of the first tokens are the same bits", () => {
      const { out } = recurrences[3]!.run(kernels, 0, tokens, {});
      const shorter = recurrences[3]!.run(kernels, 0, 128, {});
      expect(out.data.slice(0, shorter.out.data.length)).toEqual(shorter.out.data);
    });

    test.each([
      ["decays of 0", -1e6],
      ["no decay", 0],
    ])("state-space duality with %s", (_, rate) => {
      const a = made([4], () => rate);
      const { out, state } = kernels.ssd({ ...dual, a });
      const again = token(dual, a);
      expect(apart(out.data, again.out)).toBeLessThan(2 ** -18);
      expect(apart(state.data, again.state)).toBeLessThan(2 ** -18);
    });

    test("a silent stretch leaves no denormal states behind", () => {
      const quiet = made([4096, 4], () => 0);
      const half = made([4096, 4], () => 0.5);
      const state = made([4], () => 1);
      expect([...kernels.recurrence(half, quiet, { state }).state.data]).toEqual([0, 0, 0, 0]);
      const ones = made([4096, 1], () => 1);
      const rate = made([4, 1], () => -1.5);
      const scan = { u: quiet, delta: half, a: rate, b: ones, c: ones };
      expect([...kernels.selectiveScan(scan, { state: made([4, 1], () => 1) }).state.data]).toEqual([0, 0, 0, 0]);
    });

    test("errors stay small up to 16384 tokens", { timeout: 60_000 }, async ({ annotate }) => {
      const T = 16384;
      const long = {
        u: drawn(T, 2, 8),
        delta: steps(T, 2),
        a: made([2], (h) => (h ? -0.001 : -0.5)),
        b: drawn(T, 1, 8),
        c: drawn(T, 1, 8),
      };
      const exact = token(long, long.a);
      const { out, state } = kernels.ssd(long);
      const growth = [256, 1024, 4096, T].map((t) =>
        apart(out.data.subarray(0, t * 16), exact.out.subarray(0, t * 16)),
      );
      const last = apart(state.data, exact.state);
      await annotate(`state-space duality, errors by tokens: ${growth.map((g) => g.toExponential(1)).join(", ")}`);
      // As many roundings in a row as a decay of e^−0.0004 keeps tokens in memory.
      expect(Math.max(...growth, last)).toBeLessThan(2 ** -24 * Math.sqrt(T) * 8);
      const narrow = {
        u: drawn(T, 4),
        delta: steps(T, 4),
        a: made([4, 4], (i) => (i % 2 ? -0.001 : -0.5)),
        b: drawn(T, 4),
        c: drawn(T, 4),
      };
      const scan = kernels.selectiveScan(narrow);
      const by = channel(narrow);
      const scanGrowth = [256, 1024, 4096, T].map((t) =>
        apart(scan.out.data.subarray(0, t * 4), by.subarray(0, t * 4)),
      );
      await annotate(`selective scan, errors by tokens: ${scanGrowth.map((g) => g.toExponential(1)).join(", ")}`);
      expect(Math.max(...scanGrowth)).toBeLessThan(2 ** -24 * Math.sqrt(T) * 8);
    });

    test("transforms of every length to 40 and back give the same", () => {
      for (let n = 1; n <= 40; n++) {
        const [re, im] = [drawn(n, 5), drawn(n, 5)];
        const there = kernels.fourier(re, im, { axis: 0 });
        const back = kernels.fourier(there.re, there.im, { axis: 0, inverse: true });
        expect(apart(back.re.data, re.data)).toBeLessThan(2 ** -19);
        expect(apart(back.im.data, im.data)).toBeLessThan(2 ** -19);
      }
    });
    test("long convolutions agree with short ones", () => {
      for (const T of [1, 2, 47, 48, 49, 200, 257]) {
        const [u, taps] = [drawn(T, 6), drawn(6, 64)];
        const turned = made([6, 64], (i) => taps.data[(Math.floor(i / 64) + 1) * 64 - 1 - (i % 64)]!);
        const { out } = kernels.convolution(u, turned);
        expect(apart(kernels.longConvolution(u, taps).data, out.data)).toBeLessThan(2 ** -19);
      }
    });
    test("one filter for all channels", () => {
      const [u, taps, behind] = [drawn(100, 5), drawn(1, 70), drawn(1, 99)];
      const all = (x: Floats) => made([5, x.shape[1]!], (i) => x.data[i % x.shape[1]!]!);
      expect(kernels.longConvolution(u, taps, { behind }).data).toEqual(
        kernels.longConvolution(u, all(taps), { behind: all(behind) }).data,
      );
    });
  });

/** State-space duality in float64, token by token. */
function token({ u, delta, b, c }: Readonly<Record<"u" | "delta" | "b" | "c", Floats>>, a: Floats) {
  const [T, H, E] = u.shape as [number, number, number];
  const [, G, N] = b.shape as [number, number, number];
  const state = new Float64Array(H * E * N);
  const out = new Float64Array(T * H * E);
  for (let t = 0; t < T; t++)
    for (let h = 0; h < H; h++) {
      const step = delta.data[t * H + h]!;
      const group = (t * G + Math.floor((h * G) / H)) * N;
      for (let e = 0; e < E; e++)
        for (let n = 0; n < N; n++) {
          const at = (h * E + e) * N + n;
          const written = step * u.data[(t * H + h) * E + e]! * b.data[group + n]!;
          state[at] = Math.exp(step * a.data[h]!) * state[at]! + written;
          out[(t * H + h) * E + e]! += state[at]! * c.data[group + n]!;
        }
    }
  return { out, state };
}

/** A selective scan in float64. */
function channel({ u, delta, a, b, c }: Readonly<Record<"u" | "delta" | "a" | "b" | "c", Floats>>) {
  const [T, C] = u.shape as [number, number];
  const N = a.shape[1]!;
  const state = new Float64Array(C * N);
  const out = new Float64Array(T * C);
  for (let t = 0; t < T; t++)
    for (let i = 0; i < C; i++)
      for (let n = 0; n < N; n++) {
        const step = delta.data[t * C + i]!;
        const at = i * N + n;
        state[at] = Math.exp(step * a.data[at]!) * state[at]! + step * u.data[t * C + i]! * b.data[t * N + n]!;
        out[t * C + i]! += state[at]! * c.data[t * N + n]!;
      }
  return out;
}

describe("the border", () => {
  const wrong = (message: string, call: () => unknown) => {
    const before = plain.arena.used;
    expect(call).toThrow(message);
    expect(plain.arena.used).toBe(before);
  };
  test("what does not fit is refused by name, and leaves no memory taken", () => {
    const x = drawn(5, 3);
    wrong("convolution: weights has C = 4, but x has C = 3; expected [C, K], got [4, 2]", () =>
      plain.convolution(x, drawn(4, 2)),
    );
    wrong("convolution: weights has no taps (K = 0)", () => plain.convolution(x, drawn(3, 0)));
    wrong("convolution: state has shape [2, 3], expected [1, 3]", () =>
      plain.convolution(x, drawn(3, 2), { state: drawn(2, 3) }),
    );
    wrong("convolution: activation must be none or silu, got relu", () =>
      plain.convolution(x, drawn(3, 2), { activation: "relu" as "silu" }),
    );
    wrong("selectiveScan: c has N = 2, but a has N = 5", () =>
      plain.selectiveScan({ ...scanned, c: drawn(tokens, 2) }),
    );
    wrong("selectiveScan: z has shape [21], expected [T, C]", () => plain.selectiveScan(scanned, { z: drawn(21) }));
    wrong("recurrence: x has T = 4, but factors has T = 5", () => plain.recurrence(x, drawn(4, 3)));
    wrong("ssd: H must be a multiple of G: got H = 4, G = 3", () =>
      plain.ssd({ ...dual, b: drawn(tokens, 3, 13), c: drawn(tokens, 3, 13) }),
    );
    wrong("ssd: delta has H = 3, but u has H = 4", () => plain.ssd({ ...dual, delta: drawn(tokens, 3) }));
    wrong("diagonalSystem: readIm needs keepIm", () =>
      plain.diagonalSystem({ u: x, keep: drawn(3, 2), write: drawn(3, 2), read: drawn(3, 2), readIm: drawn(3, 2) }),
    );
    wrong("fourier: axis must be one of the 2 axes of [5, 3] from 0 on, got 2", () =>
      plain.fourier(x, undefined, { axis: 2 }),
    );
    wrong("longConvolution: taps has shape [2, 9], expected [C, K] or [1, K] with C = 3", () =>
      plain.longConvolution(x, drawn(2, 9)),
    );
  });
  test("a state may be brought up to date in place, but not half over another", () => {
    const region = plain.region();
    const x = region.tensorOf(drawn(5, 3));
    wrong("recurrence: stateInto has shape [5, 3], expected [3]", () => plain.recurrence(x, x, { stateInto: x }));
    wrong("recurrence: into overlaps factors in memory", () => plain.recurrence(x, x, { into: x }));
    const state = region.tensorOf(drawn(3));
    expect(plain.recurrence(x, x, { state, stateInto: state }).state).toBe(state);
    region.release();
  });
  test("lengths for transforms", () => {
    expect(radicesOf(720)).toEqual([4, 4, 3, 3, 5]);
    expect(radicesOf(38)).toEqual([2, 19]);
    expect(radicesOf(1)).toEqual([]);
    expect([1, 7, 11, 100, 129, 4097].map(smoothLength)).toEqual([1, 8, 12, 100, 144, 4608]);
  });
});
