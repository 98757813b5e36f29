/** Pages that a scan, a diagonal system, a short convolution or state-space duality implements. */
import type { aaren } from "../../spec/linear/aaren.ts";
import type { attentionFreeTransformer } from "../../spec/linear/attention-free-transformer.ts";
import type { dsfRecurrence } from "../../spec/linear/dsf-recurrence.ts";
import type { mambaSelectiveSsm } from "../../spec/linear/mamba-selective-ssm.ts";
import type { mamba2Ssd } from "../../spec/linear/mamba2-ssd.ts";
import type { megaEma } from "../../spec/linear/mega-ema.ts";
import type { qlstmReversedSigmoid } from "../../spec/linear/qlstm-reversed-sigmoid.ts";
import type { rwkv4 } from "../../spec/linear/rwkv-4.ts";
import type { s4d } from "../../spec/linear/s4d.ts";
import { sigmoid } from "../../spec/page.ts";
import type { hyenaX } from "../../spec/spectral/hyena-x.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given, type Implementation } from "./adapt.ts";
import {
  beside,
  columns,
  filled,
  lastRows,
  mapped,
  plus,
  reshaped,
  reversed,
  rows,
  shifted,
  times,
  transposed,
  zeros,
} from "./arrays.ts";
import type { Calls } from "./calls.ts";

const minusExp = (x: Floats) => mapped(x, (a) => -Math.exp(a));
/** The rows that a convolution still reads, of those that a page carries. */
const tail = (state: Floats | undefined) => state && rows(state, 1, state.shape[0]!);

/**
 * Whether some state would grow within a token by more than a float can: rates above 0, which no model has. `rates` holds
 * some for each column of the steps.
 */
function explodes(steps: Floats, bias: Floats | undefined, positive: boolean, rates: Floats): boolean {
  const columns = steps.shape[1]!;
  const each = rates.data.length / columns;
  const highest = filled([columns], (i) => Math.max(...rates.data.subarray(i * each, (i + 1) * each)));
  return steps.data.some((x, i) => {
    const raw = x + (bias?.data[i % columns] ?? 0);
    const step = positive ? Math.max(raw, 0) + Math.log1p(Math.exp(-Math.abs(raw))) : raw;
    return step * highest.data[i % columns]! > 88;
  });
}
const exploding = { decline: "a state grows within a token by more than float32 holds" };

const mamba: Implementation<typeof mambaSelectiveSsm> =
  (kernels) =>
  async (inputs, { softplus, logA }) => {
    const { u, delta, b, c, z, x, a, d, dtBias, wU, wZ, conv, convB, wR, wDt, wB, wC, wOut, state, convState } = inputs;
    const [A, N] = a.shape as [number, number];
    const T = (u ?? x)!.shape[0]!;
    const product = async (from: Floats | undefined, w: KernelTensor | undefined) =>
      from && w && kernels.matmul(from, floats(w));
    const raw = plus(given(u), await product(given(x), wU)) ?? zeros(T, A);
    const options = { bias: given(convB), activation: "silu", state: tail(given(convState)) } as const;
    const token = conv ? (await kernels.convolution(raw, floats(conv), options)).out : raw;
    const narrow = await product(token, wR);
    const steps = plus(given(delta), await product(narrow, wDt)) ?? zeros(T, A);
    const rates = logA ? minusExp(floats(a)) : floats(a);
    if (explodes(steps, given(dtBias), softplus, rates)) return exploding;
    const mixed = await kernels.selectiveScan(
      {
        u: token,
        delta: steps,
        a: rates,
        b: plus(given(b), await product(token, wB)) ?? zeros(T, N),
        c: plus(given(c), await product(token, wC)) ?? zeros(T, N),
      },
      {
        d: given(d),
        z: plus(given(z), await product(given(x), wZ)),
        bias: given(dtBias),
        softplus,
        state: given(state),
      },
    );
    return {
      out: (await product(mixed.out, wOut)) ?? mixed.out,
      state: mixed.state,
      convState: conv && lastRows(raw, conv.shape[1]!, given(convState)),
    };
  };

