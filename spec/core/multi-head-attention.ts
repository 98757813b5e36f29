import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Multi-head attention: several heads, each with queries, keys and values of its own, attend side by side; the output
 * projection adds up what they found. Self-attention with the projections of the layer. Vaswani et al. 2017,
 * arXiv:1706.03762, §3.2.2.
 *
 * $$ q_{t,h} = x_t W^Q_h + b^Q_h, \quad k_{s,h} = x_s W^K_h + b^K_h, \quad v_{s,h} = x_s W^V_h + b^V_h $$
 * $$ o_{t,h} = \sum_{s \in S_t}
 *    \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, q_{t,h} \cdot k_{s,h} + b_{t,s} + b_{h,t,s}\bigr)\, v_{s,h}, \quad
 *    y_t = \sum_h o_{t,h} W^O_h + b^O $$
 *
 * Head $h$ owns columns $hD$ to $(h+1)D - 1$ of $W^Q$; the sum over heads is the paper's concatenation times $W^O$.
 * $S_t$ is the tokens with `mask` true and, if `causal`, $s \le t$. `bias` is shared by the heads, `headBias` is not;
 * −∞ hides a token. A token that sees nothing gets $b^O$. PyTorch's module transposes all weights and its Boolean masks
 * are true where a key is hidden. Cost: $O(T^2 H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const multiHeadAttention = mechanism({
  id: "core/multi-head-attention",
  name: "Multi-head attention (MHA)",
  paper: "Vaswani et al., 2017, arXiv:1706.03762",
  code: "pytorch/pytorch torch/nn/modules/activation.py:MultiheadAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wO: "(H E) Mo",
    bQ: "(H D) = 0",
    bK: "(H D) = 0",
    bV: "(H E) = 0",
    bO: "Mo = 0",
    mask: "T T = 1",
    bias: "T T = 0",
    headBias: "H T T = 0",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    causal: flag(false, "token t sees only the tokens s ≤ t"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads },
  domain: { mask: "boolean" },
  properties: [
    { linear: ["wO", "bO"] },
    { linear: ["wV", "bV"], when: (_, _o, given) => !given.bO },
    { even: ["wQ", "bQ", "wK", "bK"] },
    { equivariant: "T", when: (_, o) => !o.causal },
    { causal: "T", when: (_, o) => o.causal },
  ],
  run({ x, wQ, wK, wV, wO, bQ, bK, bV, bO, mask, bias, headBias }, { T, M, H, D, E }, { causal, scale }) {
    const q = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)) + bQ(h, d));
    const k = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wK(m, h, d)) + bK(h, d));
    const v = table([T, H, E], (t, h, e) => sum(M, (m) => x(t, m) * wV(m, h, e)) + bV(h, e));
    const seen = (t: number) => range(causal ? t + 1 : T).filter((s) => mask(t, s));
    const weights = table([T, H], (t, h) =>
      softmax(seen(t), (s) => scale * sum(D, (d) => q(t, h, d) * k(s, h, d)) + bias(t, s) + headBias(h, t, s)),
    );
    const o = table([T, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) + bO(m) };
  },
});
