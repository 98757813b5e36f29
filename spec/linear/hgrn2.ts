import { integer, mechanism, range, real, rmsNorm, scan, sigmoid, silu, softmax, sum, table } from "../page.ts";

/**
 * HGRN2: a gated linear recurrence whose keys are what its forget gates let go, so that gates and keys are one
 * projection, and whose gates are bounded from below, the more so the higher the layer. The layer, from tokens to
 * tokens. Qin et al. 2024, arXiv:2404.07904.
 *
 * $$ f_t = \ell + (1 - \ell) \operatorname{sigmoid}(x_t W^f), \quad q_t = \mathrm{silu}(x_t W^q), \quad
 *    v_t = x_t W^i $$
 * $$ S_t = \operatorname{diag}(f_t)\, S_{t-1} + (1 - f_t)\, v_t^\top, \qquad o_t = \sigma\, S_t^\top q_t, \qquad
 *    y_t = \bigl(\mathrm{RMSNorm}(o_t) \odot \mathrm{norm}\bigr) W^o $$
 *
 * per head, the norm over all heads together. $\ell$ is `lowerBound`; or, where the parameter `gamma` of all layers is
 * given, that of layer $l$ = `layer` (from 0): $\ell = \sum_{1 \le j \le l} p_j$ with
 * $p = \operatorname{softmax}_j(\gamma_j)$ for each feature, which is 0 in the first layer. $\sigma$ is $1/\sqrt D$ in
 * the code, 1 in the paper; the norm takes it out but for its ε. Head width is the expansion ratio, 128 in the paper's
 * models, and $E = D$ there. `state` goes in and comes out. Cost: $O(T M H (D + E) + T H D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, both `lowerBound` and `gamma` are
 * given, or there is no such layer.
 */
export const hgrn2 = mechanism({
  id: "linear/hgrn2",
  name: "HGRN2",
  paper: "Qin et al., 2024, arXiv:2404.07904",
  code: "fla-org/flash-linear-attention fla/layers/hgrn2.py:HGRN2Attention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wF: "M (H D)",
    wI: "M (H E)",
    norm: "(H E)",
    wO: "(H E) Mo",
    lowerBound: "(H D) = 0",
    gamma: "L (H D) = none",
    state: "H D E = 0",
  },
  outputs: { out: "T Mo", state: "H D E" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the queries", { tried: [1] }),
    eps: real(1e-5, "ε of the norm", { min: 0, tried: [0.25] }),
    layer: integer(0, "l, the layer whose bound gamma gives", { min: 0, max: 3 }),
  },
  axes: { H: (_, o) => o.heads },
  domain: { lowerBound: { usual: [0, 1] } },
  requires: {
    "lowerBound and gamma exclude each other": (_, __, given) => !(given.lowerBound && given.gamma),
    "layer must be below L, the layers of gamma, and is 0 without it": (n, o, given) =>
      o.layer < (given.gamma ? n.L : 1),
  },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: ["wI", "state"], outputs: ["state"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
  ],
  run({ x, wQ, wF, wI, norm, wO, lowerBound, gamma, state }, { T, M, H, D, E, L }, { scale, eps, layer }, given) {
    const floor = table([H, D], (h, d) => {
      if (!given.gamma) return lowerBound(h, d);
      const p = softmax(L, (l) => gamma(l, h, d));
      return sum(range(1, layer + 1), (l) => p.of(l));
    });
    const f = table(
      [T, H, D],
      (t, h, d) => floor(h, d) + (1 - floor(h, d)) * sigmoid(sum(M, (m) => x(t, m) * wF(m, h, d))),
    );
    const q = table([T, H, D], (t, h, d) => silu(sum(M, (m) => x(t, m) * wQ(m, h, d))));
    const v = table([T, H, E], (t, h, e) => sum(M, (m) => x(t, m) * wI(m, h, e)));
    const S = scan(T, table([H, D, E], state), (before, t) =>
      table([H, D, E], (h, d, e) => f(t, h, d) * before(h, d, e) + (1 - f(t, h, d)) * v(t, h, e)),
    );
    const o = table([T, H, E], (t, h, e) => scale * sum(D, (d) => q(t, h, d) * S(t + 1)(h, d, e)));
    const normed = table([T], (t) => rmsNorm(H * E, (i) => o(t, Math.floor(i / E), i % E), eps));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => normed(t)(h * E + e) * norm(h, e) * wO(h, e, m))),
      state: S(T),
    };
  },
});