const mamba2: Implementation<typeof mamba2Ssd> =
  (kernels) =>
  async (inputs, { groups: G, softplus, logA, normGroups, eps }) => {
    const { u, dt, b, c, x, a, d, dtBias, wZ, wU, wB, wC, wDt, conv, convB, norm, wOut, state, convState } = inputs;
    const T = (u ?? x)!.shape[0]!;
    const H = a.shape[0]!;
    const token = x && floats(x);
    const product = async (w: KernelTensor | undefined) => token && w && kernels.matmul(token, floats(w));
    const flat = (t: KernelTensor | undefined) => t && reshaped(t, T, t.data.length / T);
    const { HE, GN } = widths(inputs, T, H, G);
    const raw = beside(
      plus(flat(u), await product(wU)) ?? zeros(T, HE),
      plus(flat(b), await product(wB)) ?? zeros(T, GN),
      plus(flat(c), await product(wC)) ?? zeros(T, GN),
    );
    const options = { bias: given(convB), activation: "silu", state: tail(given(convState)) } as const;
    const mixed = conv ? (await kernels.convolution(raw, floats(conv), options)).out : raw;
    const steps = plus(given(dt), await product(wDt)) ?? zeros(T, H);
    const rates = logA ? minusExp(floats(a)) : floats(a);
    if (explodes(steps, given(dtBias), softplus, rates)) return exploding;
    const scanned = await kernels.ssd(
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
    const gate = await product(wZ);
    const gated = gate ? await kernels.gated(gate, y, "silu") : y;
    const normed = norm ? rmsNormed(gated, normGroups, eps, floats(norm)) : gated;
    return {
      out: wOut ? await kernels.matmul(normed, floats(wOut)) : normed,
      state: scanned.state,
      convState: conv && lastRows(raw, conv.shape[1]!, given(convState)),
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
  async ({ x, delta, alpha, beta, gamma, omega, state }, { bidirectional }) => {
    const [M, N] = [x.shape[1]!, delta.shape[1]!];
    const side = async (first: number, u: Floats, d: Floats | undefined) => {
      const [p, a, b, g] = [delta, alpha, beta, gamma].map((t) => rows(floats(t), first, first + M)) as [
        Floats,
        Floats,
        Floats,
        Floats,
      ];
      return kernels.diagonalSystem(
        {
          u,
          keep: mapped(p, (_, i) => 1 - sigmoid(p.data[i]!) * sigmoid(a.data[i]!)),
          write: mapped(b, (written, i) => sigmoid(p.data[i]!) * written),
          read: mapped(g, (read) => read / Math.sqrt(N)),
        },
        { d, state: given(state) },
      );
    };
    const past = await side(0, floats(x), given(omega));
    if (!bidirectional) return { out: await kernels.map(past.out, "silu"), state: past.state };
    const future = await side(M, reversed(floats(x)), undefined);
    return { out: await kernels.map(plus(past.out, reversed(future.out))!, "silu") };
  };

/** GELU, a dense layer of which one half gates the other. */
async function gluOf(kernels: Calls, y: Floats, w: Floats, b: Floats | undefined): Promise<Floats> {
  const half = w.shape[1]! / 2;
  const both = await kernels.matmul(await kernels.map(y, "gelu"), w, { bias: b });
  return kernels.gated(columns(both, half, half), columns(both, 0, half), "sigmoid");
}

const diagonalLayer: Implementation<typeof s4d> =
  (kernels) =>
  async ({ u, logDt, aRe, aIm, c, d, wOut, bOut, state }, { bidirectional }) => {
    const [T, M] = u.shape as [number, number];
    const N = aRe.shape[1]!;
    const table = (of: (m: number, n: number) => number) => filled([M, N], (i) => of(Math.floor(i / N), i % N));
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
    const system = (side: number, x: Floats, options: Parameters<Calls["diagonalSystem"]>[1] = {}) =>
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
    const past = await system(0, floats(u), { d: given(d), state: part(0), stateIm: part(1) });
    const impulse = filled([T, M], (i) => (i < M ? 1 : 0));
    const responses = await Promise.all((bidirectional ? [0, 1] : [0]).map((side) => system(side, impulse)));
    const kernel = responses.flatMap(({ out }) => [...transposed(out).data]);
    const layer = (y: Floats) => gluOf(kernels, y, floats(wOut), given(bOut));
    if (bidirectional) {
      // The other side starts at the next token.
      const future = reversed((await system(1, reversed(floats(u)))).out);
      const y = mapped(past.out, (value, i) => value + (future.data[i + M] ?? 0));
      return { out: await layer(y), kernel };
    }
    const last = filled([M, N, 2], (i) => (i % 2 === 0 ? past.state : past.stateIm!).data[i >> 1]!);
    return { out: await layer(past.out), kernel, state: last };
  };

const dsf: Implementation<typeof dsfRecurrence> =
  (kernels) =>
  async ({ u, lambda, b, c, d, state }) => {
    const [T, M] = u.shape as [number, number];
    const [N, Mo] = [lambda.shape[1]!, c.shape[1]!];
    const column = reshaped(u, T, M, 1);
    const written = await kernels.matmul(floats(b), column);
    const { out: h, state: last } = await kernels.recurrence(floats(lambda), reshaped(written, T, N), {
      state: given(state),
    });
    const read = await kernels.matmul(floats(c), reshaped(h, T, N, 1));
    const direct = d && (await kernels.matmul(floats(d), column));
    return { out: reshaped(plus(read, direct)!, T, Mo), state: last };
  };

const qlstm: Implementation<typeof qlstmReversedSigmoid> =
  (kernels) =>
  async ({ x, wIn, conv, convB, wG, bG, a, wOut, state, convState }, { reversed }) => {
    const A = wOut.shape[0]!;
    const projected = await kernels.matmul(floats(x), floats(wIn));
    const raw = columns(projected, A, A);
    const options = { bias: given(convB), state: tail(given(convState)) };
    const { out: z } = await kernels.convolution(raw, floats(conv), options);
    const gates = await kernels.matmul(z, floats(wG), { bias: given(bG) });
    const power = Math.max(a?.data[0] ?? 1, 0);
    const forget = columns(gates, 0, A);
    const factors = reversed
      ? await kernels.map(
          mapped(await kernels.map(forget, "softplus"), (s) => -power * s),
          "exp",
        )
      : await kernels.map(forget, "sigmoid");
    const written = await kernels.gated(columns(gates, A, A), z, "sigmoid");
    const { out: s, state: last } = await kernels.recurrence(factors, written, { state: given(state) });
    const read = await kernels.gated(columns(gates, 2 * A, A), s, "sigmoid");
    const y = await kernels.gated(columns(projected, 0, A), read, "gelu");
    return {
      out: await kernels.matmul(y, floats(wOut)),
      state: last,
      convState: lastRows(raw, conv.shape[1]!, given(convState)),
    };
  };

/**
 * Running sums of e^score · value and of e^score, [T, C] each, that fade by e^−fade: carried relative to the largest
 * exponent so far. `share` says which score goes with a column of the values.
 */
async function runningSoftmax(
  kernels: Calls,
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
  const kept = filled([T, H], (i) => raised(i, tops[i]! - fade(i % H)));
  const added = filled([T, H], (i) => raised(i, scores.data[i]!));
  const wide = (x: Floats) => filled([T, A], (i) => x.data[Math.floor(i / A) * H + Math.floor((i % A) / share)]!);
  const above = await kernels.recurrence(wide(kept), times(wide(added), values), { state: start.above });
  const below = await kernels.recurrence(kept, added, { state: start.below });
  const top = { shape: [H], data: tops.slice(T * H) };
  return { tops, above, below, top };
}

const aarens: Implementation<typeof aaren> =
  (kernels) =>
  async ({ x, qToken, wQ, wK, wV, wO, m, u, w }, { heads: H, scale }) => {
    const T = x.shape[0]!;
    const HE = wV.shape[1]!;
    const [D, E] = [wQ.shape[1]! / H, HE / H];
    const [q, k, v] = await Promise.all([
      kernels.matmul(reshaped(qToken, 1, qToken.data.length), floats(wQ)),
      kernels.matmul(floats(x), floats(wK)),
      kernels.matmul(floats(x), floats(wV)),
    ]);
    const scores = filled([T, H], (i) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += q.data[(i % H) * D + d]! * k.data[i * D + d]!;
      return scale * sum;
    });
    const start = { top: given(m), above: w && reshaped(w, HE), below: given(u) };
    const { above, below, top } = await runningSoftmax(kernels, scores, v, start);
    const o = mapped(above.out, (value, i) => value / below.out.data[Math.floor(i / E)]!);
    return {
      out: await kernels.matmul(o, floats(wO)),
      m: top,
      u: below.state,
      w: { shape: [H, E], data: above.state.data },
    };
  };

const timeMixing: Implementation<typeof rwkv4> =
  (kernels) =>
  async ({ x, muK, muV, muR, wRaw, u, wK, wV, wR, wO, last, a, b, p }) => {
    const [T, M] = x.shape as [number, number];
    const A = u.data.length;
    const before = shifted(floats(x), given(last));
    const from = (mu: Floats, w: Floats) =>
      kernels.matmul(
        mapped(x, (value, i) => mu.data[i % M]! * value + (1 - mu.data[i % M]!) * before.data[i]!),
        w,
      );
    const [k, v, gate] = await Promise.all([
      from(floats(muK), floats(wK)),
      from(floats(muV), floats(wV)),
      from(floats(muR), floats(wR)),
    ]);
    const start = { top: given(p), above: given(a), below: given(b) };
    const { tops, above, below, top } = await runningSoftmax(kernels, k, v, start, (c) => Math.exp(wRaw.data[c]!));
    const held = (sums: { readonly out: Floats }, first: Floats | undefined, i: number) =>
      i < A ? (first?.data[i] ?? 0) : sums.out.data[i - A]!;
    const wkv = filled([T, A], (i) => {
      const own = u.data[i % A]! + k.data[i]!;
      const highest = Math.max(tops[i]!, own);
      const [past, now] = [Math.exp(tops[i]! - highest), Math.exp(own - highest)];
      return (past * held(above, start.above, i) + now * v.data[i]!) / (past * held(below, start.below, i) + now);
    });
    return {
      out: await kernels.matmul(await kernels.gated(gate, wkv, "sigmoid"), floats(wO)),
      last: { shape: [M], data: floats(x).data.slice(-M) },
      a: above.state,
      b: below.state,
      p: top,
    };
  };

const attentionFree: Implementation<typeof attentionFreeTransformer> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wO, w, lse, mean }, { causal }) => {
    if (w) return { decline: "biases of pairs of tokens are no recurrence; without them it is AFT-simple" };
    const T = x.shape[0]!;
    const A = wQ.shape[1]!;
    const from = (weight: KernelTensor) => kernels.matmul(floats(x), floats(weight));
    const [q, k, v] = await Promise.all([from(wQ), from(wK), from(wV)]);
    const start = {
      top: given(lse),
      above: given(mean) ?? (lse && zeros(A)),
      below: lse && filled([A], (c) => (lse.data[c] === -Infinity ? 0 : 1)),
    };
    const sums = await runningSoftmax(kernels, k, v, { ...start, above: start.below && start.above });
    const averages = mapped(sums.above.out, (value, i) => value / sums.below.out.data[i]!);
    const seen = causal ? averages : filled([T, A], (i) => averages.data[(T - 1) * A + (i % A)]!);
    const y = await kernels.gated(q, seen, "sigmoid");
    return {
      out: wO ? await kernels.matmul(y, floats(wO)) : y,
      lse: mapped(sums.top, (value, c) => value + Math.log(sums.below.state.data[c]!)),
      mean: averages.data.slice(-A),
    };
  };

const gatedConvolutions: Implementation<typeof hyenaX> =
  (kernels) =>
  async ({ x, wIn, bIn, shortW, shortB, innerW, innerB, wO, bO, shortState, innerState }) => {
    const M = x.shape[1]!;
    const p = await kernels.matmul(floats(x), floats(wIn), { bias: given(bIn) });
    const short = shortW
      ? await kernels.convolution(p, floats(shortW), { bias: given(shortB), state: given(shortState) })
      : { out: p, state: zeros(0, 3 * M) };
    const kv = times(columns(short.out, M, M), columns(short.out, 2 * M, M));
    const inner = innerW
      ? await kernels.convolution(kv, floats(innerW), { bias: given(innerB), state: given(innerState) })
      : { out: kv, state: zeros(0, M) };
    const y = times(columns(short.out, 0, M), inner.out);
    return {
      out: await kernels.matmul(y, floats(wO), { bias: given(bO) }),
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
