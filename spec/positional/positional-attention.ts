import { flag, integer, mechanism, range, relu, softmax, sum, table } from "../page.ts";

/**
 * Positional attention: queries and keys come from the positional encodings alone, values from the data alone, so that the
 * attention map is the same for every input. Back de Luca et al. 2024, arXiv:2410.01686.
 *
 * $$ [\,q_{t,h} \;;\; k_{t,h}\,] = P_t W^{QK}_h + b^{QK}_h, \quad v_{s,h} = x_s W^V_h + b^V_h, \quad
 *    y_t = \sum_h \Bigl(\sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\bigl(\tfrac{q_{t,h} \cdot k_{s,h}}{\sqrt D}\bigr)\, v_{s,h}\Bigr) W^O_h + b^O $$
 * $$ \text{layer}: \quad z_t = \operatorname{relu}\bigl([\,x_t \;;\; y_t\,]\, W_1 + b_1\bigr) W_2 + b_2 $$
 *
 * Queries and keys of each head are as wide as the encodings, $D$, not $D/H$. The encodings are the same in every layer.
 * `layer` puts input and attention side by side into the MLP in place of a residual sum; the output is then $z$.
 * $S_t$ is the tokens with `mask` true (all by default) and, if `causal`, $s \le t$. A query that sees nothing gets $b^O$.
 * Cost: $O(T^2 H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads, or the
 * weights of the MLP are given without `layer` or the other way round.
 */
export const positionalAttention = mechanism({
  id: "positional/positional-attention",
  name: "Positional attention (scores from positional encodings alone)",
  paper: "Back de Luca et al., 2024, arXiv:2410.01686",
  code: "opallab/positional_attention model.py:MultiheadAttention, TransformerLayer",
  inputs: {
    x: "T M",
    pos: "T D",
    wQk: "D (H 2 D)",
    bQk: "(H 2 D) = 0",
    wV: "M (H E)",
    bV: "(H E) = 0",
    wO: "(H E) M",
    bO: "M = 0",
    w1: "(2 M) F = none",
    b1: "F = 0",
    w2: "F M = none",
    b2: "M = 0",
    mask: "T T = 1",
  },
  outputs: { out: "T M" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    causal: flag(false, "token t sees only the tokens s ≤ t"),
    layer: flag(false, "whether the MLP of the layer follows"),
  },
  axes: { H: (_, o) => o.heads },
  requires: {
    "layer needs w1 and w2; without layer there is no w1, b1, w2 or b2": (_, o, given) =>
      o.layer ? given.w1 && given.w2 : !(given.w1 || given.b1 || given.w2 || given.b2),
  },
  domain: { mask: "boolean" },
  properties: [
    { equivariant: "T", when: (_, o) => !o.causal },
    { causal: "T", when: (_, o) => o.causal },
    { linear: ["wO", "bO"], when: (_, o) => !o.layer },
    { linear: ["w2", "b2"], when: (_, o) => o.layer },
    { linear: ["x", "bV", "bO"], when: (_, o) => !o.layer },
  ],
  run({ x, pos, wQk, bQk, wV, bV, wO, bO, w1, b1, w2, b2, mask }, { T, M, D, H, E, F }, { causal, layer }) {
    const [query, key] = [0, 1];
    const qk = table([T, H, 2, D], (t, h, side, d) => sum(D, (c) => pos(t, c) * wQk(c, h, side, d)) + bQk(h, side, d));
    const v = table([T, H, E], (s, h, e) => sum(M, (m) => x(s, m) * wV(m, h, e)) + bV(h, e));
    const seen = (t: number) => range(causal ? t + 1 : T).filter((s) => mask(t, s));
    const weights = table([T, H], (t, h) =>
      softmax(seen(t), (s) => sum(D, (d) => qk(t, h, query, d) * qk(s, h, key, d)) / Math.sqrt(D)),
    );
    const attended = table([T, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    const y = table([T, M], (t, m) => sum(H, (h) => sum(E, (e) => attended(t, h, e) * wO(h, e, m))) + bO(m));
    if (!layer) return { out: y };
    const hidden = table([T, F], (t, f) => relu(sum(M, (m) => x(t, m) * w1(0, m, f) + y(t, m) * w1(1, m, f)) + b1(f)));
    return { out: (t, m) => sum(F, (f) => hidden(t, f) * w2(f, m)) + b2(m) };
  },
});
