import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Multi-query attention: every query head reads the same one key and the same one value of a token, so that the cache
 * of a decoder shrinks by the number of heads. With the projections of the layer. Shazeer 2019, arXiv:1911.02150, §3.
 *
 * $$ q_{t,h} = x_t W^Q_h + b^Q_h, \quad k_s = c_s W^K + b^K, \quad v_s = c_s W^V + b^V $$
 * $$ o_{t,h} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, q_{t,h} \cdot k_s\bigr)\, v_s, \quad
 *    y_t = \sum_h o_{t,h} W^O_h + b^O $$
 *
 * The `context` $c$ is the tokens $x$ themselves unless given; in decoding it is all tokens so far while $x$ is the
 * last ones. $S_t$ is every context token or, if `causal`, $s \le t + T_k - T_q$. A query that sees nothing gets $b^O$.
 * No positions: Falcon turns queries and keys before the products (rotary), the paper does not. The paper's code takes
 * no $1/\sqrt D$; $\sigma$ is that of Falcon and of everything since, and `scale` 1 is the paper's. Cost:
 * $O(T_q T_k H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const multiQueryAttention = mechanism({
  id: "heads/multi-query-attention",
  name: "Multi-query attention (MQA)",
  paper: "Shazeer, 2019, arXiv:1911.02150",
  code: "huggingface/transformers src/transformers/models/falcon/modeling_falcon.py:FalconAttention",
  inputs: {
    x: "Tq M",
    context: "Tk Mc = x",
    wQ: "M (H D)",
    wK: "Mc D",
    wV: "Mc E",
    wO: "(H E) Mo",
    bQ: "(H D) = 0",
    bK: "D = 0",
    bV: "E = 0",
    bO: "Mo = 0",
  },
  outputs: { out: "Tq Mo" },
  options: {
    heads: integer(1, "H, the number of query heads", { min: 1, tried: [1, 2, 3] }),
    causal: flag(false, "a query sees only the tokens up to its own place"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5, 1] }),
  },
  axes: { H: (_, o) => o.heads },
  properties: [
    { linear: ["wO", "bO"] },
    { linear: ["wV", "bV"], when: (_, _o, given) => !given.bO },
    { even: ["wQ", "bQ", "wK", "bK"] },
    { equivariant: "Tq", when: (_, o, given) => !o.causal && !given.context },
    { independent: "Tq", when: (_, o, given) => !o.causal && given.context === true },
    { unordered: "Tk", when: (_, o, given) => !o.causal && given.context === true },
    { causal: "Tq", when: (_, o, given) => o.causal && !given.context },
  ],
  run({ x, context, wQ, wK, wV, wO, bQ, bK, bV, bO }, { Tq, Tk, M, Mc, H, D, E }, { causal, scale }) {
    const q = table([Tq, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)) + bQ(h, d));
    const k = table([Tk, D], (s, d) => sum(Mc, (m) => context(s, m) * wK(m, d)) + bK(d));
    const v = table([Tk, E], (s, e) => sum(Mc, (m) => context(s, m) * wV(m, e)) + bV(e));
    const seen = (t: number) => range(Tk).filter((s) => !causal || s <= t + Tk - Tq);
    const weights = table([Tq, H], (t, h) => softmax(seen(t), (s) => scale * sum(D, (d) => q(t, h, d) * k(s, d))));
    const o = table([Tq, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, e)));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) + bO(m) };
  },
});
