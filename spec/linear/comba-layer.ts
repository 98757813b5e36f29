import { flag, integer, mechanism, real, rmsNorm, sigmoid, silu, softplus, sum, table } from "../page.ts";
import { comba } from "./comba.ts";

/**
 * The Comba layer: short convolutions, queries corrected by what is fed back, the recurrence in each head
 * (`linear/comba`), a gated norm of each head and the output projection. Hu et al. 2025, arXiv:2506.02475.
 *
 * $$ \bar q_t, \bar k_t, v_t = \mathrm{silu}(\operatorname{conv}(x_t W)), \quad
 *    \bar p_t = \operatorname{sigmoid}(b_h)\, \bar k_t, \quad
 *    q_t = \operatorname{unit}(\bar q_t - D_h \bar p_t), \quad k_t = \operatorname{unit}(\bar k_t) $$
 * $$ \beta_t = \operatorname{sigmoid}(x_t W^B), \quad
 *    g_t = -e^{\mathrm{aLog}} \operatorname{softplus}(x_t W^A + \mathrm{dtBias}), \quad
 *    S_t = (e^{g_t} I - \beta_t k_t p_t^\top) S_{t-1} + \beta_t k_t v_t^\top $$
 * $$ y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(S_t^\top q_t / \sqrt D) \odot
 *    \operatorname{sigmoid}(x_t W^G_h)\bigr) W^O_h $$
 *
 * $\operatorname{conv}$ runs over each channel's last $K$ tokens, tap $K - 1$ on the token itself, and has no bias;
 * without one $K = 1$ and the taps are 1. $\operatorname{unit}$ divides by $\sqrt{|\cdot|^2 + 10^{-6}}$ in each head.
 * `past`, the last $K - 1$ tokens, and `state` go in and come out. The official layer lets its kernels bring $p$ to
 * length 1 as well, $p_t = \operatorname{unit}(\bar p_t)$, so that $b$ only tells in the correction and through the
 * norm's $10^{-6}$; that is `normaliseP`, the default. Without it $p_t = \operatorname{sigmoid}(b_h)\, k_t$, where the
 * factor does tell. Without `b` it is 1, without `correction` $D$ there is none. Cost: $O(T H D E)$ beside the
 * projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const combaLayer = mechanism({
  id: "linear/comba-layer",
  name: "Comba layer",
  paper: "Hu et al., 2025, arXiv:2506.02475",
  code: "fla-org/flash-linear-attention fla/layers/comba.py:Comba",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    convQ: "(H D) K",
    convK: "(H D) K",
    convV: "(H E) K",
    wA: "M H",
    wB: "M H",
    aLog: "H",
    dtBias: "H",
    b: "H = Infinity",
    correction: "H = 0",
    wG: "M (H E)",
    norm: "E",
    wO: "(H E) Mo",
    state: "H D E = 0",
    past: "Kp M = 0",
  },
  outputs: { out: "T Mo", state: "H D E", past: "Kp M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    normaliseP: flag(true, "whether p is brought to length 1 like q and k"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], K: [1, 2, 4] },
  domain: { aLog: { usual: [-1, 1] } },

  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "past"] },
  ],
  run(
    { x, wQ, wK, wV, convQ, convK, convV, wA, wB, aLog, dtBias, b, correction, wG, norm, wO, state, past },
    { T, M, H, D, E, K, Kp },
    { normaliseP, eps },
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
    const [rawQ, rawK, v] = [mixed(D, wQ, convQ), mixed(D, wK, convK), mixed(E, wV, convV)];
    const rawP = table([T, H, D], (t, h, d) => sigmoid(b(h)) * rawK(t, h, d));
    const q = unit((t, h, d) => rawQ(t, h, d) - correction(h) * rawP(t, h, d));
    const k = unit(rawK);
    const p = normaliseP ? unit(rawP) : table([T, H, D], (t, h, d) => sigmoid(b(h)) * k(t, h, d));
    const project = (w: (m: number, h: number) => number, t: number, h: number) => sum(M, (m) => x(t, m) * w(m, h));
    const beta = table([T, H], (t, h) => sigmoid(project(wB, t, h)));
    const g = table([T, H], (t, h) => -Math.exp(aLog(h)) * softplus(project(wA, t, h) + dtBias(h)));

    const heads = table([H], (h) =>
      comba.page.run(
        {
          q: (t, d) => q(t, h, d),
          k: (t, d) => k(t, h, d),
          v: (t, e) => v(t, h, e),
          p: (t, d) => p(t, h, d),
          g: (t) => g(t, h),
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
    const gate = table([T, H, E], (t, h, e) => sigmoid(sum(M, (m) => x(t, m) * wG(m, h, e))));
    const y = table([T, H, E], (t, h, e) => unitO(t, h)(e) * norm(e) * gate(t, h, e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: (h, d, e) => heads(h).state(d, e),
      past: (i, m) => token(T + i, m),
    };
  },
});
