/** Pages that linear attention implements in which every channel fades by gates of its own. */
import type { gatedLinearAttention } from "../../spec/linear/gated-linear-attention.ts";
import type { gatedLinearAttentionLayer } from "../../spec/linear/gated-linear-attention-layer.ts";
import type { gatedSlotAttention } from "../../spec/linear/gated-slot-attention.ts";
import type { gatedSlotAttentionLayer } from "../../spec/linear/gated-slot-attention-layer.ts";
import type { hgrn2 } from "../../spec/linear/hgrn2.ts";
import type { lightnetAdditiveDecay } from "../../spec/linear/lightnet-additive-decay.ts";
import type { rodimus } from "../../spec/linear/rodimus.ts";
import type { rwkv6TimeMixing } from "../../spec/linear/rwkv6-time-mixing.ts";
import type { rwkv6TimeMixingLayer } from "../../spec/linear/rwkv6-time-mixing-layer.ts";
import type { abcAttention } from "../../spec/memory/abc-attention.ts";
import { logAddExp, logSigmoid, sigmoid, silu, softplus } from "../../spec/page.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given, type Implementation, numbers, oneHead } from "./adapt.ts";
import { behind, filled, mapped, normed, reshaped, shifted, transposed } from "./arrays.ts";
import type { Calls } from "./calls.ts";
import { joined, projected } from "./projections.ts";

/** The input with an axis of one head behind the tokens. */
const tokens = (x: KernelTensor): Floats => reshaped(x, x.shape[0]!, 1, x.shape[1]!);

const gla: Implementation<typeof gatedLinearAttention> =
  (kernels) =>
  async ({ q, k, v, g, state }, { scale }) => {
    const options = { gates: oneHead(g), scale, state: oneHead(state) };
    const read = await kernels.linearAttention(oneHead(q), oneHead(k), oneHead(v), options);
    return { out: read.out.data, state: read.state.data };
  };

const glaLayer: Implementation<typeof gatedLinearAttentionLayer> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wA1, wA2, bA, wR, norm, wO, state }, { heads: H, tau, clampMin, scale, eps }) => {
    const [q, k, v, narrow, { data: r }] = await Promise.all([
      projected(kernels, x, wQ, H),
      projected(kernels, x, wK, H),
      projected(kernels, x, wV, H),
      kernels.matmul(floats(x), floats(wA1)),
      kernels.matmul(floats(x), floats(wR)),
    ]);
    const gates = mapped(await projected(kernels, narrow, wA2, H, bA), (a) => Math.max(logSigmoid(a) / tau, clampMin));
    const read = await kernels.linearAttention(q, k, v, { layout: "tokens-first", gates, scale, state: given(state) });
    const E = v.shape[2]!;
    const y = mapped(normed(read.out, E, eps), (o, i) => o * Number(norm.data[i % E]) * silu(r[i]!));
    return { out: await joined(kernels, y, wO), state: read.state };
  };

/** The softmax of each row of the last axis; −∞ throughout gives zeros. */
function softmaxRows(x: Floats): Floats {
  const width = x.shape.at(-1)!;
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += width) {
    const row = x.data.subarray(start, start + width);
    const top = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    if (top === Number.NEGATIVE_INFINITY) continue;
    const weights = Float64Array.from(row, (value) => Math.exp(value - top));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, i) => {
      data[start + i] = weight / total;
    });
  }
  return { shape: x.shape, data };
}

interface Slots {
  readonly keys: { readonly kept: Floats; readonly written: Floats };
  readonly values: { readonly kept: Floats; readonly written: Floats };
  readonly stateK: Floats | undefined;
  readonly stateV: Floats | undefined;
  readonly scale: number;
  readonly causal?: boolean;
  /** What the scores of the slots become before their softmax; [Tq, H, N] tokens first. Default: they stay. */
  readonly hide?: (scores: Floats) => Floats;
}

/**
 * Softmax attention to slots, tokens first: the scores are a reading of the slots' keys, whose columns fade, and their
 * softmax reads the slots' values, whose rows fade. stateK is [H, D, N], stateV [H, N, E].
 */
async function slots(kernels: Calls, q: Floats, k: Floats, v: Floats, of: Slots) {
  const shared = { layout: "tokens-first", factors: true, causal: of.causal } as const;
  const { keys, values, stateK, stateV, scale, hide = (scores: Floats) => scores } = of;
  const scores = await kernels.linearAttention(q, k, keys.written, {
    ...shared,
    scale,
    valueGates: keys.kept,
    state: stateK,
  });
  const weights = softmaxRows(hide(scores.out));
  const read = await kernels.linearAttention(weights, values.written, v, {
    ...shared,
    gates: values.kept,
    state: stateV,
  });
  return { out: read.out, stateK: scores.state, stateV: read.state };
}

