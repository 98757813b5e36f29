/** Pages that linear attention implements whose states fade by one number a head or token, or not at all. */
import type { basedTaylorLinearAttention } from "../../spec/linear/based-taylor-linear-attention.ts";
import type { cosformer } from "../../spec/linear/cosformer.ts";
import type { expNormalizedLinearAttention } from "../../spec/linear/exp-normalized-linear-attention.ts";
import type { inlineAttention } from "../../spec/linear/inline-attention.ts";
import type { lightningAttention } from "../../spec/linear/lightning-attention.ts";
import type { lightningAttention2 } from "../../spec/linear/lightning-attention-2.ts";
import type { lightningAttentionMinimax } from "../../spec/linear/lightning-attention-minimax.ts";
import type { linearTransformer } from "../../spec/linear/linear-transformer.ts";
import type { mlstm } from "../../spec/linear/mlstm.ts";
import type { performerFavor } from "../../spec/linear/performer-favor.ts";
import type { retention } from "../../spec/linear/retention.ts";
import type { retentionLayer } from "../../spec/linear/retention-layer.ts";
import type { simplifiedLinearAttention } from "../../spec/linear/simplified-linear-attention.ts";
import type { tnlGatedLinearAttention } from "../../spec/linear/tnl-gated-linear-attention.ts";
import { gelu, logSigmoid, relu, sigmoid, silu, softplus } from "../../spec/page.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given, type Implementation, numbers, oneHead } from "./adapt.ts";
import { filled, mapped, normed, reshaped, reversed, transposed, turned } from "./arrays.ts";
import type { Calls } from "./calls.ts";
import { joined, projected } from "./projections.ts";

/** The running maximum of exponents [T, H], and what is kept and written relative to it. */
function peaks(T: number, H: number, fade: (i: number) => number, write: (i: number) => number, start?: KernelTensor) {
  const m = Float64Array.from({ length: H }, (_, h) => start?.data[h] ?? Number.NEGATIVE_INFINITY);
  const [tops, kept, written] = [0, 1, 2].map(() => new Float64Array(T * H)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const share = (part: number, whole: number) => (part === Number.NEGATIVE_INFINITY ? 0 : Math.exp(part - whole));
  for (let i = 0; i < T * H; i++) {
    const [h, old] = [i % H, fade(i) + m[i % H]!];
    m[h] = Math.max(old, write(i));
    tops[i] = m[h]!;
    kept[i] = share(old, m[h]!);
    written[i] = share(write(i), m[h]!);
  }
  return { tops, kept, written, m: Float32Array.from(m) };
}

const based: Implementation<typeof basedTaylorLinearAttention> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wO, state, z }, { heads: H, causal, eps }) => {
    const D = wQ.shape[1]! / H;
    const N = 1 + D + D * D;
    const taylor = async (w: KernelTensor): Promise<Floats> => {
      const a = await projected(kernels, x, w, H);
      return filled([a.shape[0]!, H, N], (place) => {
        const [row, i] = [Math.floor(place / N) * D, place % N];
        if (i === 0) return 1;
        if (i <= D) return a.data[row + i - 1]! / D ** 0.25;
        return (a.data[row + Math.floor((i - 1) / D) - 1]! * a.data[row + ((i - 1) % D)]!) / Math.sqrt(2 * D);
      });
    };
    const [q, k, v] = await Promise.all([taylor(wQ), taylor(wK), projected(kernels, x, wV, H)]);
    const options = { layout: "tokens-first", causal, epsilon: eps, state: given(state), z: given(z) } as const;
    const read = await kernels.linearAttention(q, k, v, options);
    return { out: await joined(kernels, read.out, wO), state: read.state, z: read.z };
  };

