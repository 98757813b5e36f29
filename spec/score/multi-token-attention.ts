import { choice, integer, mean, mechanism, range, real, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Multi-token attention (MTA): a small kernel runs over the scores of neighbouring queries and keys, and heads exchange their
 * scores or weights, so that a weight can depend on several tokens at once. From the heads' $q$, $k$, $v$ to their outputs,
 * before the output projection; causal. Golovneva et al. 2025, arXiv:2504.00927.
 *
 * $$ a_{h,i,j} = [j \le i]\, \frac{q_{h,i} \cdot k_{h,j}}{\sqrt D}, \quad
 *    (\kappa * a)_{h,i,j} = \sum_{y,x} \kappa_{h,y,x}\, a_{h,\; i - K_q + 1 + y,\; j - c + x}, \quad
 *    p_{h,i,\cdot} = \operatorname{softmax}_{j \le i}\Bigl(\sum_g W^{\mathrm{pre}}_{h,g} (\kappa * a)_{g,i,j}\Bigr) $$
 * $$ w_{h,i,j} = [j \le i]\,(\kappa' * p)_{h,i,j}, \quad
 *    w'_{cn+h,i,j} = \sum_g W^{\mathrm{post}}_{c,g,h}\, w_{cn+g,i,j}, \quad o_{h,i} = \sum_{j \le i} w'_{h,i,j}\, v_{h,j} $$
 *
 * Every step but the softmax is optional. Kernels are cross-correlated, one for each head; $a$ and $p$ are 0 outside the causal
 * triangle, before the kernel as after it. The kernel ends at query $i$; $c$ is the middle of an odd $K_k$ (`both`), $K_k - 1$
 * (`left`: keys up to $j$) or 0 (`right`). Heads mix after the softmax in neighbouring groups of $n$, and $W^{\mathrm{post}}$ is
 * summed over its first head index. With a kernel or mixing after the softmax, weights need not sum to 1. Then, if `norm`
 * is given, an RMS norm of each head, times $0.2 + 0.6\, e^{-0.3\,\text{layer}}$ if `layer` is; and, if `wGate` is, a factor
 * $\operatorname{sigmoid}(o\, w + b)$ for a head or for each of its features. The paper's sum takes in the score of every key up
 * to $i$, even where an earlier query does not see that key; this page follows the code, where such scores are 0. The models
 * have kernels of 6 by 11 in every fourth layer, which begin as the identity.
 * Cost: $O(H T^2 (D + E + K_q K_k + H))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a kernel's $K_k$ is even with `pad` `both`,
 * the groups of `wPost` do not make up the heads, `layer` is given without `norm`, or `wGate` has neither 1 nor $E$ columns.
 */
export const multiTokenAttention = mechanism({
  id: "score/multi-token-attention",
  name: "Multi-token attention (MTA)",
  paper: "Golovneva et al., 2025, arXiv:2504.00927",
  code: "facebookresearch/RAM projects/mta/mta_transformer.py:Attention",
  inputs: {
    q: "H T D",
    k: "H T D",
    v: "H T E",
    kernel: "H Kq Kk = none",
    wPre: "H H = identity",
    kernelAfter: "H Kr Kl = none",
    wPost: "G Hg Hg = none",
    norm: "E = none",
    wGate: "E Eg = none",
    bGate: "Eg = 0",
  },
  outputs: { out: "H T E" },
  options: {
    pad: choice(["both", "left", "right"], "where zeros extend the keys: how the kernel lies about a key"),
    layer: integer(
      Number.POSITIVE_INFINITY,
      "depth of the layer for the factor on the norm; infinite means no factor",
      {
        min: 0,
        tried: [0, 3],
      },
    ),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.01] }),
  },
  requires: {
    "with pad both, Kk and Kl must be odd": (n, o) =>
      o.pad !== "both" || [n.Kk, n.Kl].every((taps) => taps === 0 || taps % 2 === 1),
    "G times Hg must be H": (n, _, given) => !given.wPost || n.G * n.Hg === n.H,
    "layer needs norm": (_, o, given) => o.layer === Number.POSITIVE_INFINITY || given.norm,
    "bGate needs wGate, and Eg must be 1 or E": (n, _, given) =>
      given.wGate ? n.Eg === 1 || n.Eg === n.E : !given.bGate,
  },
  tried: { H: [1, 2, 4], G: [1, 2], Hg: [1, 2], Kk: [1, 3], Kl: [1, 3], Eg: [1, 2] },
  properties: [
    { linear: "v", when: (_, _o, given) => !given.norm && !given.wGate },
    { causal: "T" },
    { even: ["q", "k"] },
  ],
  run(
    { q, k, v, kernel, wPre, kernelAfter, wPost, norm, wGate, bGate },
    { H, T, D, E, Kq, Kk, Kr, Kl, Hg, Eg },
    { pad, layer, eps },
    given,
  ) {
    type Scores = (h: number, i: number, j: number) => number;
    const causal =
      (a: Scores): Scores =>
      (h, i, j) =>
        0 <= j && j <= i ? a(h, i, j) : 0;
    const convolve = (kappa: Scores, rows: number, taps: number, a: Scores) => {
      const inside = causal(a);
      const middle = { both: (taps - 1) / 2, left: taps - 1, right: 0 }[pad];
      return table([H, T, T], (h, i, j) =>
        sum(rows, (y) => sum(taps, (x) => kappa(h, y, x) * inside(h, i - rows + 1 + y, j - middle + x))),
      );
    };
    const first = (h: number) => h - (h % Hg);
    const mixed = (a: Scores): Scores =>
      table([H, T, T], (h, i, j) => sum(Hg, (g) => wPost(Math.floor(h / Hg), g, h % Hg) * a(first(h) + g, i, j)));

    const scores = table([H, T, T], (h, i, j) => sum(D, (d) => q(h, i, d) * k(h, j, d)) / Math.sqrt(D));
    const a = given.kernel ? convolve(kernel, Kq, Kk, scores) : scores;
    const p = table([H, T], (h, i) => softmax(range(i + 1), (j) => sum(H, (g) => wPre(h, g) * a(g, i, j))));
    const soft = table([H, T, T], (h, i, j) => p(h, i).of(j));
    const after = given.kernelAfter ? convolve(kernelAfter, Kr, Kl, soft) : soft;
    const w = given.wPost ? mixed(after) : after;
    const o = table([H, T, E], (h, i, e) => sum(range(i + 1), (j) => w(h, i, j) * v(h, j, e)));

    const depth = layer === Number.POSITIVE_INFINITY ? 1 : 1 - (0.8 - 0.6 * Math.exp(-0.3 * layer));
    const size = table([H, T], (h, i) => Math.sqrt(mean(E, (e) => o(h, i, e) ** 2) + eps));
    const normed = table([H, T, E], (h, i, e) =>
      given.norm ? (depth * norm(e) * o(h, i, e)) / size(h, i) : o(h, i, e),
    );
    const gate = (h: number, i: number, e: number) => sigmoid(sum(E, (c) => normed(h, i, c) * wGate(c, e)) + bGate(e));
    return {
      out: (h, i, e) => normed(h, i, e) * (given.wGate ? gate(h, i, Eg === 1 ? 0 : e) : 1),
    };
  },
});
