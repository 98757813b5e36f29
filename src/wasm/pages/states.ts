/** Pages that a scan, a diagonal system, a short convolution or state-space duality implements. */
import type { aaren } from "../../../spec/linear/aaren.ts";
import type { attentionFreeTransformer } from "../../../spec/linear/attention-free-transformer.ts";
import type { dsfRecurrence } from "../../../spec/linear/dsf-recurrence.ts";
import type { mambaSelectiveSsm } from "../../../spec/linear/mamba-selective-ssm.ts";
import type { mamba2Ssd } from "../../../spec/linear/mamba2-ssd.ts";
import type { megaEma } from "../../../spec/linear/mega-ema.ts";
import type { qlstmReversedSigmoid } from "../../../spec/linear/qlstm-reversed-sigmoid.ts";
import type { rwkv4 } from "../../../spec/linear/rwkv-4.ts";
import type { s4d } from "../../../spec/linear/s4d.ts";
import type { hyenaX } from "../../../spec/spectral/hyena-x.ts";
import type { KernelTensor } from "../../oracle/kernel.ts";
import type { Kernels } from "../load.ts";
import type { Floats } from "../tensor.ts";
import { as, floats, given, type Implementation } from "./adapt.ts";
import { backwards, beside, columns, lastRows, map, plus, sigmoid, tensorOf, times, turned, zeros } from "./arrays.ts";

const minusExp = (x: Floats) => map(x, (a) => -Math.exp(a));
const rows = (x: Floats, from: number, to: number): Floats => {
  const width = x.data.length / x.shape[0]!;
  return { shape: [to - from, ...x.shape.slice(1)], data: x.data.slice(from * width, to * width) };
};
/** The rows that a convolution still reads, of those that a page carries. */
const tail = (state: Floats | undefined) => state && rows(state, 1, state.shape[0]!);

/**
 * Whether some state would grow within a token by more than a float can: rates above 0, which no model has. `rates` holds
 * some for each column of the steps.
 */
function explodes(steps: Floats, bias: Floats | undefined, positive: boolean, rates: Floats): boolean {
  const columns = steps.shape[1]!;
  const each = rates.data.length / columns;
  const highest = tensorOf([columns], (i) => Math.max(...rates.data.subarray(i * each, (i + 1) * each)));
  return steps.data.some((x, i) => {
    const raw = x + (bias?.data[i % columns] ?? 0);
    const step = positive ? Math.max(raw, 0) + Math.log1p(Math.exp(-Math.abs(raw))) : raw;
    return step * highest.data[i % columns]! > 88;
  });
}
const exploding = { decline: "a state grows within a token by more than float32 holds" };

const mamba: Implementation<typeof mambaSelectiveSsm> =
  (kernels) =>
  (inputs, { softplus, logA }) => {
    const { u, delta, b, c, z, x, a, d, dtBias, wU, wZ, conv, convB, wR, wDt, wB, wC, wOut, state, convState } = inputs;
    const [A, N] = a.shape as [number, number];
    const T = (u ?? x)!.shape[0]!;
    const product = (from: Floats, w: KernelTensor | undefined) => w && kernels.matmul(from, floats(w));
    const raw = plus(given(u), x && product(floats(x), wU)) ?? zeros(T, A);
    const options = { bias: given(convB), activation: "silu", state: tail(given(convState)) } as const;
    const token = conv ? kernels.convolution(raw, floats(conv), options).out : raw;
    const narrow = product(token, wR);
    const steps = plus(given(delta), narrow && product(narrow, wDt)) ?? zeros(T, A);
    const rates = logA ? minusExp(floats(a)) : floats(a);
    if (explodes(steps, given(dtBias), softplus, rates)) return exploding;
    const mixed = kernels.selectiveScan(
      {
        u: token,
        delta: steps,
        a: rates,
        b: plus(given(b), product(token, wB)) ?? zeros(T, N),
        c: plus(given(c), product(token, wC)) ?? zeros(T, N),
      },
      {
        d: given(d),
        z: plus(given(z), x && product(floats(x), wZ)),
        bias: given(dtBias),
        softplus,
        state: given(state),
      },
    );
    return {
      out: product(mixed.out, wOut) ?? mixed.out,
      state: mixed.state,
      convState: conv && lastRows(given(convState), raw, conv.shape[1]!),
    };
  };