const cosformerKernel: Implementation<typeof cosformer> =
  (kernels) =>
  async ({ q, k, v, state, z }, { m, offset, act, causal, eps }) => {
    const phi = { relu, elu1: (x: number) => (x > 0 ? x + 1 : Math.exp(x)) }[act];
    const D = q.shape[1]!;
    const features = (x: KernelTensor): Floats =>
      filled([1, x.shape[0]!, 2 * D], (i) => {
        const [t, c, d] = [Math.floor(i / (2 * D)), Math.floor(i / D) % 2, i % D];
        const angle = ((Math.PI / 2) * (offset + t + 1)) / m;
        return phi(Number(x.data[t * D + d])) * (c ? Math.cos(angle) : Math.sin(angle));
      });
    const options = { causal, sums: true, state: oneHead(state), z: oneHead(z) };
    const read = await kernels.linearAttention(features(q), features(k), oneHead(v), options);
    const E = v.shape[1]!;
    const { data } = mapped(read.out, (o, i) => o / Math.max(read.sums!.data[Math.floor(i / E)]!, eps));
    return { out: data, state: read.state.data, z: read.z!.data };
  };

const expNormalized: Implementation<typeof expNormalizedLinearAttention> =
  (kernels) =>
  async ({ x, wQk, bQk, wV, bV, wN, bN, wO, bO, state }, { eta, heads: H }) => {
    const [qk, v] = await Promise.all([projected(kernels, x, wQk, 2 * H, bQk), projected(kernels, x, wV, H, bV)]);
    const [T, D] = [x.shape[0]!, qk.shape[2]!];
    const half = (which: number) =>
      filled([T, H, D], (i) => qk.data[(2 * Math.floor(i / (H * D)) + which) * H * D + (i % (H * D))]!);
    const read = await kernels.linearAttention(half(0), half(1), v, { layout: "tokens-first", state: given(state) });
    // An exponential turns an absolute error into a relative one, so that these sums are not rounded on the way.
    const M = x.shape[1]!;
    const raw = Float64Array.from({ length: T * H }, (_, i) => {
      let sum = Number(bN?.data[i % H] ?? 0);
      for (let m = 0; m < M; m++) sum += Number(x.data[Math.floor(i / H) * M + m]) * Number(wN.data[m * H + (i % H)]);
      return sum;
    });
    const positive = { exp: Math.exp, softplus, sigmoid }[eta];
    const divided = mapped(read.out, (o, i) => o / positive(raw[Math.floor(i / v.shape[2]!)]!));
    return { out: await joined(kernels, divided, wO, bO), state: read.state };
  };

/** For each place of a grid and channel the sum over a K × K kernel around it; values beyond the border are 0. */
function aroundPlaces(
  v: Floats,
  columns: number,
  K: number,
  kernel: (h: number, d: number, i: number, j: number) => number,
) {
  const [T, H, D] = v.shape as [number, number, number];
  const [rows, reach] = [T / columns, (K - 1) / 2];
  return Float64Array.from({ length: T * H * D }, (_, place) => {
    const [t, h, d] = [Math.floor(place / (H * D)), Math.floor(place / D) % H, place % D];
    let sum = 0;
    for (let i = 0; i < K; i++)
      for (let j = 0; j < K; j++) {
        const [row, column] = [Math.floor(t / columns) + i - reach, (t % columns) + j - reach];
        if (row >= 0 && row < rows && column >= 0 && column < columns)
          sum += kernel(h, d, i, j) * v.data[((row * columns + column) * H + h) * D + d]!;
      }
    return sum;
  });
}

/** The three parts [T, H, D] of a projection to queries, keys and values. */
async function three(kernels: Calls, x: KernelTensor, w: KernelTensor, bias: KernelTensor | undefined, H: number) {
  const all = await projected(kernels, x, w, 3 * H, bias);
  const [T, , D] = all.shape as [number, number, number];
  const part = (which: number) =>
    filled([T, H, D], (i) => all.data[(3 * Math.floor(i / (H * D)) + which) * H * D + (i % (H * D))]!);
  return [part(0), part(1), part(2)] as const;
}

