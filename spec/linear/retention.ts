import { flag, mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Retention, the token mixer of RetNet: linear attention whose memory fades by a fixed factor with every token, a
 * different one in each head. From the heads' queries, keys and values to their outputs; `linear/retention-layer` is
 * the layer around it, which also turns $q$ and $k$ by their positions. Sun et al. 2023, arXiv:2307.08621, §2.1.
 *
 * $$ S_t = \gamma_h S_{t-1} + k_t v_t^\top, \quad
 *    o_t = \sigma S_t^\top q_t = \sigma \sum_{s \le t} \gamma_h^{t-s} (q_t \cdot k_s)\, v_s, \quad
 *    \gamma_h = 1 - 2^{-5-h} $$
 *
 * The last sum is the parallel form with $S_{-1} = 0$. Heads count from 0; `gamma` gives other factors. With
 * `normalised` the paper's normalisation of the scores, which the norm of the layer takes out again:
 *
 * $$ \hat o_t = \frac{o_t / \sqrt{c_t}}{\max\bigl(|\sigma\, q_t \cdot n_t| / \sqrt{c_t},\, 1\bigr)}, \quad
 *    n_t = \gamma_h n_{t-1} + k_t, \quad c_t = \gamma_h c_{t-1} + 1 $$
 *
 * $\sigma\, q_t \cdot n_t$ is the sum of row $t$ of the decayed scores, $c_t$ that of row $t$ of the decay. The
 * authors' later code sums the scores' absolute values instead, and its recurrent form leaves out the maximum; this
 * page follows the paper. `keySum` $n$ and `decaySum` $c$ are states like $S$. Cost: $O(H T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const retention = mechanism({
  id: "linear/retention",
  name: "Retention (RetNet)",
  paper: "Sun et al., 2023, arXiv:2307.08621",
  code: "fla-org/flash-linear-attention fla/ops/retention/naive.py:naive_retention",
  inputs: {
    q: "H T D",
    k: "H T D",
    v: "H T E",
    gamma: "H = none",
    state: "H D E = 0",
    keySum: "H D = 0",
    decaySum: "H = 0",
  },
  outputs: { out: "H T E", state: "H D E", keySum: "H D", decaySum: "H" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.5, 2] }),
    normalised: flag(false, "whether the scores are normalised"),
  },
  domain: { gamma: { usual: [0, 1] }, decaySum: { usual: [0, 4] } },
  properties: [
    { linear: ["v", "state"], outputs: ["out", "state"] },
    { linear: "q", outputs: ["out"], when: (_, o) => !o.normalised },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "keySum", "decaySum"] },
    { even: ["q", "k", "state", "keySum"], outputs: ["out"] },
  ],
  run({ q, k, v, gamma, state, keySum, decaySum }, { H, T, D, E }, { scale, normalised }, given) {
    const fade = table([H], (h) => (given.gamma ? gamma(h) : 1 - 2 ** (-5 - h)));
    const S = scan(T, table([H, D, E], state), (before, t) =>
      table([H, D, E], (h, d, e) => fade(h) * before(h, d, e) + k(h, t, d) * v(h, t, e)),
    );
    const n = scan(T, table([H, D], keySum), (before, t) =>
      table([H, D], (h, d) => fade(h) * before(h, d) + k(h, t, d)),
    );
    const c = scan(T, table([H], decaySum), (before) => table([H], (h) => fade(h) * before(h) + 1));
    const size = table([H, T], (h, t) => {
      if (!normalised) return 1;
      const row = scale * sum(D, (d) => q(h, t, d) * n(t + 1)(h, d));
      return Math.max(Math.abs(row), Math.sqrt(c(t + 1)(h)));
    });
    return {
      out: (h, t, e) => (scale * sum(D, (d) => q(h, t, d) * S(t + 1)(h, d, e))) / size(h, t),
      state: S(T),
      keySum: n(T),
      decaySum: c(T),
    };
  },
});
