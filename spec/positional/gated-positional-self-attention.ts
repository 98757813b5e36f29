import { integer, mechanism, real, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Gated positional self-attention (GPSA) of ConViT: each head mixes attention to content with attention to places, by
 * a learned gate, and may start out as one tap of a convolution. d'Ascoli et al. 2021, arXiv:2103.10697, §3.
 *
 * $$ A_h = (1 - \operatorname{sigmoid} \lambda_h) \operatorname{softmax}_s\Bigl(\frac{q_{t,h} \cdot k_{s,h}}{\sqrt D}\Bigr)
 *    + \operatorname{sigmoid}(\lambda_h) \operatorname{softmax}_s\bigl(w^{pos}_h \cdot r_{t,s} + b^{pos}_h\bigr), \quad
 *    r_{t,s} = (\Delta x,\, \Delta y,\, \Delta x^2 + \Delta y^2) $$
 * $$ y_t = b^O + \sum_h \Bigl(\sum_s A_{h,t,s}\, x_s W^V_h\Bigr) W^O_h $$
 *
 * The $T$ patches fill a square row by row; $\Delta$ is the key's place less the query's. `bPos` cancels in the
 * softmax. The code divides $A$ by its row sums once more, which are 1. What is left out is the local initialisation:
 * `wV` the identity, $\lambda = 1$, and for head $h_1 + K h_2$ of $H = K^2$ $w^{pos} = \alpha\,(2\delta_x,\,
 * 2\delta_y,\, -1)$ with $(\delta_x, \delta_y) = (h_2 - \kappa, h_1 - \kappa)$, which peaks at that offset; $\kappa =
 * (K - 1)/2$, the middle tap. $\alpha$ is `localityStrength`, not used once `wPos` is given. Cost: $O(T^2 H (D + E))$
 * beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into
 * heads, $T$ is no square, or something left out has no local initialisation.
 */
export const gatedPositionalSelfAttention = mechanism({
  id: "positional/gated-positional-self-attention",
  name: "Gated positional self-attention (GPSA, ConViT)",
  paper: "d'Ascoli et al., 2021, arXiv:2103.10697",
  code: "huggingface/pytorch-image-models timm/models/convit.py:GPSA",
  inputs: {
    x: "T C",
    wQ: "C (H D)",
    wK: "C (H D)",
    wV: "C (H E) = identity",
    wPos: "3 H = none",
    bPos: "H = 0",
    lambda: "H = 1",
    wO: "(H E) Co",
    bO: "Co = 0",
  },
  outputs: { out: "T Co" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 4] }),
    localityStrength: real(1, "α, how sharply the local initialisation peaks", { min: 0, tried: [0, 1.5] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 4, 9], C: [1, 2, 4] },
  requires: {
    "T must be a square number": (n) => Number.isInteger(Math.sqrt(n.T)),
    "without wPos, heads must be a square number": (_, o, given) =>
      given.wPos === true || Number.isInteger(Math.sqrt(o.heads)),
    "without wV, C must be H·E": (n, _, given) => given.wV === true || n.C === n.H * n.E,
  },
  properties: [{ linear: ["wO", "bO"] }],
  run({ x, wQ, wK, wV, wPos, bPos, lambda, wO, bO }, { T, C, H, D, E }, { localityStrength }, given) {
    const S = Math.sqrt(T);
    const K = Math.sqrt(H);
    const tap = (i: number) => i - (K - 1) / 2;
    const local = (h: number) => [2 * tap(Math.floor(h / K)), 2 * tap(h % K), -1];
    const pull = table([3, H], (i, h) => (given.wPos ? wPos(i, h) : localityStrength * local(h)[i]!));
    const offset = table([T, T], (t, s) => {
      const [across, down] = [(s % S) - (t % S), Math.floor(s / S) - Math.floor(t / S)];
      return [across, down, across ** 2 + down ** 2];
    });
    const q = table([T, H, D], (t, h, d) => sum(C, (c) => x(t, c) * wQ(c, h, d)));
    const k = table([T, H, D], (t, h, d) => sum(C, (c) => x(t, c) * wK(c, h, d)));
    const v = table([T, H, E], (t, h, e) => sum(C, (c) => x(t, c) * wV(c, h, e)));
    const content = table([T, H], (t, h) => softmax(T, (s) => sum(D, (d) => q(t, h, d) * k(s, h, d)) / Math.sqrt(D)));
    const place = table([T, H], (t, h) => softmax(T, (s) => sum(3, (i) => pull(i, h) * offset(t, s)[i]!) + bPos(h)));
    const gate = table([H], (h) => sigmoid(lambda(h)));
    const o = table(
      [T, H, E],
      (t, h, e) =>
        (1 - gate(h)) * sum(content(t, h), (s, w) => w * v(s, h, e)) +
        gate(h) * sum(place(t, h), (s, w) => w * v(s, h, e)),
    );
    return { out: (t, m) => bO(m) + sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) };
  },
});
