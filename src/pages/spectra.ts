/** Pages that Fourier transforms or long convolutions implement. */
import type { h3 } from "../../spec/linear/h3.ts";
import type { kernelizedAttentionRpeFft } from "../../spec/linear/kernelized-attention-rpe-fft.ts";
import { sigmoid } from "../../spec/page.ts";
import type { baseConv } from "../../spec/spectral/base-conv.ts";
import type { dynamicSpectrumMixer } from "../../spec/spectral/dynamic-spectrum-mixer.ts";
import type { fnetFourierMixing } from "../../spec/spectral/fnet-fourier-mixing.ts";
import type { hyenaOperator } from "../../spec/spectral/hyena-operator.ts";
import type { longConvolution } from "../../spec/spectral/long-convolution.ts";
import type { spectralGatingNetwork } from "../../spec/spectral/spectral-gating-network.ts";
import type { KernelTensor } from "../oracle/kernel.ts";
import type { Floats } from "../wasm/tensor.ts";
import { floats, given, type Implementation } from "./adapt.ts";
import { columns, filled, mapped, plus, reshaped, times, transposed, zeros } from "./arrays.ts";

/** Taps [M, K] from a function of channel and distance. */
const tapsOf = (M: number, K: number, tap: (m: number, j: number) => number): Floats =>
  filled([M, K], (i) => tap(Math.floor(i / K), i % K));

const long: Implementation<typeof longConvolution> =
  (kernels) =>
  async ({ u, kernel, kernelRev, scales, scalesRev, dSkip }, { squash, decay }) => {
    const [T, M] = u.shape as [number, number];
    const shrunk = (x: number) => Math.sign(x) * Math.max(Math.abs(x) - squash, 0);
    const stretched = (pieces: Floats): Floats => {
      const [, L, Ks] = pieces.shape as [number, number, number];
      return tapsOf(M, Math.min(T, Ks * 2 ** (L - 1)), (m, j) => {
        const l = j < Ks ? 0 : 1 + Math.floor(Math.log2(j / Ks));
        const [start, factor] = l === 0 ? [0, 1] : [Ks * 2 ** (l - 1), 2 ** (l - 1)];
        const place = Math.min(Math.max((j - start + 0.5) / factor - 0.5, 0), Ks - 1);
        const at = (i: number) => pieces.data[(m * L + l) * Ks + i]!;
        return decay ** l * ((1 - (place % 1)) * at(Math.floor(place)) + (place % 1) * at(Math.ceil(place)));
      });
    };
    const taps = mapped(kernel ? floats(kernel) : stretched(floats(scales!)), shrunk);
    const reversed = given(kernelRev) ?? (scalesRev && stretched(floats(scalesRev)));
    const options = { behind: reversed && mapped(reversed, shrunk), d: given(dSkip) };
    return { out: await kernels.longConvolution(floats(u), taps, options) };
  };

const base: Implementation<typeof baseConv> =
  (kernels) =>
  async ({ u, h, hB, fW1, fB1, fW2, fB2, w, b, state }, { kernel, lMax, act, residual }) => {
    const [T, M] = u.shape as [number, number];
    const made = async () => {
      const angle = (r: number) => (1e-4 * 2 * Math.PI * r) / lMax;
      const position = filled([T, 3], (i) => {
        const r = Math.floor(i / 3);
        return [r / Math.max(1, lMax - 1), Math.cos(angle(r)), -Math.sin(angle(r))][i % 3]!;
      });
      const raw = await kernels.matmul(position, floats(fW1!), { bias: given(fB1) });
      const hidden = await kernels.map(raw, "relu");
      return transposed(await kernels.matmul(hidden, floats(fW2!), { bias: given(fB2) }));
    };
    const short =
      kernel === "short"
        ? await kernels.convolution(floats(u), floats(h!), { bias: given(hB), state: given(state) })
        : undefined;
    const long = async () => {
      const taps = h ? floats(h) : await made();
      return kernels.longConvolution(floats(u), taps, { d: filled([M], () => 1) });
    };
    const c = short?.out ?? (await long());
    const gate = await kernels.matmul(floats(u), floats(w), { bias: given(b) });
    const product = act ? await kernels.gated(gate, await kernels.map(c, "silu"), "silu") : times(gate, c);
    return { out: residual ? plus(product, floats(u)) : product, state: short?.state ?? zeros(0, M) };
  };

