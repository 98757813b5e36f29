import { geluTanh, integer, layerNorm, mechanism, real, rotate, sum, table } from "../page.ts";
import { tttLinear } from "./ttt-linear.ts";

/**
 * The TTT-Linear layer: projections, queries and keys turned by their places in the mini-batch, the inner loop
 * (`linear/ttt-linear`), a layer norm of all heads together, a gate and the output projection. Sun et al. 2024,
 * arXiv:2407.04620.
 *
 * $$ q_t = R_i\, x_t W^Q, \quad k_t = R_i\, x_t W^K, \quad v_t = x_t W^V, \quad i = (\mathrm{position} + t) \bmod B $$
 * $$ y_t = \bigl(\operatorname{LN}(\mathrm{TTT}(q, k, v, x)_t)\,\mathrm{postW} + \mathrm{postB}\bigr)
 *    \odot \mathrm{gelu}(x_t W^G)\; W^O $$
 *
 * $R_i$ turns the pairs $(2d, 2d + 1)$ by $i\, \mathrm{ropeBase}^{-2d/D}$; it starts anew with each mini-batch, since
 * older tokens are met through the weights alone. The GELU is the one with tanh. Without `wG` there is no gate. The
 * norm's ε is $10^{-6}$. States are those of the inner loop. The code's variant in which queries and keys share a
 * projection and have convolutions is not on this page. Cost: $O(H T D^2)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $D$ is odd, or `position` is no
 * place in a mini-batch.
 */
export const tttLinearLayer = mechanism({
  id: "linear/ttt-linear-layer",
  name: "TTT-Linear layer",
  paper: "Sun et al., 2024, arXiv:2407.04620",
  code: "test-time-training/ttt-lm-pytorch ttt.py:TTTLinear",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H D)",
    theta: "H M",
    thetaB: "H",
    tau: "B",
    gam: "H D",
    bet: "H D",
    wG: "M (H D) = none",
    postW: "(H D)",
    postB: "(H D)",
    wO: "(H D) Mo",
    w: "H D D",
    b: "H D",
    gradW: "H D D = 0",
    gradB: "H D = 0",
    position: " = 0",
  },
  outputs: { out: "T Mo", w: "H D D", b: "H D", gradW: "H D D", gradB: "H D", position: "" },
  options: {
    miniBatch: integer(16, "B, tokens whose gradients are taken at the same weights", {
      min: 1,
      max: 1e6,
      tried: [1, 2, 3],
    }),
    base: real(1, "the factor on the learning rates", { tried: [0.5] }),
    ropeBase: real(10000, "the base of the angles", { above: 0, tried: [100] }),
  },
  axes: { B: (_, o) => o.miniBatch },
  tried: { T: [1, 2, 4], H: [1, 2], M: [1, 2, 3], Mo: [1, 2], D: [2, 4] },
  domain: { tau: { usual: [-1, 1] }, position: { integers: [0, (n) => n.B - 1] } },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["w", "b", "gradW", "gradB", "position"] },
  ],
  run(
    { x, wQ, wK, wV, theta, thetaB, tau, gam, bet, wG, postW, postB, wO, w, b, gradW, gradB, position },
    { T, M, H, D, B },
    { miniBatch, base, ropeBase },
    given,
  ) {
    type Weight = (m: number, h: number, d: number) => number;
    const projected = (w: Weight) => table([H, T, D], (h, t, d) => sum(M, (m) => x(t, m) * w(m, h, d)));
    const turned = (w: Weight) => {
      const plain = projected(w);
      const places = table([H, T], (h, t) =>
        rotate(
          (d) => plain(h, t, d),
          D,
          "interleaved",
          (i) => ((position() + t) % B) * ropeBase ** ((-2 * i) / D),
        ),
      );
      return table([H, T, D], (h, t, d) => places(h, t)(d));
    };
    const inner = tttLinear.page.run(
      {
        ...{ q: turned(wQ), k: turned(wK), v: projected(wV), x, theta, thetaB, tau, gam, bet },
        ...{ w, b, gradW, gradB, position },
      },
      { H, T, D, M, B },
      { miniBatch, base },
      { gradW: true, gradB: true, position: true },
    );
    const unit = table([T], (t) => layerNorm(H * D, (i) => inner.out(Math.floor(i / D), t, i % D), 1e-6));
    const gate = table([T, H, D], (t, h, d) => (given.wG ? geluTanh(sum(M, (m) => x(t, m) * wG(m, h, d))) : 1));
    const y = table([T, H, D], (t, h, d) => (unit(t)(h * D + d) * postW(h, d) + postB(h, d)) * gate(t, h, d));
    return { ...inner, out: (t, m) => sum(H, (h) => sum(D, (d) => y(t, h, d) * wO(h, d, m))) };
  },
});
