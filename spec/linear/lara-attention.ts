import { choice, integer, mean, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Linear randomized attention (LARA): softmax attention written as an average over random features is estimated from
 * one sample of each of a few proposals, every one made from the means of a segment of queries and keys; how much a
 * sample counts depends on the query. One head, not causal. Zheng et al. 2022, arXiv:2204.04667.
 *
 * $$ \mu_g = \bar q_g + \bar k_g, \quad w_g = \mu_g + \texttt{noise}_g, \quad
 *    p_g(x) = \sigma\bigl(w_g \cdot x - \tfrac12 \|x\|^2\bigr), \quad
 *    \ell_g = \ln \sum_s e^{p_g(k_s)}, \quad u_g = \sum_s e^{p_g(k_s) - \ell_g}\, v_s $$
 * $$ o_t = \sum_g \operatorname{softmax}_g\bigl(\ln \alpha_{g,t} + p_g(q_t) + \ell_g - \ln Q_g\bigr)\, u_g, \quad
 *    Q_{g,h} = e^{\sigma(w_g \cdot \mu_h - \frac12 \|\mu_h\|^2)}, \quad \sigma = 1/\sqrt D $$
 *
 * The multiple importance sampling is by `weighting`; $Q_{g,g}$ is the density of a sample under its own proposal,
 * $\sum_h Q_{g,h}$ that under all of them: `optimal` has $Q_g = Q_{g,g}$ and
 * $\alpha = \max\bigl(Q_{g,g}/\sum_h Q_{g,h} + c\,(r_{g,t} - \operatorname{mean}_h r_{h,t}),\, 10^{-8}\bigr)$, where
 * $r_{g,t}$ is the softmax over the queries $t$, not the landmarks, of $\sigma\, \bar q_g \cdot q_t$; `balance` has
 * $Q_g = \sum_h Q_{g,h}$ and $\alpha = 1$; `biased` has that $Q_g$ and $\alpha = e^{\sigma \mu_g \cdot q_t}$; `own`
 * that α and $Q_g = Q_{g,g}$.
 *
 * `optimal` is the default of the authors' code; `own` is how the Comprehensive Attention Benchmark, in part by the
 * same authors, has it. Both have the factor σ on $\|x\|^2$, which scaling $q$ and $k$ by $D^{-1/4}$ accounts for.
 * `noise` is standard normal in training and absent after it. There are $G = \min(c, T)$ segments of
 * $\lfloor T/G \rfloor$ tokens, the last ones of one more if $G$ does not divide $T$. For images the code pools the
 * grid and may add a layer to the means. Cost: $O(T G (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const laraAttention = mechanism({
  id: "linear/lara-attention",
  name: "Linear randomized attention (LARA)",
  paper: "Zheng et al., 2022, arXiv:2204.04667",
  code: "HKUNLP/efficient-attention efficient-attention/efficient_attention/lara.py:LinearRA",
  inputs: { q: "T D", k: "T D", v: "T E", noise: "G D = 0" },
  outputs: { out: "T E" },
  options: {
    c: integer(49, "the largest number of landmarks", { min: 1, tried: [1, 2, 3] }),
    weighting: choice(["optimal", "balance", "biased", "own"], "how samples of several proposals are combined"),
    coefficient: real(1, "c of the optimal weighting, how much it looks at the query", { tried: [0.5, 2] }),
  },
  axes: { G: (n, o) => Math.min(o.c, n.T) },
  tried: { T: [1, 2, 4, 5, 7] },
  domain: { q: { usual: [-2, 2] }, k: { usual: [-2, 2] } },
  properties: [{ linear: "v" }, { averages: "v", along: "T" }],
  run({ q, k, v, noise }, { T, D, E, G }, { weighting, coefficient }) {
    const sigma = 1 / Math.sqrt(D);
    const short = Math.floor(T / G);
    const start = (g: number) => g * short + Math.max(0, g - (G - (T % G)));
    const segment = (g: number) => range(start(g), start(g + 1));
    const qBar = table([G, D], (g, d) => mean(segment(g), (t) => q(t, d)));
    const mu = table([G, D], (g, d) => qBar(g, d) + mean(segment(g), (t) => k(t, d)));
    const w = table([G, D], (g, d) => mu(g, d) + noise(g, d));
    const p = (g: number, x: (d: number) => number) => sigma * sum(D, (d) => w(g, d) * x(d) - x(d) ** 2 / 2);

    const keys = table([G], (g) => softmax(T, (s) => p(g, (d) => k(s, d))));
    const u = table([G, E], (g, e) => sum(keys(g), (s, weight) => weight * v(s, e)));
    const lnQ = table([G, G], (g, h) => p(g, (d) => mu(h, d)));
    const every = table([G], (g) => softmax(G, (h) => lnQ(g, h)));
    const r = table([G], (g) => softmax(T, (t) => sigma * sum(D, (d) => qBar(g, d) * q(t, d))));
    const above = table([T], (t) => {
      const shares = table([G], (g) => r(g).of(t));
      const usual = mean(G, shares);
      return (g: number) => shares(g) - usual;
    });
    const lnAlpha = (g: number, t: number) => {
      if (weighting === "balance") return 0;
      if (weighting !== "optimal") return sigma * sum(D, (d) => mu(g, d) * q(t, d));
      return Math.log(Math.max(every(g).of(g) + coefficient * above(t)(g), 1e-8));
    };
    const density = (g: number) => (weighting === "optimal" || weighting === "own" ? lnQ(g, g) : every(g).logSumExp);
    const weights = table([T], (t) =>
      softmax(G, (g) => lnAlpha(g, t) + p(g, (d) => q(t, d)) + keys(g).logSumExp - density(g)),
    );
    return { out: (t, e) => sum(weights(t), (g, weight) => weight * u(g, e)) };
  },
});
