import { choice, integer, mechanism, scan, sigmoid, softplus, sum, table } from "../page.ts";

/**
 * Normalised attention: causal linear attention that is divided, in place of the sum of its weights, by a positive
 * function of the current token alone. With the projections of the layer. Sieber et al. 2024, arXiv:2405.15731.
 *
 * $$ S_t = S_{t-1} + k_t v_t^\top, \quad o_t = \frac{S_t^\top q_t}{\eta(x_t \cdot w_n + b_n)}, \quad
 *    y_t = \sum_h o_{t,h} W^O_h + b^O $$
 *
 * $q$ and $k$ are the two halves of $x W^{QK} + b^{QK}$, queries first, and $v = x W^V + b^V$. There is no feature map,
 * no factor on the products and one normaliser for each head. The authors' code has $\eta = \exp$ only; softplus and
 * sigmoid are other positive functions in its place. `state` $S$ goes in and comes out. Cost: $O(T H D E)$ beside the
 * projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const expNormalizedLinearAttention = mechanism({
  id: "linear/exp-normalized-linear-attention",
  name: "Normalised attention (linear attention with a learned normaliser)",
  paper: "Sieber et al., 2024, arXiv:2405.15731",
  code: "IntelligentControlSystems/dsf-mqar zoology/mixers/attention.py:MHNA",
  inputs: {
    x: "T M",
    wQk: "M (2 H D)",
    bQk: "(2 H D) = 0",
    wV: "M (H E)",
    bV: "(H E) = 0",
    wN: "M H",
    bN: "H = 0",
    wO: "(H E) Mo",
    bO: "Mo = 0",
    state: "H D E = 0",
  },
  outputs: { out: "T Mo", state: "H D E" },
  options: {
    eta: choice(["exp", "softplus", "sigmoid"], "η, which makes the normaliser positive"),
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
  },
  axes: { H: (_, o) => o.heads },
  domain: { wN: { usual: [-1, 1] } },
  properties: [
    { linear: ["wO", "bO"], outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
  ],
  run({ x, wQk, bQk, wV, bV, wN, bN, wO, bO, state }, { T, M, H, D, E }, { eta }) {
    const qk = table([2, T, H, D], (c, t, h, d) => sum(M, (m) => x(t, m) * wQk(m, c, h, d)) + bQk(c, h, d));
    const v = table([T, H, E], (t, h, e) => sum(M, (m) => x(t, m) * wV(m, h, e)) + bV(h, e));
    const positive = { exp: Math.exp, softplus, sigmoid }[eta];
    const normaliser = table([T, H], (t, h) => positive(sum(M, (m) => x(t, m) * wN(m, h)) + bN(h)));
    const S = scan(T, table([H, D, E], state), (before, t) =>
      table([H, D, E], (h, d, e) => before(h, d, e) + qk(1, t, h, d) * v(t, h, e)),
    );
    const o = table([T, H, E], (t, h, e) => sum(D, (d) => qk(0, t, h, d) * S(t + 1)(h, d, e)) / normaliser(t, h));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) + bO(m),
      state: S(T),
    };
  },
});
