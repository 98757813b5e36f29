import { mechanism, scan, sum, table } from "../page.ts";

/**
 * Lightning attention: linear attention without normaliser or feature map, in which the memory of a head fades by a
 * fixed factor with every token. Qin et al. 2024, arXiv:2405.17381.
 *
 * $$ S_t = \lambda_h S_{t-1} + k_t v_t^\top, \quad
 *    o_t = S_t^\top q_t = \sum_{s \le t} \lambda_h^{t-s} (q_t \cdot k_s)\, v_s + \lambda_h^{t+1} S_{-1}^\top q_t, \quad
 *    \lambda_h = e^{-a_h} $$
 *
 * $a_h$ = `slope` $\ge 0$; without it nothing fades. There is no scale on the products. What the name stands for is the
 * order of the work: blocks of tokens are computed as a masked product among themselves and read all earlier ones from
 * $S$, which gives the same for every length of block (`linear/lightning-attention-2` states that). The official kernel
 * keeps $\lambda S$ instead of $S$, and fades it by a whole block even where the last one is shorter, which is of no
 * consequence since it does not return it. Cost: $O(H T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const lightningAttention = mechanism({
  id: "linear/lightning-attention",
  name: "Lightning attention",
  paper: "Qin et al., 2024, arXiv:2405.17381",
  code: "OpenNLPLab/lightning-attention lightning_attn/ops/torch/linear_attention.py:linear_attn",
  inputs: { q: "H T D", k: "H T D", v: "H T E", slope: "H = 0", state: "H D E = 0" },
  outputs: { out: "H T E", state: "H D E" },
  options: {},
  domain: { slope: { usual: [0, 2] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { independent: "H" },
  ],
  run({ q, k, v, slope, state }, { H, T, D, E }) {
    const S = scan(T, table([H, D, E], state), (before, t) =>
      table([H, D, E], (h, d, e) => Math.exp(-slope(h)) * before(h, d, e) + k(h, t, d) * v(h, t, e)),
    );
    return {
      out: (h, t, e) => sum(D, (d) => q(h, t, d) * S(t + 1)(h, d, e)),
      state: S(T),
    };
  },
});
