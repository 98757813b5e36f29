import { flag, integer, mechanism, real, rmsNorm, sigmoid, silu, softplus, sum, table } from "../page.ts";
import { gatedDeltaproduct } from "./gated-deltaproduct.ts";

/**
 * The Gated DeltaProduct layer: short convolutions, queries and several keys a token of length 1, the gated product of
 * delta rules in each head (`linear/gated-deltaproduct`), a gated norm of each head and the output projection. Siems
 * et al. 2025, arXiv:2502.10297.
 *
 * $$ q_t, k_{t,j} = \operatorname{unit}\bigl(\mathrm{silu}(\operatorname{conv}(x_t W))\bigr), \quad
 *    v_{t,j} = \mathrm{silu}(\operatorname{conv}(x_t W^V_j)), \quad
 *    \beta_{t,j} = 2 \operatorname{sigmoid}(x_t W^B_j), \quad
 *    g_t = -e^{\mathrm{aLog}} \operatorname{softplus}(x_t W^A + \mathrm{dtBias}) $$
 * $$ S_t = \text{gated DeltaProduct of } e^{g_t} S_{t-1} \text{ with } (k_{t,j}, v_{t,j}, \beta_{t,j})_j, \quad
 *    y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(S_t^\top q_t / \sqrt D)
 *    \odot \mathrm{silu}(x_t W^G_h)\bigr) W^O_h $$
 *
 * $\operatorname{conv}$ runs over each channel's last $K$ tokens, tap $K - 1$ on the token itself, and has no bias;
 * without one $K = 1$ and the taps are 1. $\operatorname{unit}$ divides by $\sqrt{|\cdot|^2 + 10^{-6}}$ in each head.
 * `past`, the last $K - 1$ tokens, and `state` go in and come out. The columns of `wK`, `wV` and `wB` are those of the
 * first write of all heads, then those of the second. Without `wA` nothing fades. $\beta$ reaches up to 2, or 1 if not
 * `allowNegEigval`. Cost: $O(T R H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads
 * and writes, or `aLog` or `dtBias` is given without `wA`.
 */
export const gatedDeltaproductLayer = mechanism({
  id: "linear/gated-deltaproduct-layer",
  name: "Gated DeltaProduct layer",
  paper: "Siems et al., 2025, arXiv:2502.10297",
  code: "fla-org/flash-linear-attention fla/layers/gated_deltaproduct.py:GatedDeltaProduct",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (R H D)",
    wV: "M (R H E)",
    convQ: "(H D) K",
    convK: "(R H D) K",
    convV: "(R H E) K",
    wB: "M (R H)",
    wA: "M H = none",
    aLog: "H = 0",
    dtBias: "H = 0",
    wG: "M (H E)",
    norm: "E",
    wO: "(H E) Mo",
    state: "H D E = 0",
    past: "Kp M = 0",
  },
  outputs: { out: "T Mo", state: "H D E", past: "Kp M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    nH: integer(2, "R, how many writes a token makes", { min: 1, max: 3 }),
    allowNegEigval: flag(true, "whether β reaches up to 2 rather than 1"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, R: (_, o) => o.nH, Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], K: [1, 2, 4] },
  domain: { aLog: { usual: [-1, 1] } },
  requires: { "aLog and dtBias belong to wA": (_, __, given) => given.wA || !(given.aLog || given.dtBias) },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "past"] },
  ],
  run(
    { x, wQ, wK, wV, convQ, convK, convV, wB, wA, aLog, dtBias, wG, norm, wO, state, past },
    { T, M, R, H, D, E, K, Kp },
    { nH, allowNegEigval, eps },
    given,
  ) {
    const token = (t: number, m: number) => (t < Kp ? past(t, m) : x(t - Kp, m));
    const mixed = (channel: (m: number) => number, taps: (j: number) => number, t: number) =>
      silu(sum(K, (j) => taps(j) * sum(M, (m) => token(t + j, m) * channel(m))));
    const unit = (writes: number, y: (t: number, r: number, h: number, d: number) => number) => {
      const raw = table([T, writes, H, D], y);
      const length = table([T, writes, H], (t, r, h) => Math.sqrt(sum(D, (d) => raw(t, r, h, d) ** 2) + 1e-6));
      return table([T, writes, H, D], (t, r, h, d) => raw(t, r, h, d) / length(t, r, h));
    };
    const q = unit(1, (t, _, h, d) =>
      mixed(
        (m) => wQ(m, h, d),
        (j) => convQ(h, d, j),
        t,
      ),
    );
    const k = unit(R, (t, r, h, d) =>
      mixed(
        (m) => wK(m, r, h, d),
        (j) => convK(r, h, d, j),
        t,
      ),
    );
    const v = table([T, R, H, E], (t, r, h, e) =>
      mixed(
        (m) => wV(m, r, h, e),
        (j) => convV(r, h, e, j),
        t,
      ),
    );
    const beta = table(
      [T, R, H],
      (t, r, h) => (allowNegEigval ? 2 : 1) * sigmoid(sum(M, (m) => x(t, m) * wB(m, r, h))),
    );
    const g = table([T, H], (t, h) =>
      given.wA ? -Math.exp(aLog(h)) * softplus(sum(M, (m) => x(t, m) * wA(m, h)) + dtBias(h)) : 0,
    );

    const heads = table([H], (h) =>
      gatedDeltaproduct.page.run(
        {
          q: (t, d) => q(t, 0, h, d),
          k: (t, r, d) => k(t, r, h, d),
          v: (t, r, e) => v(t, r, h, e),
          beta: (t, r) => beta(t, r, h),
          g: (t) => g(t, h),
          state: (d, e) => state(h, d, e),
        },
        { T, R, D, E },
        { nH, scale: 1 / Math.sqrt(D) },
        { g: true, state: true },
      ),
    );
    const o = table([T, H, E], (t, h, e) => heads(h).out(t, e));
    const unitO = table([T, H], (t, h) => rmsNorm(E, (e) => o(t, h, e), eps));
    const gate = table([T, H, E], (t, h, e) => silu(sum(M, (m) => x(t, m) * wG(m, h, e))));
    const y = table([T, H, E], (t, h, e) => unitO(t, h)(e) * norm(e) * gate(t, h, e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: (h, d, e) => heads(h).state(d, e),
      past: (i, m) => token(T + i, m),
    };
  },
});
