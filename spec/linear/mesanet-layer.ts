import { choice, integer, logSigmoid, mechanism, real, rmsNorm, sigmoid, silu, softplus, sum, table } from "../page.ts";
import { mesanet } from "./mesanet.ts";

/**
 * The MesaNet layer: short convolutions of queries and keys, gates, the regression in each head (`linear/mesanet`), a
 * norm of each head and the output projection. Von Oswald et al. 2025, arXiv:2506.05233.
 *
 * $$ q_t, k_t = \operatorname{unit}\bigl(\mathrm{silu}(\operatorname{conv}(x_t W))\bigr), \quad v_t = x_t W^V, \quad
 *    g_t = \ln \operatorname{sigmoid}(x_t W^A + b^A), \quad \beta_t = \operatorname{sigmoid}(x_t W^B + b^B) $$
 * $$ \lambda = \tfrac14 + \operatorname{softplus}(\mathrm{lambdaRaw}), \quad
 *    o_t = H_t^\top \bigl(G_t + \operatorname{diag}(\lambda)\bigr)^{-1} q_t, \quad
 *    y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(o_t) \odot \mathrm{silu}(x_t W^G_h)\bigr) W^O_h $$
 *
 * $G$ and $H$ gather $\beta_t k_t k_t^\top$ and $\beta_t k_t v_t^\top$, fading by $e^{g_t}$. $\operatorname{conv}$
 * runs over each channel's last $K$ tokens, tap $K - 1$ on the token itself, and has no bias; without one $K = 1$ and
 * the taps are 1. $\operatorname{unit}$ divides by $\sqrt{|\cdot|^2 + 10^{-6}}$ in each head. Values are not
 * convolved. Without `wG` there is no output gate. `solver` and what goes with it are those of `linear/mesanet`; the
 * official layer takes 30 steps of conjugate gradients. `stateG`, `stateH` and the last $K - 1$ tokens, `past`, go in
 * and come out. Cost: $O(T H D (D^2 + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const mesanetLayer = mechanism({
  id: "linear/mesanet-layer",
  name: "MesaNet layer",
  paper: "von Oswald et al., 2025, arXiv:2506.05233",
  code: "fla-org/flash-linear-attention fla/layers/mesa_net.py:MesaNet",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    convQ: "(H D) K",
    convK: "(H D) K",
    wA: "M H",
    bA: "H",
    wB: "M H",
    bB: "H",
    lambdaRaw: "H D",
    wG: "M (H E) = none",
    norm: "E",
    wO: "(H E) Mo",
    stateG: "H D D = 0",
    stateH: "H D E = 0",
    past: "Kp M = 0",
  },
  outputs: { out: "T Mo", stateG: "H D D", stateH: "H D E", past: "Kp M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    solver: choice(["exact", "cg"], "how the system is solved"),
    iters: integer(30, "steps of conjugate gradients", { min: 0, max: 10000, tried: [0, 1, 2] }),
    start: choice(["zero", "diag"], "where conjugate gradients set out from"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], K: [1, 2, 4] },
  domain: { lambdaRaw: { usual: [1, 3] }, stateG: { usual: [-0.25, 0.25] } },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: ["wV", "stateH"], outputs: ["stateH"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["stateG", "stateH", "past"] },
  ],
  run(
    { x, wQ, wK, wV, convQ, convK, wA, bA, wB, bB, lambdaRaw, wG, norm, wO, stateG, stateH, past },
    { T, M, H, D, E, K, Kp },
    { solver, iters, start, eps },
    given,
  ) {
    type Three = (i: number, j: number, k: number) => number;
    const token = (t: number, m: number) => (t < Kp ? past(t, m) : x(t - Kp, m));
    const unit = (w: Three, taps: Three) => {
      const y = table([T, H, D], (t, h, d) =>
        silu(sum(K, (j) => taps(h, d, j) * sum(M, (m) => token(t + j, m) * w(m, h, d)))),
      );
      const length = table([T, H], (t, h) => Math.sqrt(sum(D, (d) => y(t, h, d) ** 2) + 1e-6));
      return table([T, H, D], (t, h, d) => y(t, h, d) / length(t, h));
    };
    const [q, k] = [unit(wQ, convQ), unit(wK, convK)];
    const v = table([T, H, E], (t, h, e) => sum(M, (m) => x(t, m) * wV(m, h, e)));
    const g = table([T, H], (t, h) => logSigmoid(sum(M, (m) => x(t, m) * wA(m, h)) + bA(h)));
    const beta = table([T, H], (t, h) => sigmoid(sum(M, (m) => x(t, m) * wB(m, h)) + bB(h)));
    const heads = table([H], (h) =>
      mesanet.page.run(
        {
          q: (t, d) => q(t, h, d),
          k: (t, d) => k(t, h, d),
          v: (t, e) => v(t, h, e),
          g: (t) => g(t, h),
          beta: (t) => beta(t, h),
          lambda: table([D], (d) => 0.25 + softplus(lambdaRaw(h, d))),
          stateG: (i, j) => stateG(h, i, j),
          stateH: (d, e) => stateH(h, d, e),
        },
        { T, D, E },
        { solver, iters, start },
        { stateG: true, stateH: true },
      ),
    );
    const o = table([T, H, E], (t, h, e) => heads(h).out(t, e));
    const unitO = table([T, H], (t, h) => rmsNorm(E, (e) => o(t, h, e), eps));
    const gate = table([T, H, E], (t, h, e) => (given.wG ? silu(sum(M, (m) => x(t, m) * wG(m, h, e))) : 1));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => unitO(t, h)(e) * norm(e) * gate(t, h, e) * wO(h, e, m))),
      stateG: (h, i, j) => heads(h).stateG(i, j),
      stateH: (h, d, e) => heads(h).stateH(d, e),
      past: (i, m) => token(T + i, m),
    };
  },
});