const hyena: Implementation<typeof hyenaOperator> =
  (kernels) =>
  async (
    { x, wIn, bIn, shortW, shortB, fW1, fB1, fW2, fB2, fW3, fB3, fW4, freq, dSkip, wO, bO },
    { order, lMax, shift },
  ) => {
    const [T, M] = x.shape as [number, number];
    const [P, A, Lc] = [fW1.shape[0]!, fW1.shape[1]!, order - 1];
    const evenly = (from: number, to: number, count: number, i: number) =>
      count === 1 ? from : from + (i * (to - from)) / (count - 1);
    const bands = (P - 1) / 2;
    const angle = (r: number, i: number) => (evenly(1e-4, bands - 1, bands, i) * 2 * Math.PI * r) / lMax;
    const position = (r: number) =>
      Float64Array.from({ length: P }, (_, j) => {
        if (j === 0) return evenly(0, 1, lMax, r);
        return j <= bands ? Math.cos(angle(r, j - 1)) : -Math.sin(angle(r, j - 1 - bands));
      });
    // In double precision: each sine turns a difference in what it is of into a larger one, and it is done once for all.
    const product = (row: Float64Array, w: KernelTensor, bias: KernelTensor | undefined) =>
      Float64Array.from({ length: w.shape[1]! }, (_, i) =>
        row.reduce((sum, value, k) => sum + value * w.data[k * w.shape[1]! + i]!, Number(bias?.data[i] ?? 0)),
      );
    const layer = (row: Float64Array, w: KernelTensor, bias: KernelTensor | undefined) =>
      product(row, w, bias).map((a, i) => Math.sin((freq?.data[i % A] ?? 1) * a));
    const filters = Array.from({ length: T }, (_, r) => {
      const third = layer(layer(layer(position(r), fW1, fB1), fW2, fB2), fW3, fB3);
      return product(third, fW4, undefined);
    });
    const rate = (c: number) => evenly(Math.log(0.01) / 1.5, Math.log(0.01) / 0.3, M * Lc, c);
    const taps = (o: number) =>
      tapsOf(M, T, (m, r) => {
        const c = m * Lc + o;
        return (Math.exp(rate(c) * evenly(0, 1, lMax, r)) + shift) * filters[r]![c]!;
      });
    const p = await kernels.matmul(floats(x), floats(wIn), { bias: given(bIn) });
    const { out: parts } = await kernels.convolution(p, floats(shortW), { bias: given(shortB) });
    let z = columns(parts, order * M, M);
    for (let o = 0; o < Lc; o++) {
      const gated = times(columns(parts, (Lc - o) * M, M), z);
      const d = dSkip && filled([M], (m) => dSkip.data[m * Lc + o]!);
      z = await kernels.longConvolution(gated, taps(o), { d });
    }
    return { out: await kernels.matmul(times(columns(parts, 0, M), z), floats(wO), { bias: given(bO) }) };
  };

const hippos: Implementation<typeof h3> =
  (kernels) =>
  async ({ u, wQ, wK, wV, wO, bQ, bK, bV, bO, bShift, cShift, dK, kDiag, d }, { headDim: D }) => {
    const [T, H] = [u.shape[0]!, kDiag.shape[0]!];
    const [HD, N] = [H * D, bShift.shape[1]!];
    const [q, k, v] = await Promise.all([
      kernels.matmul(floats(u), floats(wQ), { bias: given(bQ) }),
      kernels.matmul(floats(u), floats(wK), { bias: given(bK) }),
      kernels.matmul(floats(u), floats(wV), { bias: given(bV) }),
    ]);
    const shift = tapsOf(HD, N, (i, j) => {
      let tap = j === N - 1 ? (dK?.data[i] ?? 0) : 0;
      const l = N - 1 - j;
      for (let n = 0; n + l < N; n++) tap += bShift.data[i * N + n]! * cShift.data[i * N + n + l]!;
      return tap;
    });
    const { out: shifted } = await kernels.convolution(k, shift);
    // A channel for every entry of a head's matrix.
    const [cells, all] = [D * D, H * D * D];
    const row = (c: number) => Math.floor(c / cells) * D + Math.floor((c % cells) / D);
    const column = (c: number) => Math.floor(c / cells) * D + (c % D);
    const kv = filled([T, all], (i) => {
      const [t, c] = [Math.floor(i / all), i % all];
      return shifted.data[t * HD + row(c)]! * v.data[t * HD + column(c)]!;
    });
    const taps = tapsOf(all, T, (c, l) => kDiag.data[Math.floor(c / cells) * T + l]!);
    const skip = d && filled([all], (c) => d.data[Math.floor(c / cells)]!);
    const z = await kernels.longConvolution(kv, taps, { d: skip });
    const read = await kernels.matmul(reshaped(q, T, H, 1, D), reshaped(z, T, H, D, D));
    const y = filled([T, HD], (i) => {
      const [t, j, h] = [Math.floor(i / HD), Math.floor((i % HD) / H), i % H];
      return read.data[t * HD + h * D + j]!;
    });
    return { out: await kernels.matmul(y, floats(wO), { bias: given(bO) }) };
  };

