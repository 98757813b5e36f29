/** Pages that the delta rule implements: the layers around the recurrences. */
import type { combaLayer } from "../../spec/linear/comba-layer.ts";
import type { deltanetLayer } from "../../spec/linear/deltanet-layer.ts";
import type { gatedDeltanet2Layer } from "../../spec/linear/gated-deltanet-2-layer.ts";
import type { gatedDeltanetLayer } from "../../spec/linear/gated-deltanet-layer.ts";
import type { gatedDeltaproductLayer } from "../../spec/linear/gated-deltaproduct-layer.ts";
import type { kimiDeltaAttentionLayer } from "../../spec/linear/kimi-delta-attention-layer.ts";
import type { longhornLayer } from "../../spec/linear/longhorn-layer.ts";
import type { rwkv7TimeMixingLayer } from "../../spec/linear/rwkv7-time-mixing-layer.ts";
import { elu, relu, sigmoid, silu, softplus } from "../../spec/page.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given, type Implementation, numbers } from "./adapt.ts";
import {
  behind,
  columns,
  convolved,
  divided,
  lastRows,
  mapped,
  normed,
  reshaped,
  shifted,
  transposed,
  unit,
} from "./arrays.ts";
import type { Calls } from "./calls.ts";
import { longhornOver } from "./delta.ts";
import { joined, projected } from "./projections.ts";

const tokensFirst = { layout: "tokens-first" } as const;

/** Value i of a row of numbers, or what stands for it where there are none. */
const entry = (t: KernelTensor | undefined, i: number, missing: number): number => (t ? Number(t.data[i]) : missing);

/** The short convolutions of a layer: projections of the tokens and those before them, mixed along time. */
function short(kernels: Calls, x: KernelTensor, past: KernelTensor | undefined, taps: KernelTensor) {
  const before = taps.shape[1]! - 1;
  const tokens = behind(past, floats(x), before);
  return {
    async mixed(
      w: KernelTensor,
      conv: KernelTensor,
      heads: number,
      act: (y: number) => number = silu,
    ): Promise<Floats> {
      const y = convolved(await kernels.matmul(tokens, floats(w)), floats(conv), act);
      return reshaped(y, y.shape[0]!, heads, y.shape[1]! / heads);
    },
    past: lastRows(tokens, before).data,
  };
}

/** g = −e^aLog softplus(x wA + dtBias), one number for each of the columns; aLog for each `every` of them. */
function gates(
  x: Floats,
  aLog: KernelTensor | undefined,
  dtBias: KernelTensor | undefined,
  every: number,
  heads: number,
): Floats {
  const across = heads * every;
  const rate = Float64Array.from({ length: heads }, (_, h) => Math.exp(entry(aLog, h, 0)));
  return mapped(x, (f, i) => -rate[Math.floor((i % across) / every)]! * softplus(f + entry(dtBias, i % across, 0)));
}

/** A norm of each head, weighted and gated, then the output projection: o [T, H, E]. */
async function readOut(
  kernels: Calls,
  o: Floats,
  norm: KernelTensor,
  eps: number,
  gate: Floats | undefined,
  act: typeof silu | typeof sigmoid,
  wO: KernelTensor,
): Promise<Float32Array> {
  const E = o.shape[2]!;
  const y = mapped(normed(o, E, eps), (value, i) => value * Number(norm.data[i % E]) * (gate ? act(gate.data[i]!) : 1));
  return joined(kernels, y, wO);
}

const delta: Implementation<typeof deltanetLayer> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, convQ, convK, convV, wB, norm, wO, state, past },
    { heads, qkNorm, qkActivation, allowNegEigval, eps },
  ) => {
    const sequence = short(kernels, x, past, convQ);
    const act = { silu, relu, elu1: (y: number) => elu(y) + 1, identity: (y: number) => y }[qkActivation];
    const sum = (row: Float32Array) => row.reduce((total, value) => total + value, 0);
    const sized = (y: Floats) => (qkNorm === "l2" ? unit(y) : divided(y, sum));
    const q = sized(await sequence.mixed(wQ, convQ, heads, act));
    const k = sized(await sequence.mixed(wK, convK, heads, act));
    const v = await sequence.mixed(wV, convV, heads);
    const beta = mapped(await kernels.matmul(floats(x), floats(wB)), (b) => (allowNegEigval ? 2 : 1) * sigmoid(b));
    const ruled = await kernels.deltaRule(q, k, v, { ...tokensFirst, beta, state: given(state) });
    const out = await readOut(kernels, ruled.out, norm, eps, undefined, silu, wO);
    return { out, state: ruled.state, past: sequence.past };
  };

