import { mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Kimi delta attention, the recurrence: the delta rule on a state each row of which fades by its own gate. Kimi Team
 * 2025, "Kimi Linear", arXiv:2510.26692.
 *
 * $$ \tilde S_t = \operatorname{diag}(e^{g_t})\, S_{t-1}, \qquad
 *    S_t = \tilde S_t + \beta_t k_t (v_t - \tilde S_t^\top k_t)^\top, \qquad o_t = \sigma\, S_t^\top q_t $$
 *
 * Gated DeltaNet is the case of one gate for all rows. What is read, and taken away, has faded already. $g_t$ is meant
 * to be at most 0, $k_t$ to have length 1, $\beta_t$ to lie between 0 and 1 (or 2); none is enforced. Chunks change
 * nothing but rounding. `state` goes in and comes out. `linear/kimi-delta-attention-layer` is the layer around it.
 * Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const kimiDeltaAttention = mechanism({
  id: "linear/kimi-delta-attention",
  name: "Kimi delta attention (KDA)",
  paper: "Kimi Team, 2025, arXiv:2510.26692",
  code: "fla-org/flash-linear-attention fla/ops/kda/naive.py:naive_recurrent_kda",
  inputs: { q: "T D", k: "T D", v: "T E", g: "T D", beta: "T", state: "D E = 0" },
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
      const faded = table([D, E], (d, e) => Math.exp(g(t, d)) * before(d, e));
      const held = table([E], (e) => sum(D, (d) => k(t, d) * faded(d, e)));
      return table([D, E], (d, e) => faded(d, e) + beta(t) * k(t, d) * (v(t, e) - held(e)));
    });
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