const fnet: Implementation<typeof fnetFourierMixing> =
  (kernels) =>
  async ({ x }) => {
    const tokens = await kernels.fourier(floats(x), undefined, { axis: 0 });
    return { out: (await kernels.fourier(tokens.re, tokens.im, { axis: 1 })).re };
  };

const spectralGate: Implementation<typeof spectralGatingNetwork> =
  (kernels) =>
  async ({ x, k }) => {
    const [Y, X, C] = x.shape as [number, number, number];
    const Xh = k.shape[1]!;
    const rows = await kernels.fourier(floats(x), undefined, { axis: 1 });
    const f = await kernels.fourier(rows.re, rows.im, { axis: 0 });
    // The other half of the frequencies stays 0: it would add the conjugate, so that twice the real part is the same.
    const gate = (part: "re" | "im") =>
      filled([Y, X, C], (i) => {
        const [u, v, c] = [Math.floor(i / (X * C)), Math.floor(i / C) % X, i % C];
        if (v >= Xh) return 0;
        const at = 2 * ((u * Xh + v) * C + c);
        const [re, im] = [k.data[at]!, k.data[at + 1]!];
        const twins = v === 0 || 2 * v === X ? 1 : 2;
        return (
          twins * (part === "re" ? re * f.re.data[i]! - im * f.im.data[i]! : re * f.im.data[i]! + im * f.re.data[i]!)
        );
      });
    const back = await kernels.fourier(gate("re"), gate("im"), { axis: 0, inverse: true });
    return { out: (await kernels.fourier(back.re, back.im, { axis: 1, inverse: true })).re };
  };

const bandMixer: Implementation<typeof dynamicSpectrumMixer> =
  (kernels) =>
  async ({ x, w1, b1, w2, b2, static: still, wO }, { bands: B, gate }) => {
    const [Y, X, C] = x.shape as [number, number, number];
    const cosines = (n: number) =>
      tapsOf(n, n, (k, i) => Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * n)));
    const [dY, dX] = [cosines(Y), cosines(X)];
    /** Left matrix times the map times the right one transposed over, for each channel. */
    const along = async (left: Floats, right: Floats, features: Floats) => {
      const tall = await kernels.matmul(left, reshaped(features, Y, X * C));
      const lying = filled([Y, X, X], (i) => right.data[i % (X * X)]!);
      return kernels.matmul(lying, reshaped(tall, Y, X, C));
    };
    const f = await along(dY, dX, floats(x));
    const average = filled([1, C], (c) => {
      let sum = 0;
      for (let i = c; i < x.data.length; i += C) sum += x.data[i]!;
      return sum / (Y * X);
    });
    const hidden = await kernels.map(await kernels.matmul(average, floats(w1), { bias: given(b1) }), "gelu");
    const { data: score } = await kernels.matmul(hidden, floats(w2), { bias: given(b2) });
    const share = (b: number, c: number) => {
      if (gate === "sigmoid") return sigmoid(score[b * C + c]!);
      const others = Array.from({ length: B }, (_, i) => Math.exp(score[i * C + c]! - score[b * C + c]!));
      return 1 / others.reduce((sum, e) => sum + e, 0);
    };
    const shares = filled([B, C], (i) => share(Math.floor(i / C), i % C));
    const band = (u: number, v: number) => Math.max(Math.floor((B * u) / Y), Math.floor((B * v) / X));
    const weighted = mapped(f, (value, i) => {
      const [u, v] = [Math.floor(i / (X * C)), Math.floor(i / C) % X];
      return value * (still?.data[i] ?? 1) * shares.data[band(u, v) * C + (i % C)]!;
    });
    const mixed = reshaped(await along(transposed(dY), transposed(dX), weighted), Y * X, C);
    return { out: (wO ? await kernels.matmul(mixed, floats(wO)) : mixed).data };
  };

