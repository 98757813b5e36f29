import { flag, integer, mechanism, real, rmsNorm, sigmoid, silu, softplus, sum, table } from "../page.ts";
import { gatedDeltanet } from "./gated-deltanet.ts";

/**
 * The Gated DeltaNet layer: short convolutions, keys and queries of length 1, the gated delta rule in each head
 * (`linear/gated-deltanet`), a gated norm of each head and the output projection. Yang, Kautz and Hatamizadeh 2024,
 * arXiv:2412.06464.
 *
 * $$ q_t, k_t = \operatorname{unit}\bigl(\mathrm{silu}(\operatorname{conv}(x_t W))\bigr), \quad
 *    v_t = \mathrm{silu}(\operatorname{conv}(x_t W^V)), \quad \beta_t = \operatorname{sigmoid}(x_t W^B), \quad
 *    g_t = -e^{\mathrm{aLog}} \operatorname{softplus}(x_t W^A + \mathrm{dtBias}) $$
 * $$ S_t = e^{g_t} (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top, \quad
 *    y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(S_t^\top q_t / \sqrt D)
 *    \odot \mathrm{silu}(x_t W^G_h)\bigr) W^O_h $$
 *
 * $\operatorname{conv}$ runs over each channel's last $K$ tokens, tap $K - 1$ on the token itself, and has no bias;
 * without one $K = 1$ and the taps are 1. $\operatorname{unit}$ divides by $\sqrt{|\cdot|^2 + 10^{-6}}$ in each head.
 * `past`, the last $K - 1$ tokens, and `state` go in and come out. Where there are more value heads than query and key
 * heads, value head $h$ reads head $\lfloor h H / H_v \rfloor$ and has its own gates. `allowNegEigval` doubles
 * $\beta$. The norm's ε is $10^{-5}$ here, $10^{-6}$ in some models that took the layer over. Cost: $O(T H_v D E)$
 * beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into
 * heads, or $H_v$ is no multiple of $H$.
 */
export const gatedDeltanetLayer = mechanism({
  id: "linear/gated-deltanet-layer",
  name: "Gated DeltaNet layer",
  paper: "Yang, Kautz and Hatamizadeh, 2024, arXiv:2412.06464",
  code: "fla-org/flash-linear-attention fla/layers/gated_deltanet.py:GatedDeltaNet",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (Hv E)",
    convQ: "(H D) K",
    convK: "(H D) K",
    convV: "(Hv E) K",
    wA: "M Hv",
    wB: "M Hv",
    aLog: "Hv",
    dtBias: "Hv",
    wG: "M (Hv E)",
    norm: "E",
    wO: "(Hv E) Mo",
    state: "Hv D E = 0",
    past: "Kp M = 0",
  },
  outputs: { out: "T Mo", state: "Hv D E", past: "Kp M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    vHeads: integer((n: { H: number }) => n.H, "Hv, the number of value heads", { min: 1, tried: [2, 4] }),
    allowNegEigval: flag(false, "whether β reaches up to 2 rather than 1"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, Hv: (_, o) => o.vHeads, Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], K: [1, 2, 4] },
  domain: { aLog: { usual: [-1, 1] } },
  requires: { "Hv must be a multiple of H": (n) => n.Hv % n.H === 0 },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "past"] },
  ],
  run(
    { x, wQ, wK, wV, convQ, convK, convV, wA, wB, aLog, dtBias, wG, norm, wO, state, past },
    { T, M, H, Hv, D, E, K, Kp },
    { allowNegEigval, eps },
  ) {
    type Three = (i: number, j: number, k: number) => number;
    const token = (t: number, m: number) => (t < Kp ? past(t, m) : x(t - Kp, m));
    const mixed = (heads: number, width: number, w: Three, taps: Three) =>
      table([T, heads, width], (t, h, d) =>
        silu(sum(K, (j) => taps(h, d, j) * sum(M, (m) => token(t + j, m) * w(m, h, d)))),
      );
    const unit = (y: Three) => {
      const length = table([T, H], (t, h) => Math.sqrt(sum(D, (d) => y(t, h, d) ** 2) + 1e-6));
      return table([T, H, D], (t, h, d) => y(t, h, d) / length(t, h));
    };
    const q = unit(mixed(H, D, wQ, convQ));
    const k = unit(mixed(H, D, wK, convK));
    const v = mixed(Hv, E, wV, convV);
    const project = (w: (m: number, h: number) => number, t: number, h: number) => sum(M, (m) => x(t, m) * w(m, h));
    const beta = table([T, Hv], (t, h) => (allowNegEigval ? 2 : 1) * sigmoid(project(wB, t, h)));
    const g = table([T, Hv], (t, h) => -Math.exp(aLog(h)) * softplus(project(wA, t, h) + dtBias(h)));
    const shared = (h: number) => Math.floor((h * H) / Hv);

    const heads = table([Hv], (h) =>
      gatedDeltanet.page.run(
        {
          q: (t, d) => q(t, shared(h), d),
          k: (t, d) => k(t, shared(h), d),
          v: (t, e) => v(t, h, e),
          g: (t) => g(t, h),
          beta: (t) => beta(t, h),
          state: (d, e) => state(h, d, e),
        },
        { T, D, E },
        { scale: 1 / Math.sqrt(D) },
        { state: true },
      ),
    );
    const o = table([T, Hv, E], (t, h, e) => heads(h).out(t, e));
    const unitO = table([T, Hv], (t, h) => rmsNorm(E, (e) => o(t, h, e), eps));
    const gate = table([T, Hv, E], (t, h, e) => silu(sum(M, (m) => x(t, m) * wG(m, h, e))));
    const y = table([T, Hv, E], (t, h, e) => unitO(t, h)(e) * norm(e) * gate(t, h, e));
    return {
      out: (t, m) => sum(Hv, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: (h, d, e) => heads(h).state(d, e),
      past: (i, m) => token(T + i, m),
    };
  },
});
