import { mechanism, scan, sum, table } from "../page.ts";

/**
 * Log-linear attention: gated linear attention that keeps the past in a growing number of states, one for each level of
 * a binary (Fenwick) tree: the nearer the tokens, the finer their parts; every query weighs the levels. Guo et al.
 * 2025, arXiv:2506.04761.
 *
 * $$ o_t = \sum_{s \le t} \lambda_{t,\ell(t,s)}\, e^{g_{s+1} + \dots + g_t}\, (q_t \cdot k_s)\, v_s, \quad
 *    \ell(t,s) = \begin{cases} 0 & s = t \\ 1 + \lfloor \log_2 (t \oplus s) \rfloor & s < t \end{cases} $$
 *
 * with $\oplus$ the exclusive or of the places counted from 0. As a recurrence: before token $t > 0$, which ends in $z$
 * binary zeros, levels 0 … $z$ are added to level $z + 1$ and emptied; then all levels fade and the token is written to
 * level 0.
 *
 * $$ S^{(\ell)}_t = e^{g_t} \tilde S^{(\ell)}_{t-1} + [\ell = 0]\, k_t v_t^\top, \quad
 *    \tilde S^{(z+1)} = \sum_{i \le z+1} S^{(i)}, \quad \tilde S^{(0 \dots z)} = 0, \quad
 *    o_t = \sum_\ell \lambda_{t,\ell}\, S^{(\ell)\top}_t q_t $$
 *
 * No scale, no softmax. In Mamba-2's version $\lambda$ = `lam` is a softplus of a projection times a learnt factor per
 * level; here it is given. `position` is the number of tokens before the first, which the merging goes by; there must
 * be a level for every token: $2^{L-1} \ge$ `position` $+\, T$. Cost: $O(T L D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or there are too few levels.
 */
export const logLinearAttention = mechanism({
  id: "linear/log-linear-attention",
  name: "Log-linear attention",
  paper: "Guo et al., 2025, arXiv:2506.04761",
  code: "fla-org/flash-linear-attention fla/ops/log_linear_attn/naive.py:naive_log_linear_attn",
  inputs: { q: "T D", k: "T D", v: "T E", g: "T", lam: "T L", state: "L D E = 0", position: " = 0" },
  outputs: { out: "T E", state: "L D E", position: "" },
  options: {},
  tried: { L: [4, 5], T: [1, 2, 5, 8] },
  domain: { g: { usual: [-2, 0] }, lam: { usual: [0, 2] }, position: { integers: [0, (n) => 2 ** (n.L - 1) - n.T] } },
  requires: { "L must be at least 1 + log2 T": (n) => n.T <= 2 ** (n.L - 1) },
  properties: [
    { linear: ["v", "state"], outputs: ["out", "state"] },
    { linear: "lam", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "position"] },
  ],
  run({ q, k, v, g, lam, state, position }, { T, D, E, L }) {
    const zeros = (place: number): number => (place % 2 === 1 ? 0 : 1 + zeros(place / 2));
    const S = scan(T, table([L, D, E], state), (before, t) => {
      const place = position() + t;
      const top = place === 0 ? 0 : zeros(place) + 1;
      const merged = (l: number, d: number, e: number) =>
        l > top ? before(l, d, e) : l === top ? sum(top + 1, (i) => before(i, d, e)) : 0;
      return table([L, D, E], (l, d, e) => Math.exp(g(t)) * merged(l, d, e) + (l === 0 ? k(t, d) * v(t, e) : 0));
    });
    return {
      out: (t, e) => sum(L, (l) => lam(t, l) * sum(D, (d) => q(t, d) * S(t + 1)(l, d, e))),
      state: S(T),
      position: () => position() + T,
    };
  },
});
