import { mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Gated linear attention, the recurrence: one head keeps a $D \times E$ state, each row of which fades by its own gate
 * before a key and its value are written. Yang et al. 2023, arXiv:2312.06635.
 *
 * $$ S_t = \operatorname{diag}(e^{g_t})\, S_{t-1} + k_t v_t^\top, \qquad o_t = \sigma\, S_t^\top q_t $$
 *
 * $g$ holds logarithms of gates, so at most 0 in use; neither that nor anything else about $q$ and $k$ is enforced.
 * The gate of a token acts on what came before it, not on what it writes. A second form, with
 * $G_t = \sum_{u \le t} g_u$, is
 * $o_t = \sigma \sum_{s \le t} \bigl(\sum_d q_{t,d}\, k_{s,d}\, e^{G_{t,d} - G_{s,d}}\bigr) v_s$; chunks mix the two
 * and change nothing but rounding. The paper's formulas leave $\sigma$ out, its code has it. `state` goes in and comes
 * out, so that a sequence can be cut anywhere. `linear/gated-linear-attention-layer` is the layer around it. Cost:
 * $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const gatedLinearAttention = mechanism({
  id: "linear/gated-linear-attention",
  name: "Gated linear attention (GLA)",
  paper: "Yang et al., 2023, arXiv:2312.06635",
  code: "fla-org/flash-linear-attention fla/ops/gla/naive.py:naive_recurrent_gla",
  inputs: { q: "T D", k: "T D", v: "T E", g: "T D", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5, 1] }),
  },
  domain: { g: { usual: [-3, 0] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "v"] },
    { even: ["q", "k", "state"], outputs: ["out"] },
  ],
  run({ q, k, v, g, state }, { T, D, E }, { scale }) {
    const S = scan(T, table([D, E], state), (before, t) =>
      table([D, E], (d, e) => Math.exp(g(t, d)) * before(d, e) + k(t, d) * v(t, e)),
    );
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