const mamba2: Implementation<typeof mamba2Ssd> =
  (kernels) =>
  (inputs, { groups: G, softplus, logA, normGroups, eps }) => {
    const { u, dt, b, c, x, a, d, dtBias, wZ, wU, wB, wC, wDt, conv, convB, norm, wOut, state, convState } = inputs;
    const T = (u ?? x)!.shape[0]!;
    const H = a.shape[0]!;
    const token = x && floats(x);
    const product = (w: KernelTensor | undefined) => token && w && kernels.matmul(token, floats(w));
    const flat = (t: KernelTensor | undefined) => t && as(t, T, t.data.length / T);
    const { HE, GN } = widths(inputs, T, H, G);
    const parts = [
      plus(flat(u), product(wU)) ?? zeros(T, HE),
      plus(flat(b), product(wB)) ?? zeros(T, GN),
      plus(flat(c), product(wC)) ?? zeros(T, GN),
    ];
    const raw = beside(...parts);
    const options = { bias: given(convB), activation: "silu", state: tail(given(convState)) } as const;
    const mixed = conv ? kernels.convolution(raw, floats(conv), options).out : raw;
    const steps = plus(given(dt), product(wDt)) ?? zeros(T, H);
    const rates = logA ? minusExp(floats(a)) : floats(a);
    if (explodes(steps, given(dtBias), softplus, rates)) return exploding;
    const scanned = kernels.ssd(
      {
        u: columns(mixed, 0, H, HE / H),
        delta: steps,
        a: rates,
        b: columns(mixed, HE, G, GN / G),
        c: columns(mixed, HE + GN, G, GN / G),
      },
      { d: given(d), bias: given(dtBias), softplus, state: given(state) },
    );
    const y = { shape: [T, HE], data: scanned.out.data };
    const gate = product(wZ);
    const gated = gate ? kernels.gated(gate, y, "silu") : y;
    const normed = norm ? rmsNormed(gated, normGroups, eps, floats(norm)) : gated;
    return {
      out: wOut ? kernels.matmul(normed, floats(wOut)) : normed,
      state: scanned.state,
      convState: conv && lastRows(given(convState), raw, conv.shape[1]!),
    };
  };

/** H E and G N, by whichever input tells them. */
function widths(
  { u, b, c, wZ, wU, wB, wC, norm, wOut, conv, state }: Partial<Record<string, KernelTensor>>,
  T: number,
  H: number,
  G: number,
): { readonly HE: number; readonly GN: number } {
  const row = (t: KernelTensor | undefined) => t && t.data.length / T;
  const column = (t: KernelTensor | undefined) => t?.shape[1];
  const HE =
    row(u) ??
    column(wU) ??
    column(wZ) ??
    norm?.data.length ??
    wOut?.shape[0] ??
    (state ? H * state.shape[1]! : undefined);
  const GN = row(b) ?? row(c) ?? column(wB) ?? column(wC) ?? (state && G * state.shape[2]!);
  const all = conv?.shape[0];
  if (all === undefined) return { HE: HE ?? 0, GN: GN ?? 0 };
  return { HE: HE ?? all - 2 * (GN ?? 0), GN: GN ?? (all - (HE ?? 0)) / 2 };
}

/** Every row in `parts` equal parts, each brought to a mean square of 1, times the gain. */
function rmsNormed(x: Floats, parts: number, eps: number, gain: Floats): Floats {
  const width = gain.data.length;
  const part = width / parts;
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += part) {
    let squares = 0;
    for (let i = start; i < start + part; i++) squares += x.data[i]! ** 2;
    const size = Math.sqrt(squares / part + eps);
    for (let i = start; i < start + part; i++) data[i] = (x.data[i]! / size) * gain.data[i % width]!;
  }
  return { shape: x.shape, data };
}

const ema: Implementation<typeof megaEma> =
  (kernels) =>
  ({ x, delta, alpha, beta, gamma, omega, state }, { bidirectional }) => {
    const [M, N] = [x.shape[1]!, delta.shape[1]!];
    const side = (first: number, u: Floats, d: Floats | undefined) => {
      const [p, a, b, g] = [delta, alpha, beta, gamma].map((t) => rows(floats(t), first, first + M)) as [
        Floats,
        Floats,
        Floats,
        Floats,
      ];
      return kernels.diagonalSystem(
        {
          u,
          keep: map(p, (_, i) => 1 - sigmoid(p.data[i]!) * sigmoid(a.data[i]!)),
          write: map(b, (written, i) => sigmoid(p.data[i]!) * written),
          read: map(g, (read) => read / Math.sqrt(N)),
        },
        { d, state: given(state) },
      );
    };
    const past = side(0, floats(x), given(omega));
    if (!bidirectional) return { out: kernels.map(past.out, "silu"), state: past.state };
    const future = backwards(side(M, backwards(floats(x)), undefined).out);
    return { out: kernels.map(plus(past.out, future)!, "silu") };
  };

