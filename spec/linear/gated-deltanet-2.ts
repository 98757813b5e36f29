import { mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Gated DeltaNet-2, the recurrence: Kimi delta attention with the one strength of a token taken apart into an erase
 * gate for each feature of the key and a write gate for each feature of the value. Contributed to
 * flash-linear-attention as GDN-2, 2026.
 *
 * $$ \tilde S_t = \operatorname{diag}(e^{g_t})\, S_{t-1}, \qquad
 *    S_t = \tilde S_t + k_t \bigl(w_t \odot v_t - \tilde S_t^\top (b_t \odot k_t)\bigr)^\top, \qquad
 *    o_t = \sigma\, S_t^\top q_t $$
 *
 * The state is read at $b_t \odot k_t$ but written at $k_t$ itself. $b$ and $w$ both equal to one $\beta_t$ is Kimi
 * delta attention. $g_t$ is meant to be at most 0, $k_t$ to have length 1, $b_t$ and $w_t$ to lie between 0 and 1;
 * none is enforced. Chunks change nothing but rounding. `state` goes in and comes out. `linear/gated-deltanet-2-layer`
 * is the layer around it. Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const gatedDeltanet2 = mechanism({
  id: "linear/gated-deltanet-2",
  name: "Gated DeltaNet-2 (GDN-2)",
  paper: "fla-org/flash-linear-attention GDN-2, 2026",
  code: "fla-org/flash-linear-attention fla/ops/gdn2/naive.py:naive_recurrent_gdn2",
  inputs: { q: "T D", k: "T D", v: "T E", g: "T D", b: "T D", w: "T E", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5, 1] }),
  },
  domain: { k: { usual: [-1, 1] }, g: { usual: [-3, 0] }, b: { usual: [0, 1] }, w: { usual: [0, 1] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: ["w", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "v"] },
    { even: ["q", "k", "state"], outputs: ["out"] },
  ],
  run({ q, k, v, g, b, w, state }, { T, D, E }, { scale }) {
    const S = scan(T, table([D, E], state), (before, t) => {
      const faded = table([D, E], (d, e) => Math.exp(g(t, d)) * before(d, e));
      const erased = table([E], (e) => sum(D, (d) => b(t, d) * k(t, d) * faded(d, e)));
      return table([D, E], (d, e) => faded(d, e) + k(t, d) * (w(t, e) * v(t, e) - erased(e)));
    });
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
