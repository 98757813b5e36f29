import { integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Cross-attention: multi-head attention whose queries come from one sequence and whose keys and values come from
 * another, the context. The context is projected once and may be cached while queries arrive. Vaswani et al. 2017,
 * arXiv:1706.03762, §3.2.3 (the decoder's attention to the encoder).
 *
 * $$ q_{t,h} = x_t W^Q_h + b^Q_h, \quad k_{s,h} = c_s W^K_h + b^K_h, \quad v_{s,h} = c_s W^V_h + b^V_h $$
 * $$ o_{t,h} = \sum_{s \in S} \operatorname{softmax}_{s \in S}\bigl(\sigma\, q_{t,h} \cdot k_{s,h}\bigr)\, v_{s,h}, \quad
 *    y_t = \sum_h o_{t,h} W^O_h + b^O $$
 *
 * $S$ is the context tokens with `keyMask` true, the same for every query; if there is none, $y_t = b^O$. T5 uses
 * $\sigma = 1$. PyTorch's `key_padding_mask` is true where a key is hidden. Cost: $O(T_q T_k H (D + E))$ beside the
 * projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const crossAttention = mechanism({
  id: "core/cross-attention",
  name: "Multi-head cross-attention",
  paper: "Vaswani et al., 2017, arXiv:1706.03762",
  code: "pytorch/pytorch torch/nn/modules/activation.py:MultiheadAttention",
  inputs: {
    x: "Tq M",
    context: "Tk Mc",
    wQ: "M (H D)",
    wK: "Mc (H D)",
    wV: "Mc (H E)",
    wO: "(H E) Mo",
    bQ: "(H D) = 0",
    bK: "(H D) = 0",
    bV: "(H E) = 0",
    bO: "Mo = 0",
    keyMask: "Tk = 1",
  },
  outputs: { out: "Tq Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5, 1] }),
  },
  axes: { H: (_, o) => o.heads },
  mayBeEmpty: ["Tk"],
  domain: { keyMask: "boolean" },
  properties: [
    { linear: ["wO", "bO"] },
    { linear: ["wV", "bV"], when: (_, _o, given) => !given.bO },
    { even: ["wQ", "bQ", "wK", "bK"] },
    { independent: "Tq" },
    { unordered: "Tk" },
  ],
  run({ x, context, wQ, wK, wV, wO, bQ, bK, bV, bO, keyMask }, { Tq, Tk, M, Mc, H, D, E }, { scale }) {
    const q = table([Tq, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)) + bQ(h, d));
    const k = table([Tk, H, D], (s, h, d) => sum(Mc, (m) => context(s, m) * wK(m, h, d)) + bK(h, d));
    const v = table([Tk, H, E], (s, h, e) => sum(Mc, (m) => context(s, m) * wV(m, h, e)) + bV(h, e));
    const seen = range(Tk).filter((s) => keyMask(s));
    const weights = table([Tq, H], (t, h) => softmax(seen, (s) => scale * sum(D, (d) => q(t, h, d) * k(s, h, d))));
    const o = table([Tq, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) + bO(m) };
  },
});
