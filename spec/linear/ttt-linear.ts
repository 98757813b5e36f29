import { integer, layerNorm, mean, mechanism, real, scan, sigmoid, sum, table, type Vector } from "../page.ts";

/**
 * TTT-Linear, the inner loop: the state is the weights of a linear model that learns, one gradient step a token, to
 * turn keys into values. Gradients are taken at the weights the mini-batch began with. Sun et al. 2024,
 * arXiv:2407.04620.
 *
 * $$ f(z) = \hat z \odot \mathrm{gam} + \mathrm{bet}, \quad \hat z = \frac{z - \mu}{s}, \quad \mu = \overline z, \quad
 *    s = \sqrt{\overline{(z - \mu)^2} + 10^{-6}} $$
 * $$ \mathcal G_t = \nabla_z \tfrac12 |f(z) - (v_t - k_t)|^2 \ \text{at}\ z = k_t W + b, \quad
 *    \eta_t = \frac{\mathrm{base} \cdot \operatorname{sigmoid}(x_t \cdot \theta + \theta_b)}{D}, \quad
 *    c_i = \max\Bigl(\frac{1}{i + 1} + \tau_i,\, 0\Bigr) $$
 * $$ \nabla W_t = \nabla W_{t-1} + \eta_t k_t \mathcal G_t^\top, \quad
 *    \nabla b_t = \nabla b_{t-1} + \eta_t \mathcal G_t, \quad
 *    o_t = q_t + f\bigl(q_t (W - c_i \nabla W_t) + b - c_i \nabla b_t\bigr) $$
 *
 * $i$ is the place of token $t$ in its mini-batch of $B$ = `miniBatch` tokens. At the last place $W$ becomes
 * $W - c_i \nabla W$, likewise $b$, and the sums begin again at 0. This is the primal form; the official code computes
 * the same in the dual form, without a $W$ for each token. A sequence may end inside a mini-batch: the sums and the
 * `position` $i$ then come out beside $W$ and $b$, which are as at the mini-batch's start, as in the official cache. A
 * reimplementation in flash-linear-attention differs (another $\eta$, scaled queries, a residual on $z$) and is not
 * followed. $q$ and $k$ come turned by their positions in the mini-batch; see `linear/ttt-linear-layer`. Cost:
 * $O(H T D^2)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `position` is no place in a
 * mini-batch.
 */
export const tttLinear = mechanism({
  id: "linear/ttt-linear",
  name: "TTT-Linear",
  paper: "Sun et al., 2024, arXiv:2407.04620",
  code: "test-time-training/ttt-lm-pytorch ttt.py:TTTLinear.ttt",
  inputs: {
    q: "H T D",
    k: "H T D",
    v: "H T D",
    x: "T M",
    theta: "H M",
    thetaB: "H",
    tau: "B",
    gam: "H D",
    bet: "H D",
    w: "H D D",
    b: "H D",
    gradW: "H D D = 0",
    gradB: "H D = 0",
    position: " = 0",
  },
  outputs: { out: "H T D", w: "H D D", b: "H D", gradW: "H D D", gradB: "H D", position: "" },
  options: {
    miniBatch: integer(16, "B, tokens whose gradients are taken at the same weights", {
      min: 1,
      max: 1e6,
      tried: [1, 2, 3],
    }),
    base: real(1, "the factor on the learning rates", { tried: [0.5] }),
  },
  axes: { B: (_, o) => o.miniBatch },
  domain: { tau: { usual: [-1, 1] }, position: { integers: [0, (n) => n.B - 1] } },
  properties: [
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["w", "b", "gradW", "gradB", "position"] },
  ],
  run({ q, k, v, x, theta, thetaB, tau, gam, bet, w, b, gradW, gradB, position }, { H, T, D, M, B }, { base }) {
    const eta = table([H, T], (h, t) => (base * sigmoid(sum(M, (m) => x(t, m) * theta(h, m)) + thetaB(h))) / D);
    const f = (h: number, z: Vector) => {
      const unit = layerNorm(D, z, 1e-6);
      return table([D], (d) => unit(d) * gam(h, d) + bet(h, d));
    };
    /** The gradient of ½ |f(z) − target|², through the norm. */
    const gradient = (h: number, z: Vector, target: Vector) => {
      const centre = mean(D, z);
      const s = Math.sqrt(mean(D, (d) => (z(d) - centre) ** 2) + 1e-6);
      const unit = table([D], (d) => (z(d) - centre) / s);
      const error = table([D], (d) => (unit(d) * gam(h, d) + bet(h, d) - target(d)) * gam(h, d));
      const along = mean(D, (d) => error(d) * unit(d));
      return table([D], (d) => (error(d) - mean(D, error) - unit(d) * along) / s);
    };
    const place = (t: number) => (position() + t) % B;
    const c = table([T], (t) => Math.max(1 / (place(t) + 1) + tau(place(t)), 0));

    const first = {
      W: table([H, D, D], w),
      b: table([H, D], b),
      gradW: table([H, D, D], gradW),
      gradB: table([H, D], gradB),
      out: table([H, D], () => 0),
    };
    const after = scan(T, first, (now, t) => {
      const G = table([H], (h) =>
        gradient(
          h,
          table([D], (d) => sum(D, (i) => k(h, t, i) * now.W(h, i, d)) + now.b(h, d)),
          (d) => v(h, t, d) - k(h, t, d),
        ),
      );
      const gradW = table([H, D, D], (h, i, d) => now.gradW(h, i, d) + eta(h, t) * k(h, t, i) * G(h)(d));
      const gradB = table([H, D], (h, d) => now.gradB(h, d) + eta(h, t) * G(h)(d));
      const W = table([H, D, D], (h, i, d) => now.W(h, i, d) - c(t) * gradW(h, i, d));
      const b = table([H, D], (h, d) => now.b(h, d) - c(t) * gradB(h, d));
      const read = table([H], (h) =>
        f(
          h,
          table([D], (d) => sum(D, (i) => q(h, t, i) * W(h, i, d)) + b(h, d)),
        ),
      );
      const out = table([H, D], (h, d) => q(h, t, d) + read(h)(d));
      if (place(t) < B - 1) return { ...now, gradW, gradB, out };
      return { W, b, gradW: table([H, D, D], () => 0), gradB: table([H, D], () => 0), out };
    });
    return {
      out: (h, t, d) => after(t + 1).out(h, d),
      w: after(T).W,
      b: after(T).b,
      gradW: after(T).gradW,
      gradB: after(T).gradB,
      position: () => place(T),
    };
  },
});
