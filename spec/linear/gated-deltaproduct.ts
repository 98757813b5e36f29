import { integer, mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Gated DeltaProduct, the recurrence: several delta-rule writes for each token, so that the state is multiplied by a
 * product of Householder-like matrices, between a single reflection and any matrix. Siems et al. 2025,
 * arXiv:2502.10297.
 *
 * $$ S_{t,0} = e^{g_t} S_{t-1}, \qquad
 *    S_{t,j} = S_{t,j-1} + \beta_{t,j}\, k_{t,j} (v_{t,j} - S_{t,j-1}^\top k_{t,j})^\top, \qquad
 *    S_t = S_{t,R}, \qquad o_t = \sigma\, S_t^\top q_t $$
 *
 * $R$ = `nH` writes a token, in order: write $j$ of token $t$ is at place $tR + j$ of `k`, `v` and `beta`. The state
 * fades once a token, before the first write, and is read once, after the last. Without `g` it does not fade. $k$ is
 * meant to have length 1 and $\beta$ to lie between 0 and 2, where one write can be a reflection; neither is enforced.
 * The naive function of the official code takes a scale and leaves it unused; its kernels, followed here, scale the
 * queries. `state` goes in and comes out. `linear/gated-deltaproduct-layer` is the layer around it. Cost:
 * $O(T R D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or there are not $R$ writes for each
 * token.
 */
export const gatedDeltaproduct = mechanism({
  id: "linear/gated-deltaproduct",
  name: "Gated DeltaProduct",
  paper: "Siems et al., 2025, arXiv:2502.10297",
  code: "fla-org/flash-linear-attention fla/ops/gated_delta_product/naive.py:naive_recurrent_gated_delta_product",
  inputs: { q: "T D", k: "(T R) D", v: "(T R) E", beta: "(T R)", g: "T = 0", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {
    nH: integer(2, "R, how many writes a token makes", { min: 1, max: 4 }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5, 1] }),
  },
  axes: { R: (_, o) => o.nH },
  domain: { k: { usual: [-1, 1] }, g: { usual: [-3, 0] }, beta: { usual: [0, 2] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "q", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "v"] },
    { even: ["q", "k", "state"], outputs: ["out"] },
  ],
  run({ q, k, v, beta, g, state }, { T, R, D, E }, { scale }) {
    const S = scan(T, table([D, E], state), (before, t) => {
      const faded = table([D, E], (d, e) => Math.exp(g(t)) * before(d, e));
      const written = scan(R, faded, (inner, j) => {
        const held = table([E], (e) => sum(D, (d) => k(t, j, d) * inner(d, e)));
        return table([D, E], (d, e) => inner(d, e) + beta(t, j) * k(t, j, d) * (v(t, j, e) - held(e)));
      });
      return written(R);
    });
    return {
      out: (t, e) => scale * sum(D, (d) => q(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