/** GELU, a dense layer of which one half gates the other. */
function gluOf(kernels: Kernels, y: Floats, w: Floats, b: Floats | undefined): Floats {
  const half = w.shape[1]! / 2;
  const both = kernels.matmul(kernels.map(y, "gelu"), w, { bias: b });
  return kernels.gated(columns(both, half, half), columns(both, 0, half), "sigmoid");
}

const diagonalLayer: Implementation<typeof s4d> =
  (kernels) =>
  ({ u, logDt, aRe, aIm, c, d, wOut, bOut, state }, { bidirectional }) => {
    const [T, M] = u.shape as [number, number];
    const N = aRe.shape[1]!;
    const table = (of: (m: number, n: number) => number) => tensorOf([M, N], (i) => of(Math.floor(i / N), i % N));
    const at = (t: { readonly data: ArrayLike<number> }, m: number, n: number) => t.data[m * N + n]!;
    const power = (m: number, n: number): [number, number] => {
      const step = Math.exp(logDt.data[m]!);
      const size = Math.exp(-step * Math.exp(at(aRe, m, n)));
      return [size * Math.cos(step * at(aIm, m, n)), size * Math.sin(step * at(aIm, m, n))];
    };
    /** 2 c (e^(Δ A) − 1) / A. */
    const gain = (m: number, n: number, side: number, part: 0 | 1) => {
      const [re, im] = power(m, n);
      const [p, q] = [-Math.exp(at(aRe, m, n)), at(aIm, m, n)];
      const held = [((re - 1) * p + im * q) / (p * p + q * q), (im * p - (re - 1) * q) / (p * p + q * q)] as const;
      const [cRe, cIm] = [0, 1].map((i) => c.data[((side * M + m) * N + n) * 2 + i]!) as [number, number];
      return 2 * (part === 0 ? cRe * held[0] - cIm * held[1] : cRe * held[1] + cIm * held[0]);
    };
    const system = (side: number, x: Floats, options: Parameters<Kernels["diagonalSystem"]>[1] = {}) =>
      kernels.diagonalSystem(
        {
          u: x,
          keep: table((m, n) => power(m, n)[0]),
          keepIm: table((m, n) => power(m, n)[1]),
          write: table(() => 1),
          read: table((m, n) => gain(m, n, side, 0)),
          readIm: table((m, n) => gain(m, n, side, 1)),
        },
        options,
      );
    const part = (i: 0 | 1) => state && table((m, n) => state.data[(m * N + n) * 2 + i]!);
    const past = system(0, floats(u), { d: given(d), state: part(0), stateIm: part(1) });
    const impulse = tensorOf([T, M], (i) => (i < M ? 1 : 0));
    const kernel = [0, 1]
      .slice(0, bidirectional ? 2 : 1)
      .flatMap((side) => [...turned(system(side, impulse).out).data]);
    const layer = (y: Floats) => gluOf(kernels, y, floats(wOut), given(bOut));
    if (bidirectional) {
      // The other side starts at the next token.
      const future = backwards(system(1, backwards(floats(u))).out);
      const y = map(past.out, (value, i) => value + (future.data[i + M] ?? 0));
      return { out: layer(y), kernel };
    }
    const last = tensorOf([M, N, 2], (i) => (i % 2 === 0 ? past.state : past.stateIm!).data[i >> 1]!);
    return { out: layer(past.out), kernel, state: last };
  };

const dsf: Implementation<typeof dsfRecurrence> =
  (kernels) =>
  ({ u, lambda, b, c, d, state }) => {
    const [T, M] = u.shape as [number, number];
    const [N, Mo] = [lambda.shape[1]!, c.shape[1]!];
    const column = as(u, T, M, 1);
    const written = kernels.matmul(floats(b), column);
    const { out: h, state: last } = kernels.recurrence(floats(lambda), as(written, T, N), { state: given(state) });
    const read = as(kernels.matmul(floats(c), as(h, T, N, 1)), T, Mo);
    return { out: plus(read, d && as(kernels.matmul(floats(d), column), T, Mo)), state: last };
  };

