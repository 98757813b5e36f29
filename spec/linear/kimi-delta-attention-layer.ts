import { flag, integer, mechanism, real, rmsNorm, sigmoid, silu, softplus, sum, table } from "../page.ts";
import { kimiDeltaAttention } from "./kimi-delta-attention.ts";

/**
 * The Kimi delta attention layer: short convolutions, keys and queries of length 1, gates for every feature from a
 * bottleneck, the recurrence in each head (`linear/kimi-delta-attention`), a gated norm of each head and the output
 * projection. Kimi Team 2025, arXiv:2510.26692.
 *
 * $$ q_t, k_t = \operatorname{unit}\bigl(\mathrm{silu}(\operatorname{conv}(x_t W))\bigr), \quad
 *    v_t = \mathrm{silu}(\operatorname{conv}(x_t W^V)), \quad \beta_t = \operatorname{sigmoid}(x_t W^B) $$
 * $$ f_t = x_t W^{F1} W^{F2} + \mathrm{dtBias}, \quad
 *    g_t = -e^{\mathrm{aLog}} \operatorname{softplus}(f_t) \quad\text{or}\quad
 *    g_t = \mathrm{lowerBound} \cdot \operatorname{sigmoid}(e^{\mathrm{aLog}} f_t) $$
 * $$ S_t = (I - \beta_t k_t k_t^\top) \operatorname{diag}(e^{g_t}) S_{t-1} + \beta_t k_t v_t^\top, \quad
 *    y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(S_t^\top q_t / \sqrt D) \odot
 *    \operatorname{sigmoid}(x_t W^{G1} W^{G2}_h + b^G_h)\bigr) W^O_h $$
 *
 * $\operatorname{conv}$ runs over each channel's last $K$ tokens, tap $K - 1$ on the token itself, and has no bias;
 * without one $K = 1$ and the taps are 1. $\operatorname{unit}$ divides by $\sqrt{|\cdot|^2 + 10^{-6}}$ in each head.
 * `past`, the last $K - 1$ tokens, and `state` go in and come out. The second form of $g$ is taken where `lowerBound`
 * is given (−5 in the code's safe gate). The output gate is a sigmoid, where Gated DeltaNet has SiLU. `allowNegEigval`
 * doubles $\beta$. There are no positions. Cost: $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const kimiDeltaAttentionLayer = mechanism({
  id: "linear/kimi-delta-attention-layer",
  name: "Kimi delta attention layer",
  paper: "Kimi Team, 2025, arXiv:2510.26692",
  code: "fla-org/flash-linear-attention fla/layers/kda.py:KimiDeltaAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    convQ: "(H D) K",
    convK: "(H D) K",
    convV: "(H E) K",
    wF1: "M R",
    wF2: "R (H D)",
    aLog: "H",
    dtBias: "(H D)",
    wB: "M H",
    wG1: "M R",
    wG2: "R (H E)",
    bG: "(H E)",
    norm: "E",
    wO: "(H E) Mo",
    state: "H D E = 0",
    past: "Kp M = 0",
  },
  outputs: { out: "T Mo", state: "H D E", past: "Kp M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    lowerBound: real(Number.NEGATIVE_INFINITY, "the least a gate's logarithm can be, none if −∞", {
      below: 0,
      tried: [-5],
    }),
    allowNegEigval: flag(false, "whether β reaches up to 2 rather than 1"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], K: [1, 2, 4], R: [1, 2] },
  domain: { aLog: { usual: [-1, 1] } },

  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "past"] },
  ],
  run(
    { x, wQ, wK, wV, convQ, convK, convV, wF1, wF2, aLog, dtBias, wB, wG1, wG2, bG, norm, wO, state, past },
    { T, M, H, D, E, R, K, Kp },
    { lowerBound, allowNegEigval, eps },
  ) {
    type Three = (i: number, j: number, k: number) => number;
    const token = (t: number, m: number) => (t < Kp ? past(t, m) : x(t - Kp, m));
    const mixed = (width: number, w: Three, taps: Three) =>
      table([T, H, width], (t, h, d) =>
        silu(sum(K, (j) => taps(h, d, j) * sum(M, (m) => token(t + j, m) * w(m, h, d)))),
      );
    const unit = (y: Three) => {
      const length = table([T, H], (t, h) => Math.sqrt(sum(D, (d) => y(t, h, d) ** 2) + 1e-6));
      return table([T, H, D], (t, h, d) => y(t, h, d) / length(t, h));
    };
    const q = unit(mixed(D, wQ, convQ));
    const k = unit(mixed(D, wK, convK));
    const v = mixed(E, wV, convV);
    const beta = table([T, H], (t, h) => (allowNegEigval ? 2 : 1) * sigmoid(sum(M, (m) => x(t, m) * wB(m, h))));
    const narrow = (w: (m: number, r: number) => number) => table([T, R], (t, r) => sum(M, (m) => x(t, m) * w(m, r)));
    const [narrowF, narrowG] = [narrow(wF1), narrow(wG1)];
    const g = table([T, H, D], (t, h, d) => {
      const f = sum(R, (r) => narrowF(t, r) * wF2(r, h, d)) + dtBias(h, d);
      const rate = Math.exp(aLog(h));
      return lowerBound === Number.NEGATIVE_INFINITY ? -rate * softplus(f) : lowerBound * sigmoid(rate * f);
    });

    const heads = table([H], (h) =>
      kimiDeltaAttention.page.run(
        {
          q: (t, d) => q(t, h, d),
          k: (t, d) => k(t, h, d),
          v: (t, e) => v(t, h, e),
          g: (t, d) => g(t, h, d),
          beta: (t) => beta(t, h),
          state: (d, e) => state(h, d, e),
        },
        { T, D, E },
        { scale: 1 / Math.sqrt(D) },
        { state: true },
      ),
    );
    const o = table([T, H, E], (t, h, e) => heads(h).out(t, e));
    const unitO = table([T, H], (t, h) => rmsNorm(E, (e) => o(t, h, e), eps));
    const gate = table([T, H, E], (t, h, e) => sigmoid(sum(R, (r) => narrowG(t, r) * wG2(r, h, e)) + bG(h, e)));
    const y = table([T, H, E], (t, h, e) => unitO(t, h)(e) * norm(e) * gate(t, h, e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: (h, d, e) => heads(h).state(d, e),
      past: (i, m) => token(T + i, m),
    };
  },
});