const gated: Implementation<typeof gatedDeltanetLayer> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, convQ, convK, convV, wA, wB, aLog, dtBias, wG, norm, wO, state, past },
    { heads, vHeads, allowNegEigval, eps },
  ) => {
    const sequence = short(kernels, x, past, convQ);
    const q = unit(await sequence.mixed(wQ, convQ, heads));
    const k = unit(await sequence.mixed(wK, convK, heads));
    const v = await sequence.mixed(wV, convV, vHeads);
    const beta = mapped(await kernels.matmul(floats(x), floats(wB)), (b) => (allowNegEigval ? 2 : 1) * sigmoid(b));
    const gate = gates(await kernels.matmul(floats(x), floats(wA)), aLog, dtBias, 1, vHeads);
    const ruled = await kernels.deltaRule(q, k, v, { ...tokensFirst, gate, beta, state: given(state) });
    const open = await kernels.matmul(floats(x), floats(wG));
    const out = await readOut(kernels, ruled.out, norm, eps, open, silu, wO);
    return { out, state: ruled.state, past: sequence.past };
  };

const product: Implementation<typeof gatedDeltaproductLayer> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, convQ, convK, convV, wB, wA, aLog, dtBias, wG, norm, wO, state, past },
    { heads, nH, allowNegEigval, eps },
  ) => {
    const sequence = short(kernels, x, past, convQ);
    // The columns of a token are those of its first write, then of the next: rows of their own, tokens first.
    const writes = (y: Floats): Floats => {
      const [T, all, width] = y.shape as [number, number, number];
      return reshaped(y, T * nH, all / nH, width);
    };
    const q = unit(await sequence.mixed(wQ, convQ, heads));
    const k = unit(writes(await sequence.mixed(wK, convK, nH * heads)));
    const v = writes(await sequence.mixed(wV, convV, nH * heads));
    const raw = mapped(await kernels.matmul(floats(x), floats(wB)), (b) => (allowNegEigval ? 2 : 1) * sigmoid(b));
    const beta = reshaped(raw, x.shape[0]! * nH, heads);
    const gate = wA && gates(await kernels.matmul(floats(x), floats(wA)), aLog, dtBias, 1, heads);
    const ruled = await kernels.deltaRule(q, k, v, { ...tokensFirst, writes: nH, gate, beta, state: given(state) });
    const open = await kernels.matmul(floats(x), floats(wG));
    const out = await readOut(kernels, ruled.out, norm, eps, open, silu, wO);
    return { out, state: ruled.state, past: sequence.past };
  };

const comba: Implementation<typeof combaLayer> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, convQ, convK, convV, wA, wB, aLog, dtBias, b, correction, wG, norm, wO, state, past },
    { heads, normaliseP, eps },
  ) => {
    const sequence = short(kernels, x, past, convQ);
    const rawQ = await sequence.mixed(wQ, convQ, heads);
    const rawK = await sequence.mixed(wK, convK, heads);
    const v = await sequence.mixed(wV, convV, heads);
    const D = rawK.shape[2]!;
    const head = (i: number) => Math.floor(i / D) % heads;
    const fed = (h: number) => sigmoid(entry(b, h, Number.POSITIVE_INFINITY));
    const rawP = mapped(rawK, (value, i) => fed(head(i)) * value);
    const q = unit(mapped(rawQ, (value, i) => value - entry(correction, head(i), 0) * rawP.data[i]!));
    const k = unit(rawK);
    const read = normaliseP ? unit(rawP) : mapped(k, (value, i) => fed(head(i)) * value);
    const beta = mapped(await kernels.matmul(floats(x), floats(wB)), sigmoid);
    const gate = gates(await kernels.matmul(floats(x), floats(wA)), aLog, dtBias, 1, heads);
    const options = { ...tokensFirst, read, readBefore: true, gate, beta, state: given(state) };
    const ruled = await kernels.deltaRule(q, k, v, options);
    const open = await kernels.matmul(floats(x), floats(wG));
    const out = await readOut(kernels, ruled.out, norm, eps, open, sigmoid, wO);
    return { out, state: ruled.state, past: sequence.past };
  };

