import { integer, logSigmoid, mechanism, real, rmsNorm, silu, sum, table } from "../page.ts";
import { gatedLinearAttention } from "./gated-linear-attention.ts";

/**
 * The gated linear attention layer: projections, gates for every feature of the keys from a bottleneck, the recurrence
 * in each head (`linear/gated-linear-attention`), a gated norm of each head and the output projection. Yang et al.
 * 2023, arXiv:2312.06635.
 *
 * $$ q_t, k_t, v_t = x_t W, \quad
 *    g_t = \max\Bigl(\frac{\ln \operatorname{sigmoid}(x_t W^{A1} W^{A2} + b^A)}{\tau},\, \mathrm{clampMin}\Bigr), \quad
 *    S_t = \operatorname{diag}(e^{g_t}) S_{t-1} + k_t v_t^\top $$
 * $$ y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(\sigma S_t^\top q_t)
 *    \odot \mathrm{silu}(x_t W^R_h)\bigr) W^O_h $$
 *
 * The paper's norm is a layer norm, without the mean taken out in the code that came after, which is followed here. In
 * its models the bottleneck is 16 wide and $\tau$ 16, $D$ half of $E$. `state` goes in and comes out. Cost:
 * $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const gatedLinearAttentionLayer = mechanism({
  id: "linear/gated-linear-attention-layer",
  name: "Gated linear attention layer",
  paper: "Yang et al., 2023, arXiv:2312.06635",
  code: "fla-org/flash-linear-attention fla/layers/gla.py:GatedLinearAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wA1: "M R",
    wA2: "R (H D)",
    bA: "(H D)",
    wR: "M (H E)",
    norm: "E",
    wO: "(H E) Mo",
    state: "H D E = 0",
  },
  outputs: { out: "T Mo", state: "H D E" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    tau: real(16, "τ, by which the gates' logarithms are divided", { above: 0, tried: [1] }),
    clampMin: real(Number.NEGATIVE_INFINITY, "the least a gate's logarithm can be", { tried: [-0.5] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [0.5] }),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads },

  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], R: [1, 2] },

  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
  ],
  run({ x, wQ, wK, wV, wA1, wA2, bA, wR, norm, wO, state }, { T, M, H, D, E, R }, { tau, clampMin, scale, eps }) {
    type Three = (i: number, j: number, k: number) => number;
    const projected = (width: number, w: Three) =>
      table([T, H, width], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)));
    const [q, k, v] = [projected(D, wQ), projected(D, wK), projected(E, wV)];
    const narrow = table([T, R], (t, r) => sum(M, (m) => x(t, m) * wA1(m, r)));
    const g = table([T, H, D], (t, h, d) =>
      Math.max(logSigmoid(sum(R, (r) => narrow(t, r) * wA2(r, h, d)) + bA(h, d)) / tau, clampMin),
    );

    const heads = table([H], (h) =>
      gatedLinearAttention.page.run(
        {
          q: (t, d) => q(t, h, d),
          k: (t, d) => k(t, h, d),
          v: (t, e) => v(t, h, e),
          g: (t, d) => g(t, h, d),
          state: (d, e) => state(h, d, e),
        },
        { T, D, E },
        { scale },
        { state: true },
      ),
    );
    const o = table([T, H, E], (t, h, e) => heads(h).out(t, e));
    const unitO = table([T, H], (t, h) => rmsNorm(E, (e) => o(t, h, e), eps));
    const gate = table([T, H, E], (t, h, e) => silu(sum(M, (m) => x(t, m) * wR(m, h, e))));
    const y = table([T, H, E], (t, h, e) => unitO(t, h)(e) * norm(e) * gate(t, h, e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: (h, d, e) => heads(h).state(d, e),
    };
  },
});