const qlstm: Implementation<typeof qlstmReversedSigmoid> =
  (kernels) =>
  ({ x, wIn, conv, convB, wG, bG, a, wOut, state, convState }, { reversed }) => {
    const A = wOut.shape[0]!;
    const projected = kernels.matmul(floats(x), floats(wIn));
    const raw = columns(projected, A, A);
    const z = kernels.convolution(raw, floats(conv), { bias: given(convB), state: tail(given(convState)) }).out;
    const gates = kernels.matmul(z, floats(wG), { bias: given(bG) });
    const power = Math.max(a?.data[0] ?? 1, 0);
    const forget = columns(gates, 0, A);
    const factors = reversed
      ? kernels.map(
          map(kernels.map(forget, "softplus"), (s) => -power * s),
          "exp",
        )
      : kernels.map(forget, "sigmoid");
    const written = kernels.gated(columns(gates, A, A), z, "sigmoid");
    const { out: s, state: last } = kernels.recurrence(factors, written, { state: given(state) });
    const read = kernels.gated(columns(gates, 2 * A, A), s, "sigmoid");
    const y = kernels.gated(columns(projected, 0, A), read, "gelu");
    return {
      out: kernels.matmul(y, floats(wOut)),
      state: last,
      convState: lastRows(given(convState), raw, conv.shape[1]!),
    };
  };

/**
 * Running sums of e^score · value and of e^score, [T, C] each, that fade by e^−fade: carried relative to the largest
 * exponent so far. `share` says which score goes with a column of the values.
 */
function runningSoftmax(
  kernels: Kernels,
  scores: Floats,
  values: Floats,
  start: { readonly top: Floats | undefined; readonly above: Floats | undefined; readonly below: Floats | undefined },
  fade: (c: number) => number = () => 0,
) {
  const [T, H] = scores.shape as [number, number];
  const [A, share] = [values.shape[1]!, values.shape[1]! / H];
  const tops = new Float32Array((T + 1) * H).fill(-Infinity);
  if (start.top) tops.set(start.top.data);
  for (let i = 0; i < T * H; i++) tops[H + i] = Math.max(tops[i]! - fade(i % H), scores.data[i]!);
  const raised = (i: number, exponent: number) => (exponent === -Infinity ? 0 : Math.exp(exponent - tops[H + i]!));
  const kept = tensorOf([T, H], (i) => raised(i, tops[i]! - fade(i % H)));
  const added = tensorOf([T, H], (i) => raised(i, scores.data[i]!));
  const wide = (x: Floats) => tensorOf([T, A], (i) => x.data[Math.floor(i / A) * H + Math.floor((i % A) / share)]!);
  const above = kernels.recurrence(wide(kept), times(wide(added), values), { state: start.above });
  const below = kernels.recurrence(kept, added, { state: start.below });
  const top = { shape: [H], data: tops.slice(T * H) };
  return { tops, above, below, top };
}

const aarens: Implementation<typeof aaren> =
  (kernels) =>
  ({ x, qToken, wQ, wK, wV, wO, m, u, w }, { heads: H, scale }) => {
    const T = x.shape[0]!;
    const HE = wV.shape[1]!;
    const [D, E] = [wQ.shape[1]! / H, HE / H];
    const q = kernels.matmul(as(qToken, 1, qToken.data.length), floats(wQ));
    const k = kernels.matmul(floats(x), floats(wK));
    const v = kernels.matmul(floats(x), floats(wV));
    const scores = tensorOf([T, H], (i) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += q.data[(i % H) * D + d]! * k.data[i * D + d]!;
      return scale * sum;
    });
    const start = { top: given(m), above: w && as(w, HE), below: given(u) };
    const { above, below, top } = runningSoftmax(kernels, scores, v, start);
    const o = map(above.out, (value, i) => value / below.out.data[Math.floor(i / E)]!);
    return {
      out: kernels.matmul(o, floats(wO)),
      m: top,
      u: below.state,
      w: { shape: [H, E], data: above.state.data },
    };
  };

