import { integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Relative convolutional multi-head attention (RCMHA): the queries, keys and values of Transformer-XL's relative attention,
 * each smoothed over the last tokens by a depth-wise convolution that the heads share. Sugiharto et al. 2023,
 * arXiv:2308.03429; the convolution is that of Primer, the learned tables of distances that of the labml.ai library.
 *
 * $$ u'_{t,h} = b + \sum_{a=0}^{K-1} C_a \odot (x_{t-K+1+a} W_h + b_h) \quad \text{for } q', k', v' \text{ each, zeros before the first token} $$
 * $$ o_{t,h} = \sum_{s \le t} \operatorname{softmax}_{s \le t}\Bigl(\frac{(q'_{t,h} + u_h) \cdot k'_{s,h} + q'_{t,h} \cdot R_{P/2+s-t,h} + S_{P/2+s-t,h}}{\sqrt D}\Bigr) v'_{s,h}, \quad
 *    y_t = b^O + \sum_h o_{t,h} W^O_h $$
 *
 * Tap $K - 1$ of a kernel is on the token itself. The tables hold $P$ rows, the middle one for distance 0; causal attention
 * reads the half before it. Without a kernel the sequence is not convolved, which is labml's relative attention; without
 * $R$, $S$ and $u$ it is Primer's attention (MDHA), the only one of these whose queries and keys have biases. In the code
 * the projection's bias is inside the convolution, so near the start fewer taps meet it. Cost: $O(T^2 H (D + E))$ beside the
 * projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads, $P$
 * is odd or $T$ exceeds $P/2$.
 */
export const relativeConvolutionalMha = mechanism({
  id: "positional/relative-convolutional-mha",
  name: "Relative convolutional multi-head attention (RCMHA)",
  paper: "Sugiharto et al., 2023, arXiv:2308.03429",
  code: "hermansh-id/rcmha rcmha/attention.py:RelativeMultiHeadAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wO: "(H E) Mo",
    bQ: "(H D) = 0",
    bK: "(H D) = 0",
    bV: "(H E) = 0",
    bO: "Mo = 0",
    cQ: "K D = none",
    cK: "K D = none",
    cV: "K E = none",
    bCq: "D = 0",
    bCk: "D = 0",
    bCv: "E = 0",
    u: "H D = 0",
    r: "P H D = 0",
    s: "P H = 0",
  },
  outputs: { out: "T Mo" },
  options: { heads: integer(1, "H, the number of heads", { min: 1, tried: [2] }) },
  axes: { H: (_, o) => o.heads },
  tried: { P: [10, 12], K: [1, 2, 3] },
  requires: {
    "r and s must have an even number of rows P, and at least 2T": (n, _, given) =>
      !(given.r || given.s) || (n.P % 2 === 0 && n.P >= 2 * n.T),
  },
  properties: [{ causal: "T" }, { linear: ["wO", "bO"] }],
  run({ x, wQ, wK, wV, wO, bQ, bK, bV, bO, cQ, cK, cV, bCq, bCk, bCv, u, r, s: S }, n, _, given) {
    const { T, M, H, D, E, K, P } = n;
    const project = (width: number, w: typeof wQ, b: typeof bQ) =>
      table([T, H, width], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)) + b(h, d));
    const convolve = (f: typeof r, kernel: typeof cQ | undefined, b: typeof bO) => (t: number, h: number, d: number) =>
      b(d) +
      (kernel ? sum(range(Math.max(0, t - K + 1), t + 1), (j) => kernel(K - 1 - t + j, d) * f(j, h, d)) : f(t, h, d));
    const q = table([T, H, D], convolve(project(D, wQ, bQ), given.cQ ? cQ : undefined, bCq));
    const k = table([T, H, D], convolve(project(D, wK, bK), given.cK ? cK : undefined, bCk));
    const v = table([T, H, E], convolve(project(E, wV, bV), given.cV ? cV : undefined, bCv));
    const score = (t: number, h: number, s: number) =>
      sum(D, (d) => (q(t, h, d) + u(h, d)) * k(s, h, d) + q(t, h, d) * r(P / 2 + s - t, h, d)) + S(P / 2 + s - t, h);
    const weights = table([T, H], (t, h) => softmax(t + 1, (s) => score(t, h, s) / Math.sqrt(D)));
    const o = table([T, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    return { out: (t, m) => bO(m) + sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) };
  },
});