/** What slots keep and take in when each holds the softmax, over time, of what was written: scores [T, N]. */
function averaging(scores: KernelTensor, z: ArrayLike<number> | undefined, fresh: number) {
  const [T, N] = scores.shape as [number, number];
  const total = Float64Array.from({ length: N }, (_, n) => z?.[n] ?? Number.NEGATIVE_INFINITY);
  const [kept, written] = [new Float32Array(T * N), new Float32Array(T * N)];
  const share = (part: number, whole: number) => (part === Number.NEGATIVE_INFINITY ? 0 : Math.exp(part - whole));
  const totals = new Float64Array(T * N);
  for (let i = 0; i < T * N; i++) {
    const [n, score] = [i % N, Number(scores.data[i])];
    const after = logAddExp(total[n]!, score);
    kept[i] = i < N && !z ? fresh : share(total[n]!, after);
    written[i] = share(score, after);
    totals[i] = total[n] = after;
  }
  const shape = [T, 1, N];
  return { kept: { shape, data: kept }, written: { shape, data: written }, totals, z: Float32Array.from(total) };
}

const gsa: Implementation<typeof gatedSlotAttention> =
  (kernels) =>
  async ({ q, k, v, a, slotScores, stateK, stateV, z }, { scale }) => {
    const gates = a && { kept: tokens(a), written: mapped(tokens(a), (gate) => 1 - gate) };
    // Without z the first token keeps all of the state.
    const abc = slotScores && averaging(slotScores, given(z)?.data, 1);
    const memory = (abc ?? gates)!;
    const read = await slots(kernels, tokens(q), tokens(k), tokens(v), {
      keys: memory,
      values: memory,
      stateK: oneHead(stateK),
      stateV: oneHead(stateV),
      scale,
    });
    return { out: read.out.data, stateK: read.stateK.data, stateV: read.stateV.data, z: abc?.z };
  };

const gsaLayer: Implementation<typeof gatedSlotAttentionLayer> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wF, norm, wO, stateK, stateV }, { heads: Hq, kvHeads: Hk, tau, scale, eps }) => {
    const active = async (w: KernelTensor, heads: number) => mapped(await projected(kernels, x, w, heads), silu);
    const [q, k, v, raw] = await Promise.all([
      active(wQ, Hq),
      active(wK, Hk),
      active(wV, Hk),
      projected(kernels, x, wF, Hk),
    ]);
    const kept = mapped(raw, (f) => Math.exp(logSigmoid(f) / tau));
    const memory = { kept, written: mapped(raw, (f) => 1 - Math.exp(logSigmoid(f) / tau)) };
    const states = { stateK: given(stateK), stateV: given(stateV) };
    const read = await slots(kernels, q, k, v, { keys: memory, values: memory, ...states, scale });
    const o = mapped(read.out, silu);
    const across = Hq * v.shape[2]!;
    const y = mapped(normed(o, across, eps), (value, i) => value * Number(norm.data[i % across]));
    return { out: await joined(kernels, y, wO), stateK: read.stateK, stateV: read.stateV };
  };

const abc: Implementation<typeof abcAttention> =
  (kernels) =>
  async ({ q, k, v, s, sV, stateK, stateV, z, zV }, { causal, scale }) => {
    const [Tq, [Tk, N]] = [q.shape[0]!, s.shape as [number, number]];
    const keys = averaging(s, given(z)?.data, 0);
    const values = sV ? averaging(sV, given(zV)?.data, 0) : keys;
    const before = (t: number) => (causal ? Math.min(Math.max(t + 1 + Tk - Tq, 0), Tk) : Tk) - 1;
    const mass = (t: number, n: number) =>
      before(t) < 0 ? Number(z?.data[n] ?? Number.NEGATIVE_INFINITY) : keys.totals[before(t) * N + n]!;
    const read = await slots(kernels, tokens(q), tokens(k), tokens(v), {
      keys,
      values,
      stateK: stateK && transposed(oneHead(stateK)),
      stateV: oneHead(stateV),
      scale,
      causal,
      hide: (scores) =>
        mapped(scores, (score, i) => (mass(Math.floor(i / N), i % N) > Number.NEGATIVE_INFINITY ? score : -Infinity)),
    });
    return {
      out: read.out.data,
      stateK: transposed(read.stateK).data,
      stateV: read.stateV.data,
      z: keys.z,
      zV: sV && values.z,
    };
  };