const inline: Implementation<typeof inlineAttention> =
  (kernels) =>
  async ({ x, wQkv, bQkv, w1, b1, w2, b2, wO, bO }, { phi, local, heads: H, w: columns }) => {
    const kernel = {
      identity: (a: number) => a,
      relu,
      leakyrelu: (a: number) => (a > 0 ? a : 0.01 * a),
      exp: (a: number) => Math.exp(0.2 * a),
    }[phi];
    const [plainQ, plainK, v] = await three(kernels, x, wQkv, bQkv, H);
    const [T, , D] = v.shape as [number, number, number];
    const means = (of: ArrayLike<number>) =>
      Float64Array.from({ length: H * D }, (_, c) => {
        let sum = 0;
        for (let t = 0; t < T; t++) sum += of[t * H * D + c]!;
        return sum / T;
      });
    // With the mean key taken off, a query's scores have mean 0; taken off the sums, it would cancel what they are of.
    const keys = mapped(plainK, kernel);
    const meanKey = means(keys.data);
    const centred = mapped(keys, (value, i) => value - meanKey[i % (H * D)]!);
    const options = { layout: "tokens-first", causal: false, scale: 1 / (T * Math.sqrt(D)) } as const;
    const read = await kernels.linearAttention(mapped(plainQ, kernel), centred, v, options);
    const values = means(v.data);
    const [xBar, one, two] = [means(numbers(x)), w1?.data, w2?.data];
    const hidden = Float64Array.from({ length: H * D }, (_, a) => {
      let sum = Number(b1?.data[a] ?? 0);
      for (let c = 0; c < D && one; c++) sum += Number(one[a * D + c]) * xBar[a - (a % D) + c]!;
      return gelu(sum);
    });
    const weight = (h: number, d: number, i: number, j: number) => {
      const row = ((h * D + d) * 3 + i) * 3 + j;
      let sum = Number(b2?.data[row] ?? 0);
      for (let a = 0; a < D && two; a++) sum += Number(two[row * D + a]) * hidden[h * D + a]!;
      return sum;
    };
    const near = local ? aroundPlaces(v, columns, 3, weight) : undefined;
    const all = mapped(read.out, (o, i) => o + values[i % (H * D)]! + (near?.[i] ?? 0));
    return { out: await joined(kernels, all, wO, bO) };
  };

const lightning: Implementation<typeof lightningAttention> =
  (kernels) =>
  async ({ q, k, v, slope, state }) => {
    const gates = slope && mapped(floats(slope), (a) => -a);
    const { out, state: after } = await kernels.linearAttention(floats(q), floats(k), floats(v), {
      gates,
      state: given(state),
    });
    return { out, state: after };
  };

const lightning2: Implementation<typeof lightningAttention2> =
  (kernels) =>
  async ({ q, k, v, dOut, slope, state }, { block }) => {
    const gates = slope && { shape: [1], data: Float32Array.of(-Number(slope.data[0])) };
    const mixed = (a: Floats, b: Floats, c: Floats, before?: Floats) => {
      const options = { gates, chunk: Math.min(block, 256), state: before };
      return kernels.linearAttention(oneHead(a), oneHead(b), oneHead(c), options);
    };
    const [queries, keys, values] = [floats(q), floats(k), floats(v)];
    const forward = await mixed(queries, keys, values, oneHead(state));
    if (!dOut) return { out: forward.out.data, state: forward.state.data };
    // The gradients are the same operation: of the values' keys and queries, and with time running backwards.
    const upstream = floats(dOut);
    const before = state && transposed(oneHead(state));
    const backwards = async (a: Floats, b: Floats, c: Floats) => {
      const { out } = await mixed(reversed(a), reversed(b), reversed(c));
      return reversed(reshaped(out, a.shape[0]!, c.shape[1]!)).data;
    };
    return {
      out: forward.out.data,
      state: forward.state.data,
      dQ: (await mixed(upstream, values, keys, before)).out.data,
      dK: await backwards(values, upstream, queries),
      dV: await backwards(keys, queries, upstream),
    };
  };

/** A norm over all heads of a token, what gates it, and the output projection. */
function gatedNorm(
  kernels: Calls,
  o: Floats,
  wO: KernelTensor,
  epsilon: number,
  gate: (i: number) => number,
): Promise<Float32Array> {
  const [, H, E] = o.shape as [number, number, number];
  return joined(
    kernels,
    mapped(normed(o, H * E, epsilon), (value, i) => value * gate(i)),
    wO,
  );
}

