import { mechanism, real, scan, sum, table } from "../page.ts";

/**
 * DeltaNet, the recurrence: linear attention that first reads what the state holds for a key and writes only the
 * difference to the new value, so that a value can be replaced. The rule is Schlag et al. 2021, arXiv:2102.11174; its
 * parallel form Yang et al. 2024, arXiv:2406.06484.
 *
 * $$ u_t = \beta_t (v_t - S_{t-1}^\top k_t), \qquad S_t = S_{t-1} + k_t u_t^\top, \qquad o_t = \sigma\, S_t^\top q_t $$
 *
 * which is $S_t = (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top$. $k_t$ is meant to have length 1 and
 * $\beta_t$ to lie between 0 and 1 (or 2, where the state may also turn its sign); neither is enforced. The papers
 * have no $\sigma$; the code of the second has. Chunks of the sequence solve a triangular system instead of stepping
 * and change nothing but rounding. `state` goes in and comes out. `linear/deltanet-layer` is the layer around it.
 * Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const deltanet = mechanism({
  id: "linear/deltanet",
  name: "DeltaNet (delta rule)",
  paper: "Yang et al., 2024, arXiv:2406.06484; the rule: Schlag et al., 2021, arXiv:2102.11174",
  code: "fla-org/flash-linear-attention fla/ops/delta_rule/naive.py:delta_rule_recurrence",
  inputs: { q: "T D", k: "T D", v: "T E", beta: "T", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5, 1] }),
  },
  domain: { k: { usual: [-1, 1] }, beta: { usual: [0, 1] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "v"] },
    { even: ["q", "k", "state"], outputs: ["out"] },
  ],
  run({ q, k, v, beta, state }, { T, D, E }, { scale }) {
    const S = scan(T, table([D, E], state), (before, t) => {
      const held = table([E], (e) => sum(D, (d) => k(t, d) * before(d, e)));
      return table([D, E], (d, e) => before(d, e) + beta(t) * k(t, d) * (v(t, e) - held(e)));
    });
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
