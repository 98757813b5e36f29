import { clamp, mechanism, real, sum, table } from "../page.ts";

/**
 * Long convolution: every channel is convolved with a filter that may be as long as the sequence, stored tap by tap (Fu
 * et al. 2023, LongConv, arXiv:2302.06646) or put together from short pieces that are stretched ever further (Li et al.
 * 2022, SGConv, arXiv:2210.09298).
 *
 * $$ y_{t,m} = \sum_{s \le t} K_m[t - s]\, u_{s,m} + \sum_{s > t} K'_m[s - t - 1]\, u_{s,m} + D_m u_{t,m}, \quad
 *    K \gets \operatorname{sign}(K) \max(|K| - \lambda, 0) $$
 *
 * Without `kernelRev` ($K'$) it is causal. $K'_m[0]$ acts on the next token, as in the authors' layer; their helper
 * function `fftconv_ref` has its first tap on the token itself. Taps beyond the stored ones are 0, taps beyond the
 * sequence unused: Fourier transforms must be long enough for both (zoology's layer of this kind wraps the rest around
 * into the past). $\lambda$ = `squash` is LongConv's regularisation, 0.1 in its kernel class and off here.
 *
 * With `scales` in place of `kernel`, piece $l$ of `Ks` taps is stretched to `Ks`$\,2^{\max(l-1,0)}$ taps by linear
 * interpolation between tap centres, constant beyond the outer ones, and multiplied by $\alpha^l$ ($\alpha$ = `decay`);
 * the pieces follow one another. The code multiplies by $2^{L-1-l}$ instead and divides by the length of the filter at
 * the start of the training, a constant of each channel that belongs into the pieces here. Both papers let GELU and a
 * projection follow.
 * Cost: $O(T^2 M)$ as written, $O(M T \log T)$ by fast transforms.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, or unless one of `kernel` and
 * `scales` is given, and a reversed filter of no other kind.
 */
export const longConvolution = mechanism({
  id: "spectral/long-convolution",
  name: "Long convolution (LongConv, SGConv)",
  paper: "Fu et al., 2023, arXiv:2302.06646",
  code: "HazyResearch/safari src/models/sequence/long_conv.py:LongConv",
  inputs: {
    u: "T M",
    kernel: "M K = none",
    kernelRev: "M K = 0",
    scales: "M L Ks = none",
    scalesRev: "M L Ks = 0",
    dSkip: "M = 0",
  },
  outputs: { out: "T M" },
  options: {
    squash: real(0, "λ, by how much taps shrink towards 0", { min: 0, tried: [0.25, 1] }),
    decay: real(0.5, "α, the factor from piece to piece", { tried: [0.25, 1] }),
  },
  requires: {
    "give kernel or scales, not both": (_, _o, given) => given.kernel !== given.scales,
    "kernelRev goes with kernel, scalesRev with scales": (_, _o, given) =>
      given.kernel ? !given.scalesRev : !given.kernelRev,
  },
  tried: { T: [1, 2, 5, 9], L: [1, 2, 3], Ks: [1, 2, 3] },
  properties: [
    { linear: "u" },
    { linear: ["kernel", "kernelRev", "dSkip"], when: (_, o) => o.squash === 0 },
    { linear: ["scales", "scalesRev", "dSkip"], when: (_, o) => o.squash === 0 },
    { independent: "M" },
    { causal: "T", when: (_, _o, given) => !given.kernelRev && !given.scalesRev },
  ],
  run({ u, kernel, kernelRev, scales, scalesRev, dSkip }, { T, M, K, L, Ks }, { squash, decay }, given) {
    type Taps = (m: number, j: number) => number;
    const stored = (taps: Taps) => (m: number, j: number) => (j < K ? taps(m, j) : 0);
    const stretched = (piece: (m: number, l: number, i: number) => number) => (m: number, j: number) => {
      const l = j < Ks ? 0 : 1 + Math.floor(Math.log2(j / Ks));
      if (l >= L) return 0;
      const [start, factor] = l === 0 ? [0, 1] : [Ks * 2 ** (l - 1), 2 ** (l - 1)];
      const place = clamp((j - start + 0.5) / factor - 0.5, 0, Ks - 1);
      const part = place % 1;
      return decay ** l * ((1 - part) * piece(m, l, Math.floor(place)) + part * piece(m, l, Math.ceil(place)));
    };
    const shrunk = (taps: Taps) =>
      table([M, T], (m, j) => Math.sign(taps(m, j)) * Math.max(Math.abs(taps(m, j)) - squash, 0));
    const ahead = shrunk(given.kernel ? stored(kernel) : stretched(scales));
    const behind = shrunk(given.kernel ? stored(kernelRev) : stretched(scalesRev));
    return {
      out: (t, m) => sum(T, (s) => (s <= t ? ahead(m, t - s) : behind(m, s - t - 1)) * u(s, m)) + dSkip(m) * u(t, m),
    };
  },
});