const minimax: Implementation<typeof lightningAttentionMinimax> =
  (kernels) =>
  async ({ x, wQkv, wGate, norm, wO, mask, state }, { heads: H, layer, layers, slopes, eps }) => {
    const qkv = await projected(kernels, x, wQkv, 3 * H);
    const [T, , D] = qkv.shape as [number, number, number];
    const part = (place: number) =>
      filled([T, H, D], (i) => {
        const t = Math.floor(i / (H * D));
        const seen = mask ? Number(mask.data[t]) : 1;
        return seen * silu(qkv.data[(3 * Math.floor(i / D) + place) * D + (i % D)]!);
      });
    const gates = filled([H], (h) =>
      slopes === "minimax"
        ? -(2 ** ((-8 * (h + 1)) / H)) * (1 - layer / (layers - 1 + 1e-5) + 1e-5)
        : -((8 * h) / H) * (1 - layer / layers),
    );
    const options = { layout: "tokens-first", gates, state: given(state) } as const;
    const read = await kernels.linearAttention(part(0), part(1), part(2), options);
    const { data: gate } = await kernels.matmul(floats(x), floats(wGate));
    const gain = (i: number) => Number(norm?.data[i % (H * D)] ?? 1);
    return {
      out: await gatedNorm(kernels, read.out, wO, eps, (i) => sigmoid(gate[i]!) * gain(i)),
      state: read.state,
    };
  };

const transformer: Implementation<typeof linearTransformer> =
  (kernels) =>
  async ({ q, k, v, state, z }, { feature, causal, eps }) => {
    const phi = { elu1: (x: number) => (x > 0 ? x + 1 : Math.exp(x)), relu, identity: (x: number) => x }[feature];
    const options = { causal, epsilon: eps, state: oneHead(state), z: oneHead(z) };
    const read = await kernels.linearAttention(mapped(oneHead(q), phi), mapped(oneHead(k), phi), oneHead(v), options);
    return { out: read.out.data, state: read.state.data, z: read.z!.data };
  };

const mlstmKernel: Implementation<typeof mlstm> =
  (kernels) =>
  async ({ q, k, v, i, f, wI, wF, bI, bF, gain, c, n, m }, { eps, normEps }) => {
    const [T, H, D] = q.shape as [number, number, number];
    const E = v.shape[2]!;
    const gateOf = async (
      own: KernelTensor | undefined,
      bias: KernelTensor | undefined,
      w: KernelTensor | undefined,
    ) => {
      const part = (x: KernelTensor, p: number) => {
        const rows = numbers(w!).subarray(p * H * D * H, (p + 1) * H * D * H);
        return kernels.matmul(reshaped(x, T, H * D), { shape: [H * D, H], data: rows });
      };
      const parts = w ? await Promise.all([q, k, v].map(part)) : [];
      return (at: number) =>
        Number(own?.data[at] ?? 0) +
        Number(bias?.data[at % H] ?? 0) +
        parts.reduce((sum, { data }) => sum + data[at]!, 0);
    };
    const [input, raw] = await Promise.all([gateOf(i, bI, wI), gateOf(f, bF, wF)]);
    const { tops, kept, written, m: last } = peaks(T, H, (at) => logSigmoid(raw(at)), input, m);
    const keys = mapped(floats(k), (x, at) => (x / Math.sqrt(D)) * written[Math.floor(at / D)]!);
    const read = await kernels.linearAttention(floats(q), keys, floats(v), {
      layout: "tokens-first",
      gates: filled([T, H], (at) => kept[at]!),
      factors: true,
      state: given(c),
      z: given(n),
      sums: true,
    });
    const divided = mapped(read.out, (o, at) => {
      const token = Math.floor(at / E);
      const sum = Math.abs(read.sums!.data[(token % H) * T + Math.floor(token / H)]!);
      return o / (Math.max(sum, Math.exp(-tops[token]!)) + eps);
    });
    const out = gain
      ? mapped(normed(divided, E, normEps, true), (y, at) => y * Number(gain.data[at % (H * E)]))
      : divided;
    return { out, c: read.state, n: read.z, m: last };
  };