const kimi: Implementation<typeof kimiDeltaAttentionLayer> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, convQ, convK, convV, wF1, wF2, aLog, dtBias, wB, wG1, wG2, bG, norm, wO, state, past },
    { heads, lowerBound, allowNegEigval, eps },
  ) => {
    const sequence = short(kernels, x, past, convQ);
    const q = unit(await sequence.mixed(wQ, convQ, heads));
    const k = unit(await sequence.mixed(wK, convK, heads));
    const v = await sequence.mixed(wV, convV, heads);
    const beta = mapped(await kernels.matmul(floats(x), floats(wB)), (b) => (allowNegEigval ? 2 : 1) * sigmoid(b));
    const D = q.shape[2]!;
    const across = heads * D;
    const f = await projected(kernels, await kernels.matmul(floats(x), floats(wF1)), wF2, heads);
    const bounded = (value: number, i: number) => {
      const rate = Math.exp(Number(aLog.data[Math.floor((i % across) / D)]));
      return lowerBound * sigmoid(rate * (value + Number(dtBias.data[i % across])));
    };
    const gate = lowerBound === Number.NEGATIVE_INFINITY ? gates(f, aLog, dtBias, D, heads) : mapped(f, bounded);
    const ruled = await kernels.deltaRule(q, k, v, { ...tokensFirst, gate, beta, state: given(state) });
    const open = await kernels.matmul(await kernels.matmul(floats(x), floats(wG1)), floats(wG2), { bias: floats(bG) });
    const out = await readOut(kernels, ruled.out, norm, eps, open, sigmoid, wO);
    return { out, state: ruled.state, past: sequence.past };
  };

const apart: Implementation<typeof gatedDeltanet2Layer> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, convQ, convK, convV, wF1, wF2, wB, wW, aLog, dtBias, wG1, wG2, bG, norm, wO, state, past },
    { heads, allowNegEigval, eps },
  ) => {
    const sequence = short(kernels, x, past, convQ);
    const q = unit(await sequence.mixed(wQ, convQ, heads));
    const k = unit(await sequence.mixed(wK, convK, heads));
    const v = await sequence.mixed(wV, convV, heads);
    const { data: b } = await kernels.matmul(floats(x), floats(wB));
    const { data: w } = await kernels.matmul(floats(x), floats(wW));
    const read = mapped(k, (value, i) => (allowNegEigval ? 2 : 1) * sigmoid(b[i]!) * value);
    const written = mapped(v, (value, i) => sigmoid(w[i]!) * value);
    const f = await projected(kernels, await kernels.matmul(floats(x), floats(wF1)), wF2, heads);
    const gate = gates(f, aLog, dtBias, q.shape[2]!, heads);
    const ruled = await kernels.deltaRule(q, k, written, { ...tokensFirst, read, gate, state: given(state) });
    const open = await kernels.matmul(await kernels.matmul(floats(x), floats(wG1)), floats(wG2), { bias: floats(bG) });
    const out = await readOut(kernels, ruled.out, norm, eps, open, sigmoid, wO);
    return { out, state: ruled.state, past: sequence.past };
  };

const longhornBlock: Implementation<typeof longhornLayer> =
  (kernels) =>
  async ({ u, wIn, conv, convB, wX, wDt, bDt, dSkip, wOut, state, cache }, { exact }) => {
    const [T, [A, K]] = [u.shape[0]!, conv.shape as [number, number]];
    const both = await kernels.matmul(floats(u), floats(wIn));
    // The cache holds its channels' values in rows, the sequence in columns.
    const stream = behind(cache && transposed(floats(cache)), columns(both, 0, A), K);
    const summed = convolved(lastRows(stream, T + K - 1), floats(conv), (y) => y);
    const x = mapped(summed, (y, i) => silu(y + Number(convB.data[i % A])));
    const made = await kernels.matmul(x, floats(wX));
    const R = wDt.shape[0]!;
    const N = (made.shape[1]! - R) / 2;
    const inner = await longhornOver(kernels, exact, {
      x,
      k: columns(made, R, N),
      q: columns(made, R + N, N),
      dt: await kernels.matmul(columns(made, 0, R), floats(wDt), { bias: floats(bDt) }),
      dSkip: floats(dSkip),
      state: given(state),
    });
    const z = columns(both, A, A).data;
    const y = mapped({ shape: [T, A], data: inner.out }, (value, i) => value * silu(z[i]!));
    return {
      out: await kernels.matmul(y, floats(wOut)),
      state: inner.state,
      cache: transposed(lastRows(stream, K)),
    };
  };

