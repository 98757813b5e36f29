import { mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Gated DeltaNet, the recurrence: the delta rule on a state that fades first, all of it by one gate. Yang, Kautz and
 * Hatamizadeh 2024, arXiv:2412.06464.
 *
 * $$ \tilde S_t = e^{g_t} S_{t-1}, \qquad S_t = \tilde S_t + \beta_t k_t (v_t - \tilde S_t^\top k_t)^\top, \qquad
 *    o_t = \sigma\, S_t^\top q_t $$
 *
 * which is $S_t = e^{g_t} (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top$: what is read, and taken away,
 * has faded already. $g_t$ is meant to be at most 0, $k_t$ to have length 1, $\beta_t$ to lie between 0 and 1 (or 2);
 * none is enforced. The paper's formulas leave $\sigma$ out, the code has it. Chunks change nothing but rounding.
 * `state` goes in and comes out. `linear/gated-deltanet-layer` is the layer around it. Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const gatedDeltanet = mechanism({
  id: "linear/gated-deltanet",
  name: "Gated DeltaNet (gated delta rule)",
  paper: "Yang, Kautz and Hatamizadeh, 2024, arXiv:2412.06464",
  code: "fla-org/flash-linear-attention fla/ops/gated_delta_rule/naive.py:naive_recurrent_gated_delta_rule",
  inputs: { q: "T D", k: "T D", v: "T E", g: "T", beta: "T", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5, 1] }),
  },
  domain: { k: { usual: [-1, 1] }, g: { usual: [-3, 0] }, beta: { usual: [0, 1] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "v"] },
    { even: ["q", "k", "state"], outputs: ["out"] },
  ],
  run({ q, k, v, g, beta, state }, { T, D, E }, { scale }) {
    const S = scan(T, table([D, E], state), (before, t) => {
      const faded = table([D, E], (d, e) => Math.exp(g(t)) * before(d, e));
      const held = table([E], (e) => sum(D, (d) => k(t, d) * faded(d, e)));
      return table([D, E], (d, e) => faded(d, e) + beta(t) * k(t, d) * (v(t, e) - held(e)));
    });
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
