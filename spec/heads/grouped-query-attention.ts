import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Grouped-query attention: the $H_q$ query heads share $H_k$ key and value heads, $H_q/H_k$ neighbours at a time, so that
 * the cache shrinks by as much. $H_k = H_q$ is multi-head, $H_k = 1$ multi-query attention. With the projections of the
 * layer. Ainslie et al. 2023, arXiv:2305.13245, §2.2; the biases are Qwen2's.
 *
 * $$ q_{t,h} = x_t W^Q_h + b^Q_h, \quad k_{s,g} = x_s W^K_g + b^K_g, \quad v_{s,g} = x_s W^V_g + b^V_g $$
 * $$ o_{t,h} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, q_{t,h} \cdot k_{s,\gamma(h)}\bigr)\, v_{s,\gamma(h)}, \quad
 *    \gamma(h) = \lfloor h H_k / H_q \rfloor, \quad y_t = \sum_h o_{t,h} W^O_h $$
 *
 * $S_t$ is every token, or with `causal` the tokens $s \le t$. Neighbouring query heads share ($\gamma$ is not $h \bmod H_k$).
 * Cost: $O(T^2 H_q (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads, or
 * $H_q$ is no multiple of $H_k$.
 */
export const groupedQueryAttention = mechanism({
  id: "heads/grouped-query-attention",
  name: "Grouped-query attention (GQA)",
  paper: "Ainslie et al., 2023, arXiv:2305.13245",
  code: "huggingface/transformers src/transformers/models/qwen2/modeling_qwen2.py:Qwen2Attention",
  inputs: {
    x: "T M",
    wQ: "M (Hq D)",
    wK: "M (Hk D)",
    wV: "M (Hk E)",
    wO: "(Hq E) Mo",
    bQ: "(Hq D) = 0",
    bK: "(Hk D) = 0",
    bV: "(Hk E) = 0",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "Hq, the number of query heads", { min: 1, tried: [1, 2, 4] }),
    kvHeads: integer(1, "Hk, the number of key and value heads", { min: 1, tried: [1, 2] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5] }),
    causal: flag(false, "token t sees only the tokens s ≤ t"),
  },
  axes: { Hq: (_, o) => o.heads, Hk: (_, o) => o.kvHeads },
  requires: { "heads must be a multiple of kvHeads": (_, o) => o.heads % o.kvHeads === 0 },
  properties: [
    { linear: "wO" },
    { equivariant: "T", when: (_, o) => !o.causal },
    { causal: "T", when: (_, o) => o.causal },
  ],
  run({ x, wQ, wK, wV, wO, bQ, bK, bV }, { T, M, Hq, Hk, D, E }, { scale, causal }) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const q = table([T, Hq, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)) + bQ(h, d));
    const k = table([T, Hk, D], (t, g, d) => sum(M, (m) => x(t, m) * wK(m, g, d)) + bK(g, d));
    const v = table([T, Hk, E], (t, g, e) => sum(M, (m) => x(t, m) * wV(m, g, e)) + bV(g, e));
    const seen = (t: number) => range(causal ? t + 1 : T);
    const weights = table([T, Hq], (t, h) =>
      softmax(seen(t), (s) => scale * sum(D, (d) => q(t, h, d) * k(s, shared(h), d))),
    );
    const o = table([T, Hq, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, shared(h), e)));
    return { out: (t, m) => sum(Hq, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) };
  },
});
