import { mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Comba, the recurrence: a delta rule whose state is read at a key of its own, and before it fades; the transition is
 * a number plus a matrix of rank one. Hu et al. 2025, arXiv:2506.02475.
 *
 * $$ u_t = \beta_t (v_t - S_{t-1}^\top p_t), \qquad S_t = e^{g_t} S_{t-1} + k_t u_t^\top, \qquad
 *    o_t = \sigma\, S_t^\top q_t $$
 *
 * which is $S_t = (e^{g_t} I - \beta_t k_t p_t^\top) S_{t-1} + \beta_t k_t v_t^\top$. With $p_t = e^{g_t} k_t$ it is
 * Gated DeltaNet; with $p_t = k_t$ only where $g_t = 0$. The official code disagrees with itself: its naive recurrent
 * function lets the state fade before it is read, its kernels and its naive chunked function do not; the latter, as in
 * the paper, are followed here. $p$ is taken as given: the kernels can normalise $q$, $k$ and $p$ to length 1 before,
 * which cancels a factor on $p$. The correction $q - D p$ of the queries belongs to the layer, `linear/comba-layer`.
 * $g_t$ is meant to be at most 0, $\beta_t$ to lie between 0 and 1; neither is enforced. `state` goes in and comes
 * out. Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const comba = mechanism({
  id: "linear/comba",
  name: "Comba",
  paper: "Hu et al., 2025, arXiv:2506.02475",
  code: "fla-org/flash-linear-attention fla/ops/comba/fused_recurrent.py:fused_recurrent_comba",
  inputs: { q: "T D", k: "T D", v: "T E", p: "T D", g: "T", beta: "T", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5, 1] }),
  },
  domain: { k: { usual: [-1, 1] }, p: { usual: [-1, 1] }, g: { usual: [-3, 0] }, beta: { usual: [0, 1] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "p", "v"] },
    { even: ["q", "k", "p", "state"], outputs: ["out"] },
  ],
  run({ q, k, v, p, g, beta, state }, { T, D, E }, { scale }) {
    const S = scan(T, table([D, E], state), (before, t) => {
      const held = table([E], (e) => sum(D, (d) => p(t, d) * before(d, e)));
      return table([D, E], (d, e) => Math.exp(g(t)) * before(d, e) + beta(t) * k(t, d) * (v(t, e) - held(e)));
    });
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