const performer: Implementation<typeof performerFavor> =
  (kernels) =>
  async ({ q, k, v, wP, state, z }, { kernel, causal, stabilised, eps, reluEps, denominatorEps }) => {
    const [D, N, E] = [q.shape[1]!, wP.shape[0]!, v.shape[1]!];
    const projections = async (x: KernelTensor) =>
      mapped(await kernels.matmul(floats(x), floats(wP), { transposed: true }), (u) => u / D ** 0.25).data;
    const features = (x: KernelTensor, u: Float32Array, top: (t: number) => number): Floats => {
      const half = Float64Array.from({ length: x.shape[0]! }, (_, t) => {
        let sum = 0;
        for (let d = 0; d < D; d++) sum += Number(x.data[t * D + d]) ** 2;
        return sum / (2 * Math.sqrt(D));
      });
      return filled([1, x.shape[0]!, N], (i) => {
        if (kernel === "relu") return relu(u[i]!) + reluEps;
        const t = Math.floor(i / N);
        return (Math.exp(u[i]! - half[t]! - (stabilised ? top(t) : 0)) + eps) / Math.sqrt(N);
      });
    };
    const [uQ, uK] = await Promise.all([projections(q), projections(k)]);
    const highest = uK.reduce((top, u) => Math.max(top, u), Number.NEGATIVE_INFINITY);
    const phiQ = features(q, uQ, (t) => Math.max(...uQ.subarray(t * N, (t + 1) * N)));
    const phiK = features(k, uK, () => highest);
    const options = { causal, sums: true, state: oneHead(state), z: oneHead(z) };
    const read = await kernels.linearAttention(phiQ, phiK, oneHead(v), options);
    const delta = causal ? denominatorEps : 0;
    const size = Float64Array.from(read.sums!.data, (sum, t) => {
      let own = 0;
      for (let j = 0; j < N; j++) own += phiQ.data[t * N + j]!;
      return sum + delta * own;
    });
    const { data } = mapped(read.out, (o, i) => o / size[Math.floor(i / E)]!);
    return { out: data, state: read.state.data, z: read.z!.data };
  };

const retentionGates = (H: number): Floats => filled([H], (h) => 1 - 2 ** (-5 - h));

const retentionKernel: Implementation<typeof retention> =
  (kernels) =>
  async ({ q, k, v, gamma, state, keySum, decaySum }, { scale, normalised }) => {
    const [H, T] = q.shape as [number, number];
    const gates = given(gamma) ?? retentionGates(H);
    const options = { gates, factors: true, scale, sums: true, state: given(state), z: given(keySum) };
    const read = await kernels.linearAttention(floats(q), floats(k), floats(v), options);
    const sizes = new Float64Array(H * T);
    const decays = Float64Array.from({ length: H }, (_, h) => Number(decaySum?.data[h] ?? 0));
    for (let i = 0; i < H * T; i++) {
      const h = Math.floor(i / T);
      decays[h] = gates.data[h]! * decays[h]! + 1;
      sizes[i] = normalised ? Math.max(Math.abs(read.sums!.data[i]!), Math.sqrt(decays[h]!)) : 1;
    }
    return {
      out: mapped(read.out, (o, i) => o / sizes[Math.floor(i / v.shape[2]!)]!),
      state: read.state,
      keySum: read.z,
      decaySum: Float32Array.from(decays),
    };
  };

const retentionLayerKernel: Implementation<typeof retentionLayer> =
  (kernels) =>
  async ({ x, wQ, wK, wV, wG, norm, wO, state, position }, { heads: H, scale, base, layout, eps }) => {
    const [T, D] = [x.shape[0]!, wQ.shape[1]! / H];
    const start = Number(position?.data[0] ?? 0);
    const turn = async (w: KernelTensor) =>
      turned(
        await projected(kernels, x, w, H),
        layout,
        (row, i) => (start + Math.floor(row / H)) * base ** ((-2 * i) / D),
      );
    const [q, k, v] = await Promise.all([turn(wQ), turn(wK), projected(kernels, x, wV, H)]);
    const E = v.shape[2]!;
    const read = await kernels.linearAttention(q, k, v, {
      layout: "tokens-first",
      gates: retentionGates(H),
      factors: true,
      scale,
      state: given(state),
    });
    const { data: g } = await kernels.matmul(floats(x), floats(wG));
    const gated = mapped(normed(read.out, E, eps), (o, i) => o * silu(g[i]!) * Number(norm?.data[i % E] ?? 1));
    return {
      out: await joined(kernels, gated, wO),
      state: read.state,
      position: { shape: [], data: Float32Array.of(start + T) },
    };
  };

