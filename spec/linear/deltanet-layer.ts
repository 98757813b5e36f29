import { choice, elu, flag, integer, mechanism, real, relu, rmsNorm, sigmoid, silu, sum, table } from "../page.ts";
import { deltanet } from "./deltanet.ts";

/**
 * The DeltaNet layer: short convolutions, keys and queries of length 1, the delta rule in each head
 * (`linear/deltanet`), a norm of each head and the output projection. Yang et al. 2024, arXiv:2406.06484.
 *
 * $$ q_t, k_t = \operatorname{unit}\bigl(\mathrm{silu}(\operatorname{conv}(x_t W))\bigr), \quad
 *    v_t = \mathrm{silu}(\operatorname{conv}(x_t W^V)), \quad \beta_t = \operatorname{sigmoid}(x_t W^B) $$
 * $$ u_t = \beta_t (v_t - S_{t-1}^\top k_t), \quad S_t = S_{t-1} + k_t u_t^\top, \quad
 *    y_t = \sum_h \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(S_t^\top q_t / \sqrt D)\bigr) W^O_h $$
 *
 * $\operatorname{conv}$ runs over each channel's last $K$ tokens, tap $K - 1$ on the token itself, and has no bias;
 * without one $K = 1$ and the taps are 1. $\operatorname{unit}$ divides by $\sqrt{|\cdot|^2 + 10^{-6}}$ in each head.
 * `past`, the last $K - 1$ tokens, and `state` go in and come out. With `qkNorm` `sum` queries and keys are divided by
 * the sum of their features instead, which should then be positive (a sum of 0 leaves zeros), and `qkActivation` may
 * take the place of their SiLU; `elu1` is $\mathrm{elu} + 1$. `allowNegEigval` doubles $\beta$. Cost: $O(T H D E)$
 * beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const deltanetLayer = mechanism({
  id: "linear/deltanet-layer",
  name: "DeltaNet layer",
  paper: "Yang et al., 2024, arXiv:2406.06484",
  code: "fla-org/flash-linear-attention fla/layers/delta_net.py:DeltaNet",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    convQ: "(H D) K",
    convK: "(H D) K",
    convV: "(H E) K",
    wB: "M H",
    norm: "E",
    wO: "(H E) Mo",
    state: "H D E = 0",
    past: "Kp M = 0",
  },
  outputs: { out: "T Mo", state: "H D E", past: "Kp M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    qkNorm: choice(["l2", "sum"], "how queries and keys are normalised"),
    qkActivation: choice(["silu", "relu", "elu1", "identity"], "what the features of queries and keys go through"),
    allowNegEigval: flag(false, "whether β reaches up to 2 rather than 1"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, Kp: (n) => n.K - 1 },
  mayBeEmpty: ["Kp"],
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], K: [1, 2, 4] },

  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "past"] },
  ],
  run(
    { x, wQ, wK, wV, convQ, convK, convV, wB, norm, wO, state, past },
    { T, M, H, D, E, K, Kp },
    { qkNorm, qkActivation, allowNegEigval, eps },
  ) {
    type Three = (i: number, j: number, k: number) => number;
    const token = (t: number, m: number) => (t < Kp ? past(t, m) : x(t - Kp, m));
    const mixed = (width: number, w: Three, taps: Three, act: (y: number) => number) =>
      table([T, H, width], (t, h, d) =>
        act(sum(K, (j) => taps(h, d, j) * sum(M, (m) => token(t + j, m) * w(m, h, d)))),
      );
    const act = { silu, relu, elu1: (y: number) => elu(y) + 1, identity: (y: number) => y }[qkActivation];
    const normed = (y: Three) => {
      const length = table([T, H], (t, h) =>
        qkNorm === "l2"
          ? Math.sqrt(sum(D, (d) => y(t, h, d) ** 2) + 1e-6)
          : sum(D, (d) => y(t, h, d)) || Number.POSITIVE_INFINITY,
      );
      return table([T, H, D], (t, h, d) => y(t, h, d) / length(t, h));
    };
    const q = normed(mixed(D, wQ, convQ, act));
    const k = normed(mixed(D, wK, convK, act));
    const v = mixed(E, wV, convV, silu);
    const beta = table([T, H], (t, h) => (allowNegEigval ? 2 : 1) * sigmoid(sum(M, (m) => x(t, m) * wB(m, h))));

    const heads = table([H], (h) =>
      deltanet.page.run(
        {
          q: (t, d) => q(t, h, d),
          k: (t, d) => k(t, h, d),
          v: (t, e) => v(t, h, e),
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
    const y = table([T, H, E], (t, h, e) => unitO(t, h)(e) * norm(e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: (h, d, e) => heads(h).state(d, e),
      past: (i, m) => token(T + i, m),
    };
  },
});