const hgrn2Layer: Implementation<typeof hgrn2> =
  (kernels) =>
  async ({ x, wQ, wF, wI, norm, wO, lowerBound, gamma, state }, { heads: H, scale, eps, layer }) => {
    const width = wF.shape[1]!;
    const floor = (c: number): number => {
      if (!gamma) return Number(lowerBound?.data[c] ?? 0);
      const column = Float64Array.from({ length: gamma.shape[0]! }, (_, l) => Number(gamma.data[l * width + c]));
      const top = Math.max(...column);
      const powers = column.map((value) => Math.exp(value - top));
      const sum = (from: number, to: number) => powers.subarray(from, to).reduce((total, p) => total + p, 0);
      return sum(1, layer + 1) / sum(0, powers.length);
    };
    const least = Float64Array.from({ length: width }, (_, c) => floor(c));
    const [plain, raw, v] = await Promise.all([
      projected(kernels, x, wQ, H),
      projected(kernels, x, wF, H),
      projected(kernels, x, wI, H),
    ]);
    const q = mapped(plain, silu);
    const gates = mapped(raw, (f, i) => least[i % width]! + (1 - least[i % width]!) * sigmoid(f));
    const k = mapped(raw, (f, i) => (1 - least[i % width]!) * sigmoid(-f));
    const options = { layout: "tokens-first", gates, factors: true, scale, state: given(state) } as const;
    const read = await kernels.linearAttention(q, k, v, options);
    const across = H * v.shape[2]!;
    const y = mapped(normed(read.out, across, eps), (o, i) => o * Number(norm.data[i % across]));
    return { out: await joined(kernels, y, wO), state: read.state };
  };

const lightnet: Implementation<typeof lightnetAdditiveDecay> =
  (kernels) =>
  async ({ x, wQ, wK, wV, g1, g2, norm, wO, state, z }, { heads: H, scale, causal, initOne, eps }) => {
    const [plain, raw, v] = await Promise.all([
      projected(kernels, x, wQ, H),
      projected(kernels, x, wK, H),
      projected(kernels, x, wV, H),
    ]);
    const q = mapped(plain, silu);
    const width = raw.shape[1]! * raw.shape[2]!;
    const total = Float64Array.from({ length: width }, (_, c) =>
      Number(z?.data[c] ?? (initOne ? 0 : Number.NEGATIVE_INFINITY)),
    );
    const shares = new Float32Array(raw.data.length);
    const gates = mapped(raw, (k, i) => {
      const before = total[i % width]!;
      const after = logAddExp(before, k);
      total[i % width] = after;
      shares[i] = Math.exp(k - after);
      return Math.exp(before - after);
    });
    const k = { shape: raw.shape, data: shares };
    const options = { layout: "tokens-first", gates, factors: true, scale, causal, state: given(state) } as const;
    const read = await kernels.linearAttention(q, k, v, options);
    const across = H * v.shape[2]!;
    const { data: gate } = await kernels.matmul(await kernels.matmul(floats(x), floats(g1)), floats(g2));
    const y = mapped(normed(read.out, across, eps), (o, i) => o * silu(gate[i]!) * Number(norm?.data[i % across] ?? 1));
    return { out: await joined(kernels, y, wO), state: read.state, z: Float32Array.from(total) };
  };

const rodimusLayer: Implementation<typeof rodimus> =
  (kernels) =>
  async (inputs, { scale, eps, keyEps }) => {
    const { x, wUp, wGate, conv, convB, wQ, wK, wG, bG, wTau, bTau, vA, vB, vBias, wRes, norm, wDown, state, tail } =
      inputs;
    const [T, A, K, N] = [x.shape[0]!, conv.shape[0]!, conv.shape[1]!, wQ.shape[1]!];
    const fresh = await kernels.matmul(floats(x), floats(wUp));
    const u = behind(tail, fresh, K - 1);
    const c = filled([T, A], (i) => {
      const a = i % A;
      let sum = Number(convB?.data[a] ?? 0);
      for (let j = 0; j < K; j++) sum += Number(conv.data[a * K + j]) * u.data[i + j * A]!;
      return silu(sum);
    });
    const from = (w: KernelTensor, bias?: KernelTensor) => kernels.matmul(c, floats(w), { bias: given(bias) });
    const [q, plain, gate, heat] = await Promise.all([from(wQ), from(wK), from(wG, bG), from(wTau, bTau)]);
    const size = Float64Array.from({ length: T }, (_, t) =>
      Math.max(Math.hypot(...plain.data.subarray(t * N, (t + 1) * N)), keyEps),
    );
    const tau = heat.data.map(sigmoid);
    const k = mapped(plain, (key, i) => (softplus(gate.data[i]!) ** tau[i]! * key) / size[Math.floor(i / N)]!);
    const gates = mapped(gate, (g, i) => -softplus(g) * tau[i]!);
    const low = await kernels.matmul(await kernels.matmul(fresh, floats(vA)), floats(vB), { bias: given(vBias) });
    const v = mapped(low, (value, i) => sigmoid(value) * fresh.data[i]!);
    const options = { gates: oneHead(gates), scale, state: oneHead(state) };
    const read = await kernels.linearAttention(oneHead(q), oneHead(k), oneHead(v), options);
    const { data: open } = await kernels.matmul(floats(x), floats(wGate));
    const y = mapped(
      reshaped(read.out, T, A),
      (o, i) => (o + Number(wRes?.data[i % A] ?? 1) * c.data[i]!) * silu(open[i]!),
    );
    const unit = mapped(normed(y, A, eps), (value, i) => value * Number(norm?.data[i % A] ?? 1));
    return {
      out: await kernels.matmul(unit, floats(wDown)),
      state: read.state.data,
      tail: u.data.slice(T * A),
    };
  };

