import { integer, mechanism, real, softmax, sum, table } from "../page.ts";

/**
 * External attention: tokens attend to two small learned memories shared by all samples, with weights normalised twice,
 * first over the tokens and then over the slots. Guo et al. 2021, arXiv:2105.02358.
 *
 * $$ \ell_{h,t,n} = z_{t,h} \cdot K_n + b^K_n, \quad z_t = x_t W^T + b^T, \quad
 *    \alpha_{h,t,n} = \operatorname{softmax}_{t}(\ell_{h,t,n}), \quad
 *    A_{h,t,n} = \frac{\alpha_{h,t,n}}{\varepsilon + \sum_{n'} \alpha_{h,t,n'}} $$
 * $$ y_t = \bigl[\textstyle\sum_n A_{h,t,n} V_n + b^V\bigr]_h\, W^O + b^O $$
 *
 * $K$ = `mK`, $V$ = `mV`; products are not scaled. The paper's single form is one head without maps and biases, what is
 * left out here by default. In the multi-head form all heads share the memories; the official code widens the tokens
 * four times by $W^T$, takes four times as many heads as it is told (give that number) and has all the biases, of which
 * $b^T$ and $b^K$ change nothing: they add the same to a slot's scores for all tokens. The block for segmentation puts
 * convolutions, norm and residual around the single form. Official code has ε = 10⁻⁹, a common port 0. Cost:
 * $O(T H N (D + E))$ beside the maps.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a map does not divide into heads, or
 * one that is missing would not be square.
 */
export const externalAttention = mechanism({
  id: "memory/external-attention",
  name: "External attention",
  paper: "Guo et al., 2021, arXiv:2105.02358",
  code: "MenghaoGuo/EANet model_torch.py:External_attention",
  inputs: {
    x: "T M",
    mK: "N D",
    mV: "N E",
    wT: "M (H D) = identity",
    bT: "(H D) = 0",
    bK: "N = 0",
    bV: "E = 0",
    wO: "(H E) Mo = identity",
    bO: "Mo = 0",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    eps: real(1e-9, "ε, added to the sum over the slots", { min: 0, tried: [0, 0.5] }),
  },
  axes: { H: (_, o) => o.heads },
  properties: [
    { equivariant: "T" },
    { unordered: "N" },
    { linear: ["wO", "bO"] },
    { linear: ["mV", "bV"], when: (_n, _o, given) => !given.bO },
  ],
  run({ x, mK, mV, wT, bT, bK, bV, wO, bO }, { T, M, H, D, E, N }, { eps }) {
    const z = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wT(m, h, d)) + bT(h, d));
    const over = table([H, N], (h, n) => softmax(T, (t) => sum(D, (d) => z(t, h, d) * mK(n, d)) + bK(n)));
    const alpha = table([H, T, N], (h, t, n) => over(h, n).of(t));
    const total = table([H, T], (h, t) => eps + sum(N, (n) => alpha(h, t, n)));
    const y = table([T, H, E], (t, h, e) => sum(N, (n) => alpha(h, t, n) * mV(n, e)) / total(h, t) + bV(e));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))) + bO(m) };
  },
});