const relative: Implementation<typeof kernelizedAttentionRpeFft> =
  (kernels) =>
  async ({ q, k, v, w, b }, { normalise, width, causal, eps }) => {
    if (width < Infinity) return { decline: "a grid of tokens: its distances are no sequence" };
    const [T, D] = q.shape as [number, number];
    const [N, E] = [w.shape[0]!, v.shape[1]!];
    const bias = (distance: number) => b?.data[distance + T - 1] ?? 0;
    const seen = Array.from({ length: causal ? T : 2 * T - 1 }, (_, i) => bias(i - T + 1));
    const top = seen.reduce((most, value) => Math.max(most, value), -Infinity);
    if (top - seen.reduce((least, value) => Math.min(least, value), Infinity) > widest)
      return { decline: `biases more than ${widest} apart: transforms would lose the small factors` };
    const tap = (distance: number) => Math.exp(bias(distance) - top);
    const taps = filled([1, T], (j) => tap(-j));
    const behind = causal ? undefined : filled([1, Math.max(1, T - 1)], (j) => (j < T - 1 ? tap(j + 1) : 0));
    const phi = async (x: Floats) => {
      const sizes = Float64Array.from({ length: T }, (_, t) => {
        let squares = 0;
        for (let d = 0; d < D; d++) squares += x.data[t * D + d]! ** 2;
        return normalise ? Math.max(Math.sqrt(squares), 1e-12) : D ** 0.25;
      });
      const hat = mapped(x, (value, i) => value / sizes[Math.floor(i / D)]!);
      const halves = Float64Array.from({ length: T }, (_, t) => {
        let squares = 0;
        for (let d = 0; d < D; d++) squares += hat.data[t * D + d]! ** 2;
        return squares / 2;
      });
      const scores = await kernels.matmul(hat, floats(w), { transposed: true });
      return { scores, exponent: (i: number) => scores.data[i]! - halves[Math.floor(i / N)]! };
    };
    const [phiQ, phiK] = await Promise.all([phi(floats(q)), phi(floats(k))]);
    const out = new Float64Array(T * E);
    const size = new Float64Array(T);
    for (let j = 0; j < N; j++) {
      const featured = filled([T, E + 1], (i) => {
        const [t, e] = [Math.floor(i / (E + 1)), i % (E + 1)];
        return (Math.exp(phiK.exponent(t * N + j)) / Math.sqrt(N)) * (e < E ? v.data[t * E + e]! : 1);
      });
      const { data: summed } = await kernels.longConvolution(featured, taps, { behind });
      for (let t = 0; t < T; t++) {
        const by = Math.exp(phiQ.exponent(t * N + j) + top) / Math.sqrt(N);
        for (let e = 0; e < E; e++) out[t * E + e]! += by * summed[t * (E + 1) + e]!;
        size[t]! += by * summed[t * (E + 1) + E]!;
      }
    }
    return { out: out.map((value, i) => value / (size[Math.floor(i / E)]! + eps)) };
  };

/** How far apart biases may be where factors e^b go through a transform of float32. */
const widest = 8;

export const spectra = {
  "linear/h3": hippos,
  "linear/kernelized-attention-rpe-fft": relative,
  "spectral/base-conv": base,
  "spectral/dynamic-spectrum-mixer": bandMixer,
  "spectral/fnet-fourier-mixing": fnet,
  "spectral/hyena-operator": hyena,
  "spectral/long-convolution": long,
  "spectral/spectral-gating-network": spectralGate,
} as const;