const rwkv6: Implementation<typeof rwkv6TimeMixing> =
  (kernels) =>
  async ({ r, k, v, w, u, state }) => {
    const options = { gates: oneHead(w), factors: true, bonus: oneHead(u), state: oneHead(state) };
    const read = await kernels.linearAttention(oneHead(r), oneHead(k), oneHead(v), options);
    return { out: read.out.data, state: read.state.data };
  };

const rwkv6Layer: Implementation<typeof rwkv6TimeMixingLayer> =
  (kernels) =>
  async (inputs, { gnEps }) => {
    const { x, muX, mu, mixA, mixB, decay, decayA, decayB, u, wR, wK, wV, wG, gnW, gnB, wO, last, state } = inputs;
    const [T, M] = x.shape as [number, number];
    const [H] = u.shape as [number];
    const R = mixB.shape[1]!;
    const delta = mapped(shifted(floats(x), given(last)), (before, i) => before - Number(x.data[i]));
    const blended = mapped(floats(x), (value, i) => value + delta.data[i]! * Number(muX.data[i % M]));
    const z = mapped(await kernels.matmul(blended, floats(mixA)), Math.tanh);
    const blend = async (which: number): Promise<Floats> => {
      const part = filled([T, R], (i) => z.data[Math.floor(i / R) * 5 * R + which * R + (i % R)]!);
      const b = numbers(mixB).subarray(which * R * M, (which + 1) * R * M);
      const { data: shift } = await kernels.matmul(part, { shape: [R, M], data: b });
      return mapped(
        floats(x),
        (value, i) => value + delta.data[i]! * (Number(mu.data[which * M + (i % M)]) + shift[i]!),
      );
    };
    const [forR, forDecay, forK, forV, forG] = await Promise.all([blend(0), blend(1), blend(2), blend(3), blend(4)]);
    const [r, k, v, { data: g }, narrow] = await Promise.all([
      projected(kernels, forR, wR, H),
      projected(kernels, forK, wK, H),
      projected(kernels, forV, wV, H),
      kernels.matmul(forG, floats(wG)),
      kernels.matmul(forDecay, floats(decayA)),
    ]);
    const rates = await projected(kernels, mapped(narrow, Math.tanh), decayB, H, decay);
    const gates = mapped(rates, (rate) => -Math.exp(rate));
    const options = { layout: "tokens-first", gates, bonus: floats(u), state: given(state) } as const;
    const read = await kernels.linearAttention(r, k, v, options);
    const E = v.shape[2]!;
    const y = mapped(normed(read.out, E, gnEps, true), (o, i) => {
      const c = i % (H * E);
      return silu(g[i]!) * (Number(gnW?.data[c] ?? 1) * o + Number(gnB?.data[c] ?? 0));
    });
    return {
      out: await joined(kernels, y, wO),
      last: numbers(x).slice((T - 1) * M),
      state: read.state,
    };
  };

export const gated = {
  "linear/gated-linear-attention": gla,
  "linear/gated-linear-attention-layer": glaLayer,
  "linear/gated-slot-attention": gsa,
  "linear/gated-slot-attention-layer": gsaLayer,
  "linear/hgrn2": hgrn2Layer,
  "linear/lightnet-additive-decay": lightnet,
  "linear/rodimus": rodimusLayer,
  "linear/rwkv6-time-mixing": rwkv6,
  "linear/rwkv6-time-mixing-layer": rwkv6Layer,
  "memory/abc-attention": abc,
} as const;
