import { flag, integer, logSumExp, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Scatterbrain attention: on a sparse set of pairs the exponential of the score is exact, elsewhere it is estimated by
 * the product of positive random features; one normalisation for both. Chen et al. 2021, arXiv:2110.15343. One head; a
 * batch or the heads stand on a leading axis.
 *
 * $$ \phi(x) = \frac{e^{-\sigma \lVert x \rVert^2/2}}{\sqrt{2R}}
 *    \bigl[e^{\sqrt\sigma\, w_r \cdot x},\ e^{-\sqrt\sigma\, w_r \cdot x}\bigr]_r, \quad
 *    L_{i,j} = \phi(q_i) \cdot \phi(k_j), \quad
 *    \tilde A_{i,j} = \begin{cases} e^{\sigma\, q_i \cdot k_j} & (i,j) \in S \\ L_{i,j} & \text{else} \end{cases},
 *    \quad o_i = \frac{\sum_j \tilde A_{i,j} v_j}{\sum_j \tilde A_{i,j}} $$
 *
 * For rows $w_r$ of `wp` drawn from the standard normal the mean of $L_{i,j}$ is $e^{\sigma q_i \cdot k_j}$. $S$ is the
 * pairs with `support` true and $j - i$ from $-\lfloor c/2 \rfloor$ to $\lceil c/2 \rceil - 1$, $c$ = `context`; both
 * are all pairs by default, which is softmax attention, and $c = 0$ is none, which is Performer attention. Hashing
 * (SMYRF in the code) is a way to find a `support`; a pair found in several rounds is exact once. The code adds $L v$
 * for all pairs and the differences on $S$, which is the same but for rounding: what is left of $\sum_j L_{i,j}$ off
 * $S$ is kept above 0 there. With `causal` only $j \le i$ counts in $\tilde A$ and $L$; the released code's causal path
 * stops at an assertion of its own.
 * Cost: $O(T R (D + E) + |S| (D + E))$, as written $O(T^2 (R + D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const scatterbrainAttention = mechanism({
  id: "low-rank/scatterbrain-attention",
  name: "Scatterbrain attention (sparse and low-rank)",
  paper: "Chen et al., 2021, arXiv:2110.15343",
  code: "HazyResearch/fly src/models/attention/sblocal_attention.py:SBLocalAttention",
  inputs: { q: "T D", k: "T D", v: "T E", wp: "R D", support: "T T = 1" },
  outputs: { out: "T E", unnormalised: "T T", lowRank: "T T" },
  options: {
    context: integer(Number.POSITIVE_INFINITY, "c, how many keys about a query are exact", {
      min: 0,
      tried: [0, 1, 2, 3],
    }),
    temperature: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", {
      above: 0,
      tried: [0.25],
    }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  domain: { support: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "T", outputs: ["out"] },
    { causal: "T", when: (_, o) => o.causal, outputs: ["out"] },
    { even: ["q", "k"] },
    { even: "wp" },
    { unordered: "R" },
  ],
  run({ q, k, v, wp, support }, { T, D, R }, { context: c, temperature, causal }) {
    const exact = (i: number, j: number) =>
      support(i, j) === 1 && j - i >= -Math.floor(c / 2) && j - i < Math.ceil(c / 2);
    const F = 2 * R;
    const logFeatures = (x: (t: number, d: number) => number) =>
      table([T, F], (t, f) => {
        const along = Math.sqrt(temperature) * sum(D, (d) => wp(f % R, d) * x(t, d));
        const size = sum(D, (d) => x(t, d) ** 2);
        return (f < R ? along : -along) - (temperature * size) / 2 - Math.log(F) / 2;
      });
    const [phiQ, phiK] = [logFeatures(q), logFeatures(k)];
    const seen = (i: number) => range(causal ? i + 1 : T);
    const logLowRank = table([T, T], (i, j) => logSumExp(F, (f) => phiQ(i, f) + phiK(j, f)));
    const logA = table([T, T], (i, j) =>
      exact(i, j) ? temperature * sum(D, (d) => q(i, d) * k(j, d)) : logLowRank(i, j),
    );
    const weights = table([T], (i) => softmax(seen(i), (j) => logA(i, j)));
    const shown = (log: (i: number, j: number) => number) => (i: number, j: number) =>
      causal && j > i ? 0 : Math.exp(log(i, j));
    return {
      out: (i, e) => sum(weights(i), (j, w) => w * v(j, e)),
      unnormalised: shown(logA),
      lowRank: shown(logLowRank),
    };
  },
});
