import { flag, integer, mechanism, real, rmsNorm, scan, silu, sum, table } from "../page.ts";

/**
 * The token mixer of TransNormerLLM (TNL): decayed linear attention on SiLU queries and keys, a norm without gain over
 * all heads, and a gate. Qin et al. 2024, arXiv:2405.17381.
 *
 * $$ q_{t,h} = \phi_t\bigl(\operatorname{silu}(x_t W^Q_h)\bigr), \quad
 *    k_{t,h} = \phi_t\bigl(\operatorname{silu}(x_t W^K_h)\bigr), \quad v_{t,h} = \mu_t\, x_t W^V_h, \quad
 *    S_{t,h} = e^{-a_h} S_{t-1,h} + k_{t,h} v_{t,h}^\top, \quad o_{t,h} = S_{t,h}^\top q_{t,h} $$
 * $$ a_h = s_h \Bigl(1 - \frac{l}{L - 1} + 10^{-5}\Bigr), \quad
 *    y_t = \bigl(x_t W^U \odot \operatorname{RMSNorm}(o_t)\bigr) W^O $$
 *
 * $s_h$ are the slopes of ALiBi: $2^{-8h/H}$, $h = 1 \dots H$, for a power of two $H$; otherwise those of the next
 * lower power $P$, then every other one of those of $2P$. The paper's text has $\frac{8h}{H}(1 - \frac lL)$ for $a_h$;
 * this page follows the released models. With `useLrpe` (the released models: layer 0 alone)
 * $\phi_t(z) = (z \odot \cos (p + t)\theta, z \odot \sin (p + t)\theta)$, which doubles $D$ and leaves a dependence on
 * distances alone; `theta` starts as $10000^{-2c/(HD)}$, $c = hD + d$, and is learnt. `position` $p$ counts the tokens
 * before the first and is carried like `state`; the released module forgets to reset it when it is given a second text.
 * No denominators, no scale. A token with `mask` $\mu_t$ false writes nothing; the state still fades over it. Cost:
 * $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * `layerIndex` is not below `numLayers`, or `theta` is given without `useLrpe`.
 */
export const tnlGatedLinearAttention = mechanism({
  id: "linear/tnl-gated-linear-attention",
  name: "TransNormerLLM gated linear attention (TNL)",
  paper: "Qin et al., 2024, arXiv:2405.17381",
  code: "weigao266/TNL-MoE smoe/models/tnl/modeling_transnormer.py:NormLinearAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wU: "M (H E)",
    wO: "(H E) Mo",
    theta: "H D = none",
    mask: "T = 1",
    state: "H Df E = 0",
    position: " = 0",
  },
  outputs: { out: "T Mo", state: "H Df E", position: "" },
  options: {
    heads: integer(8, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    layerIndex: integer(0, "l, the place of the layer in the stack", { min: 0, tried: [1, 3] }),
    numLayers: integer(24, "L, the number of layers", { min: 2, tried: [2, 4] }),
    useLrpe: flag(false, "whether queries and keys are turned by their positions"),
    eps: real(1e-6, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads, Df: (n, o) => (o.useLrpe ? 2 : 1) * n.D },
  tried: { T: [1, 2, 4], M: [1, 2], Mo: [1, 2], D: [1, 2], E: [1, 2, 3] },
  requires: {
    "layerIndex must be less than numLayers": (_, o) => o.layerIndex < o.numLayers,
    "theta needs useLrpe": (_, o, given) => o.useLrpe || !given.theta,
  },
  domain: { mask: "boolean", position: { usual: [0, 20] } },
  properties: [
    { linear: "wU", outputs: ["out"] },
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "position"] },
  ],
  run(
    { x, wQ, wK, wV, wU, wO, theta, mask, state, position },
    { T, M, H, D, E, Df },
    { layerIndex, numLayers, useLrpe, eps },
    given,
  ) {
    type Weight = (m: number, h: number, d: number) => number;
    const projected = (w: Weight, width: number) =>
      table([T, H, width], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)));
    const angle = (t: number, h: number, d: number) =>
      (position() + t) * (given.theta ? theta(h, d) : 10000 ** ((-2 * (h * D + d)) / (H * D)));
    const featured = (w: Weight) => {
      const plain = projected(w, D);
      const phase = (t: number, h: number, f: number) =>
        f < D ? Math.cos(angle(t, h, f)) : Math.sin(angle(t, h, f - D));
      return table([T, H, Df], (t, h, f) => silu(plain(t, h, f % D)) * (useLrpe ? phase(t, h, f) : 1));
    };
    const P = 2 ** Math.floor(Math.log2(H));
    const slope = (h: number) => 2 ** (-8 * (h < P ? (h + 1) / P : (2 * (h - P) + 1) / (2 * P)));
    const fade = table([H], (h) => Math.exp(-slope(h) * (1 - layerIndex / (numLayers - 1) + 1e-5)));

    const [q, k, v, u] = [featured(wQ), featured(wK), projected(wV, E), projected(wU, E)];
    const S = scan(T, table([H, Df, E], state), (before, t) => {
      const written = table([H, Df, E], (h, f, e) => k(t, h, f) * mask(t) * v(t, h, e));
      return table([H, Df, E], (h, f, e) => fade(h) * before(h, f, e) + written(h, f, e));
    });
    const o = table([T, H, E], (t, h, e) => sum(Df, (f) => q(t, h, f) * S(t + 1)(h, f, e)));
    const normed = table([T], (t) => rmsNorm(H * E, (i) => o(t, Math.floor(i / E), i % E), eps));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => u(t, h, e) * normed(t)(h * E + e) * wO(h, e, m))),
      state: S(T),
      position: () => position() + T,
    };
  },
});
