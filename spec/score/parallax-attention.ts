import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Parallax: softmax attention with a first-order correction. A second query $r$ measures how far each key lies from the
 * average key under the softmax, and the weight of a value falls or rises with that. Arithmetic of one head; a batch or the
 * heads stand on a leading axis. 2026, arXiv:2605.29157, Algorithm 1.
 *
 * $$ p_{t,\cdot} = \operatorname{softmax}_{s \in S_t}(\sigma\, q_t \cdot k_s), \quad
 *    \bar k_t = \sum_{s \in S_t} p_{t,s}\, k_s, \quad
 *    o_t = \sum_{s \in S_t} p_{t,s} \bigl(1 + r_t \cdot \bar k_t - r_t \cdot k_s\bigr) v_s $$
 *
 * The products with $r$ are not scaled. The effective weights sum to 1 for every $r$, but may be negative. $S_t$ is every
 * token, or with `causal` the tokens $t - w < s \le t$; a window needs `causal`, since the official code ignores it
 * otherwise. Every token sees itself. Cost: $O(T^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a window is given without `causal`.
 */
export const parallaxAttention = mechanism({
  id: "score/parallax-attention",
  name: "Parallax (first-order local linear attention)",
  paper: "2026, arXiv:2605.29157",
  code: "fla-org/flash-linear-attention fla/ops/parallax/naive.py:naive_parallax",
  inputs: { q: "T D", r: "T D", k: "T D", v: "T E" },
  outputs: { out: "T E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products with q", { tried: [0.25, 1] }),
    window: integer(Number.POSITIVE_INFINITY, "w, how many tokens up to its own a causal token sees", {
      min: 1,
      tried: [1, 2, 3],
    }),
    causal: flag(true, "token t sees only the tokens s ≤ t"),
  },
  requires: { "a window needs causal": (_, o) => o.causal || o.window === Number.POSITIVE_INFINITY },
  properties: [
    { linear: "v" },
    { averages: "v", along: "T" },
    { causal: "T", when: (_, o) => o.causal },
    { equivariant: "T", when: (_, o) => !o.causal },
    { even: ["q", "r", "k"] },
  ],
  run({ q, r, k, v }, { T, D }, { scale, window, causal }) {
    const seen = (t: number) => range(T).filter((s) => !causal || (t - window < s && s <= t));
    const p = table([T], (t) => softmax(seen(t), (s) => scale * sum(D, (d) => q(t, d) * k(s, d))));
    const along = table([T, T], (t, s) => sum(D, (d) => r(t, d) * k(s, d)));
    const average = table([T], (t) => sum(p(t), (s, w) => w * along(t, s)));
    return { out: (t, e) => sum(p(t), (s, w) => w * (1 + average(t) - along(t, s)) * v(s, e)) };
  },
});