const simplified: Implementation<typeof simplifiedLinearAttention> =
  (kernels) =>
  async ({ x, wQkv, bQkv, e, dwc, dwcB, wO, bO }, { heads: H, eps }) => {
    const [plainQ, plainK, v] = await three(kernels, x, wQkv, bQkv, H);
    const D = v.shape[2]!;
    const k = mapped(plainK, (a, i) => relu(a + Number(e?.data[i] ?? 0)));
    const read = await kernels.linearAttention(mapped(plainQ, relu), k, v, {
      layout: "tokens-first",
      causal: false,
      epsilon: eps,
    });
    const K = dwc?.shape[1] ?? 1;
    const near =
      dwc && aroundPlaces(v, Math.sqrt(x.shape[0]!), K, (_, d, i, j) => Number(dwc.data[(d * K + i) * K + j]));
    const all = mapped(read.out, (o, i) => o + (near?.[i] ?? 0) + Number(dwcB?.data[i % D] ?? 0));
    return { out: await joined(kernels, all, wO, bO) };
  };

const tnl: Implementation<typeof tnlGatedLinearAttention> =
  (kernels) =>
  async (
    { x, wQ, wK, wV, wU, wO, theta, mask, state, position },
    { heads: H, layerIndex, numLayers, useLrpe, eps },
  ) => {
    const [T, D] = [x.shape[0]!, wQ.shape[1]! / H];
    const start = Number(position?.data[0] ?? 0);
    const angle = (t: number, c: number) =>
      (start + t) * (theta ? Number(theta.data[c]) : 10000 ** ((-2 * c) / (H * D)));
    const featured = async (w: KernelTensor): Promise<Floats> => {
      const plain = mapped(await projected(kernels, x, w, H), silu);
      if (!useLrpe) return plain;
      return filled([T, H, 2 * D], (i) => {
        const [row, part, d] = [Math.floor(i / (2 * D)), Math.floor(i / D) % 2, i % D];
        const phase = angle(Math.floor(row / H), (row % H) * D + d);
        return plain.data[row * D + d]! * (part ? Math.sin(phase) : Math.cos(phase));
      });
    };
    const [q, k, values] = await Promise.all([featured(wQ), featured(wK), projected(kernels, x, wV, H)]);
    const across = values.data.length / T;
    const v = mapped(values, (value, i) => (mask ? Number(mask.data[Math.floor(i / across)]) : 1) * value);
    const P = 2 ** Math.floor(Math.log2(H));
    const slope = (h: number) => 2 ** (-8 * (h < P ? (h + 1) / P : (2 * (h - P) + 1) / (2 * P)));
    const gates = filled([H], (h) => -slope(h) * (1 - layerIndex / (numLayers - 1) + 1e-5));
    const options = { layout: "tokens-first", gates, state: given(state) } as const;
    const read = await kernels.linearAttention(q, k, v, options);
    const { data: u } = await kernels.matmul(floats(x), floats(wU));
    return {
      out: await gatedNorm(kernels, read.out, wO, eps, (i) => u[i]!),
      state: read.state,
      position: { shape: [], data: Float32Array.of(start + T) },
    };
  };

export const linear = {
  "linear/based-taylor-linear-attention": based,
  "linear/cosformer": cosformerKernel,
  "linear/exp-normalized-linear-attention": expNormalized,
  "linear/inline-attention": inline,
  "linear/lightning-attention": lightning,
  "linear/lightning-attention-2": lightning2,
  "linear/lightning-attention-minimax": minimax,
  "linear/linear-transformer": transformer,
  "linear/mlstm": mlstmKernel,
  "linear/performer-favor": performer,
  "linear/retention": retentionKernel,
  "linear/retention-layer": retentionLayerKernel,
  "linear/simplified-linear-attention": simplified,
  "linear/tnl-gated-linear-attention": tnl,
} as const;