const rwkv7: Implementation<typeof rwkv7TimeMixingLayer> =
  (kernels) =>
  async (inputs, { gnEps }) => {
    const { x, mu, wR, wK, wV, xi, alphaK, rho, gnW, gnB, wO, last, state, vFirst } = inputs;
    const { decayA, decayB, decay, rateA, rateB, rate, gateA, gateB, valueA, valueB, value } = inputs;
    const [T, M] = x.shape as [number, number];
    const H = rho.shape[0]!;
    const before = shifted(floats(x), given(last));
    const blend = (i: number) =>
      mapped(x, (now, at) => now + (before.data[at]! - now) * Number(mu.data[i * M + (at % M)]));
    const low = async (i: number, a: KernelTensor, f: (y: number) => number, b: KernelTensor) =>
      projected(kernels, mapped(await kernels.matmul(blend(i), floats(a)), f), b, H);
    const same = (y: number) => y;
    const [r, plain, own] = await Promise.all([
      projected(kernels, blend(0), wR, H),
      projected(kernels, blend(2), wK, H),
      projected(kernels, blend(3), wV, H),
    ]);
    const D = r.shape[2]!;
    const E = own.shape[2]!;
    const [across, wide] = [H * D, H * E];
    const rates = mapped(await low(4, rateA, same, rateB), (a, i) => sigmoid(a + entry(rate, i % across, 0)));
    const decays = mapped(await low(1, decayA, Math.tanh, decayB), (d, i) =>
      Math.exp(-Math.exp(-0.5) * sigmoid(d + entry(decay, i % across, 0))),
    );
    const g = await low(5, gateA, sigmoid, gateB);
    const back = vFirst && (await low(3, valueA!, same, valueB!)).data;
    const v = back
      ? mapped(own, (y, i) => y + (Number(vFirst.data[i]) - y) * sigmoid(back[i]! + entry(value, i % wide, 0)))
      : own;
    const length = (row: Float32Array) => Math.max(Math.sqrt(row.reduce((sum, y) => sum + y * y, 0)), 1e-12);
    const kk = divided(
      mapped(plain, (y, i) => y * Number(xi.data[i % across])),
      length,
    );
    const k = mapped(plain, (y, i) => y * (1 + (rates.data[i]! - 1) * Number(alphaK.data[i % across])));
    const erase = mapped(kk, (y, i) => y * rates.data[i]!);
    const options = { decay: decays, read: kk, readBefore: true, erase, scale: 1, state: given(state) };
    const ruled = await kernels.deltaRule(r, k, v, { ...tokensFirst, ...options });
    const y = new Float32Array(T * wide);
    for (let row = 0; row < T * H; row++) {
      const o = ruled.out.data.subarray(row * E, (row + 1) * E);
      const mean = o.reduce((sum, value) => sum + value, 0) / E;
      const spread = Math.sqrt(o.reduce((sum, value) => sum + (value - mean) ** 2, 0) / E + gnEps);
      let bonus = 0;
      for (let d = 0; d < D; d++)
        bonus += r.data[row * D + d]! * k.data[row * D + d]! * Number(rho.data[(row % H) * D + d]);
      for (let e = 0; e < E; e++) {
        const [i, c] = [row * E + e, (row % H) * E + e];
        y[i] = g.data[i]! * ((entry(gnW, c, 1) * (o[e]! - mean)) / spread + entry(gnB, c, 0) + bonus * v.data[i]!);
      }
    }
    return {
      out: await kernels.matmul({ shape: [T, wide], data: y }, floats(wO)),
      vFirst: vFirst ? numbers(vFirst) : own.data,
      last: lastRows(floats(x), 1).data,
      state: ruled.state,
    };
  };

export const deltaLayers = {
  "linear/comba-layer": comba,
  "linear/deltanet-layer": delta,
  "linear/gated-deltanet-2-layer": apart,
  "linear/gated-deltanet-layer": gated,
  "linear/gated-deltaproduct-layer": product,
  "linear/kimi-delta-attention-layer": kimi,
  "linear/longhorn-layer": longhornBlock,
  "linear/rwkv7-time-mixing-layer": rwkv7,
} as const;
