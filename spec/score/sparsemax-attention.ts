import { flag, largest, mechanism, range, real, sum, table, weigh } from "../page.ts";

/**
 * Sparsemax attention: the weights of a query are the point of the probability simplex nearest to its scores, so that
 * keys with low scores weigh exactly nothing. Martins and Astudillo 2016, arXiv:1602.02068, whose sparsemax stands here
 * in the place of the softmax.
 *
 * $$ o_t = \sum_{s \in S_t} p_{t,s}\, v_s, \quad
 *    p_t = \operatorname*{argmin}_{p \ge 0,\ \sum_s p_s = 1} \lVert p - z_t \rVert^2 = \max(z_t - \tau_t, 0), \quad
 *    z_{t,s} = \sigma\, q_t \cdot k_s $$
 * $$ \tau_t = \frac{\sum_{i \le \rho} u_i - 1}{\rho}, \quad
 *    \rho = \max\Bigl\{ i : 1 + i\, u_i > \sum_{j \le i} u_j \Bigr\}, \quad
 *    u_1 \ge u_2 \ge \dots \text{ the scores in falling order} $$
 *
 * $S_t$ is the keys with `mask` true (all by default) and, if `causal`, those with $s \le t + T_k - T_q$; the others
 * take no part in the projection. A query that sees no key gets zeros. Equal scores get equal weights. The official
 * code takes the row's largest score away first, which changes nothing. Cost: $O(T_q T_k (D + E + \log T_k))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const sparsemaxAttention = mechanism({
  id: "score/sparsemax-attention",
  name: "Sparsemax attention",
  paper: "Martins and Astudillo, 2016, arXiv:1602.02068",
  code: "deep-spin/entmax entmax/activations.py:sparsemax",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1" },
  outputs: { out: "Tq E", weights: "Tq Tk" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { independent: "Tq", when: (_, o) => !o.causal },
    { equivariant: "Tk", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (_, o) => o.causal },
  ],
  run({ q, k, v, mask }, { Tq, Tk, D }, { scale, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => (!causal || s <= t + Tk - Tq) && mask(t, s));
    const z = table([Tq, Tk], (t, s) => scale * sum(D, (d) => q(t, d) * k(s, d)));
    const threshold = (t: number) => {
      const falling = largest(Tk, seen(t), (s) => z(t, s));
      const support = falling.filter((s, i) => 1 + (i + 1) * z(t, s) > sum(falling.slice(0, i + 1), (r) => z(t, r)));
      return (sum(support, (s) => z(t, s)) - 1) / support.length;
    };
    const weights = table([Tq], (t) => {
      const tau = threshold(t);
      return weigh(seen(t), (s) => Math.max(z(t, s) - tau, 0));
    });
    return {
      out: (t, e) => sum(weights(t), (s, p) => p * v(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
