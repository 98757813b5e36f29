import { choice, integer, mechanism, real, rmsNorm, rotate, scan, silu, sum, table } from "../page.ts";

/**
 * The retention layer of RetNet, multi-scale retention: projections, rotary positions, retention in each head
 * (`linear/retention`), a norm of each head, a gate and the output projection. Sun et al. 2023, arXiv:2307.08621, §2.2.
 *
 * $$ q_{t,h} = R_{p+t}\, x_t W^Q_h, \quad k_{t,h} = R_{p+t}\, x_t W^K_h, \quad v_{t,h} = x_t W^V_h, \quad
 *    S_{t,h} = \gamma_h S_{t-1,h} + k_{t,h} v_{t,h}^\top, \quad \gamma_h = 1 - 2^{-5-h} $$
 * $$ y_t = \sum_h \bigl(\operatorname{silu}(x_t W^G_h)
 *    \odot \nu \odot \operatorname{RMSNorm}(\sigma S_{t,h}^\top q_{t,h})\bigr)\, W^O_h $$
 *
 * $R_n$ turns the pairs $(i, i + D/2)$, or with `layout` `interleaved` $(2i, 2i+1)$, by $n\theta^{-2i/D}$; since both
 * $q$ and $k$ turn, only distances count. The paper's group norm also takes out the mean; this page follows the code
 * that came after, which does not, and has a gain $\nu$ = `norm` shared by the heads. The paper's normalised scores
 * differ by a factor that the norm takes out, but for ε. `position` $p$ counts the tokens before the first and is
 * carried like `state`. Cost: $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads
 * or $D$ is odd.
 */
export const retentionLayer = mechanism({
  id: "linear/retention-layer",
  name: "Multi-scale retention (RetNet layer)",
  paper: "Sun et al., 2023, arXiv:2307.08621",
  code: "fla-org/flash-linear-attention fla/layers/multiscale_retention.py:MultiScaleRetention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wG: "M (H E)",
    norm: "E = 1",
    wO: "(H E) Mo",
    state: "H D E = 0",
    position: " = 0",
  },
  outputs: { out: "T Mo", state: "H D E", position: "" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.5] }),
    base: real(10000, "θ, the base of the rotary frequencies", { above: 0, tried: [100] }),
    layout: choice(["half", "interleaved"], "which features pair up"),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 2, 4], M: [1, 2], Mo: [1, 2], D: [2, 4], E: [1, 2, 3] },
  domain: { position: { usual: [0, 20] } },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "position"] },
  ],
  run({ x, wQ, wK, wV, wG, norm, wO, state, position }, { T, M, H, D, E }, { scale, base, layout, eps }) {
    type Weight = (m: number, h: number, d: number) => number;
    const projected = (w: Weight, width: number) =>
      table([T, H, width], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)));
    const turned = (w: Weight) => {
      const plain = projected(w, D);
      const angle = (t: number, i: number) => (position() + t) * base ** ((-2 * i) / D);
      return table([T, H, D], (t, h, d) =>
        rotate(
          (c) => plain(t, h, c),
          D,
          layout,
          (i) => angle(t, i),
        )(d),
      );
    };
    const [q, k, v, g] = [turned(wQ), turned(wK), projected(wV, E), projected(wG, E)];
    const S = scan(T, table([H, D, E], state), (before, t) =>
      table([H, D, E], (h, d, e) => (1 - 2 ** (-5 - h)) * before(h, d, e) + k(t, h, d) * v(t, h, e)),
    );
    const o = table([T, H, E], (t, h, e) => scale * sum(D, (d) => q(t, h, d) * S(t + 1)(h, d, e)));
    const normed = table([T, H], (t, h) => rmsNorm(E, (e) => o(t, h, e), eps));
    const y = table([T, H, E], (t, h, e) => silu(g(t, h, e)) * norm(e) * normed(t, h)(e));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      state: S(T),
      position: () => position() + T,
    };
  },
});
