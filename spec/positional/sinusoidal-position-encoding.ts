import { choice, flag, integer, mechanism, real } from "../page.ts";

/**
 * Sinusoidal position encoding: the position of a token as sines and cosines of geometrically spaced frequencies, added
 * to its embedding. Vaswani et al. 2017, arXiv:1706.03762, §3.5.
 *
 * $$ y_t = c\, x_t + e_{p_t}, \quad e_{p,\,2i} = \sin p\,\omega_i, \quad e_{p,\,2i+1} = \cos p\,\omega_i, \quad
 *    \omega_i = \theta^{-2i/M} $$
 *
 * $p_t$ is `positions` plus `offset`; $c = 1$, or $\sqrt M$ with `scaleEmbeddings` (§3.4). Without `x` the encoding
 * alone is returned, `width` columns of it. The paper's layout is `interleaved`; with odd $M$ its last column is a
 * sine. `concat` puts all sines before all cosines (Transformer-XL), for even $M$. `tensor2tensor`, the authors' own
 * code, does so too, but with $\omega_i = \tau_0 (\tau_1/\tau_0)^{-i/\max(N-1,\,1)}$, $N = \lfloor M/2 \rfloor$, so
 * that by default the last frequency is 1/10000, and with odd $M$ a last column of zeros. $\tau_0$ = `minTimescale`
 * multiplies there although a timescale would divide; this page follows that code, and at the default 1 the two agree.
 * `base` $\theta$ is of the first two layouts, the timescales of the third. Cost: $O(T M)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, neither `x` nor `width` says how
 * wide, or the width is odd with `concat`.
 */
export const sinusoidalPositionEncoding = mechanism({
  id: "positional/sinusoidal-position-encoding",
  name: "Sinusoidal position encoding",
  paper: "Vaswani et al., 2017, arXiv:1706.03762",
  code: "tensorflow/tensor2tensor tensor2tensor/layers/common_attention.py:get_timing_signal_1d",
  inputs: { positions: "T", x: "T M = 0" },
  outputs: { out: "T M" },
  options: {
    width: integer((n: { M: number }) => n.M, "M, the columns of the encoding", { min: 1, tried: [1, 2, 3, 4, 6, 7] }),
    layout: choice(["interleaved", "concat", "tensor2tensor"], "where sines and cosines stand, and their frequencies"),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
    offset: real(0, "added to every position", { tried: [3] }),
    minTimescale: real(1, "τ₀, the first frequency of tensor2tensor", { above: 0, tried: [2] }),
    maxTimescale: real(10000, "τ₁, sets the last frequency of tensor2tensor", { above: 0, tried: [50] }),
    scaleEmbeddings: flag(false, "the embeddings are multiplied by √M before"),
  },
  axes: { M: (_, o) => o.width },
  requires: { "width must be even with layout concat": (_, o) => o.layout !== "concat" || o.width % 2 === 0 },
  domain: { positions: { usual: [0, 20] } },
  properties: [{ independent: "T" }],
  run({ positions, x }, { M }, { layout, base, offset, minTimescale, maxTimescale, scaleEmbeddings }) {
    const N = Math.floor(M / 2);
    const frequency = (i: number) =>
      layout === "tensor2tensor"
        ? minTimescale * (maxTimescale / minTimescale) ** (-i / Math.max(N - 1, 1))
        : base ** ((-2 * i) / M);
    const angle = (t: number, i: number) => (positions(t) + offset) * frequency(i);
    const sine = (t: number, i: number) => Math.sin(angle(t, i));
    const cosine = (t: number, i: number) => Math.cos(angle(t, i));
    const interleaved = (t: number, m: number) => (m % 2 === 0 ? sine(t, m / 2) : cosine(t, (m - 1) / 2));
    const blocks = (t: number, m: number) => (m < N ? sine(t, m) : m < 2 * N ? cosine(t, m - N) : 0);
    const encoding = layout === "interleaved" ? interleaved : blocks;
    return { out: (t, m) => (scaleEmbeddings ? Math.sqrt(M) : 1) * x(t, m) + encoding(t, m) };
  },
});