const timeMixing: Implementation<typeof rwkv4> =
  (kernels) =>
  ({ x, muK, muV, muR, wRaw, u, wK, wV, wR, wO, last, a, b, p }) => {
    const [T, M] = x.shape as [number, number];
    const A = u.data.length;
    const before = (i: number) => (i < M ? (last?.data[i] ?? 0) : x.data[i - M]!);
    const from = (mu: Floats, w: Floats) =>
      kernels.matmul(
        tensorOf([T, M], (i) => mu.data[i % M]! * x.data[i]! + (1 - mu.data[i % M]!) * before(i)),
        w,
      );
    const k = from(floats(muK), floats(wK));
    const v = from(floats(muV), floats(wV));
    const gate = from(floats(muR), floats(wR));
    const start = { top: given(p), above: given(a), below: given(b) };
    const { tops, above, below, top } = runningSoftmax(kernels, k, v, start, (c) => Math.exp(wRaw.data[c]!));
    const held = (sums: { readonly out: Floats }, first: Floats | undefined, i: number) =>
      i < A ? (first?.data[i] ?? 0) : sums.out.data[i - A]!;
    const wkv = tensorOf([T, A], (i) => {
      const own = u.data[i % A]! + k.data[i]!;
      const highest = Math.max(tops[i]!, own);
      const [past, now] = [Math.exp(tops[i]! - highest), Math.exp(own - highest)];
      return (past * held(above, start.above, i) + now * v.data[i]!) / (past * held(below, start.below, i) + now);
    });
    return {
      out: kernels.matmul(kernels.gated(gate, wkv, "sigmoid"), floats(wO)),
      last: { shape: [M], data: floats(x).data.slice(-M) },
      a: above.state,
      b: below.state,
      p: top,
    };
  };

const attentionFree: Implementation<typeof attentionFreeTransformer> =
  (kernels) =>
  ({ x, wQ, wK, wV, wO, w, lse, mean }, { causal }) => {
    if (w) return { decline: "biases of pairs of tokens are no recurrence; without them it is AFT-simple" };
    const T = x.shape[0]!;
    const A = wQ.shape[1]!;
    const [q, k, v] = [wQ, wK, wV].map((weight) => kernels.matmul(floats(x), floats(weight))) as [
      Floats,
      Floats,
      Floats,
    ];
    const start = {
      top: given(lse),
      above: given(mean) ?? (lse && zeros(A)),
      below: lse && tensorOf([A], (c) => (lse.data[c] === -Infinity ? 0 : 1)),
    };
    const sums = runningSoftmax(kernels, k, v, { ...start, above: start.below && start.above });
    const averages = map(sums.above.out, (value, i) => value / sums.below.out.data[i]!);
    const seen = causal ? averages : tensorOf([T, A], (i) => averages.data[(T - 1) * A + (i % A)]!);
    const y = kernels.gated(q, seen, "sigmoid");
    return {
      out: wO ? kernels.matmul(y, floats(wO)) : y,
      lse: map(sums.top, (value, c) => value + Math.log(sums.below.state.data[c]!)),
      mean: averages.data.slice(-A),
    };
  };

const gatedConvolutions: Implementation<typeof hyenaX> =
  (kernels) =>
  ({ x, wIn, bIn, shortW, shortB, innerW, innerB, wO, bO, shortState, innerState }) => {
    const M = x.shape[1]!;
    const p = kernels.matmul(floats(x), floats(wIn), { bias: given(bIn) });
    const short = shortW
      ? kernels.convolution(p, floats(shortW), { bias: given(shortB), state: given(shortState) })
      : { out: p, state: zeros(0, 3 * M) };
    const kv = times(columns(short.out, M, M), columns(short.out, 2 * M, M));
    const inner = innerW
      ? kernels.convolution(kv, floats(innerW), { bias: given(innerB), state: given(innerState) })
      : { out: kv, state: zeros(0, M) };
    const y = times(columns(short.out, 0, M), inner.out);
    return {
      out: kernels.matmul(y, floats(wO), { bias: given(bO) }),
      shortState: short.state,
      innerState: inner.state,
    };
  };

export const states = {
  "linear/aaren": aarens,
  "linear/attention-free-transformer": attentionFree,
  "linear/dsf-recurrence": dsf,
  "linear/mamba-selective-ssm": mamba,
  "linear/mamba2-ssd": mamba2,
  "linear/mega-ema": ema,
  "linear/qlstm-reversed-sigmoid": qlstm,
  "linear/rwkv-4": timeMixing,
  "linear/s4d": diagonalLayer,
  "spectral/hyena-x": gatedConvolutions,
} as const;
