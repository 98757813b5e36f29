import { clamp, flag, integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Relative position representations: to every key and every value a learned vector is added that depends on how far the
 * key stands from the query, all distances beyond $K$ sharing one. Shaw, Uszkoreit, Vaswani 2018, arXiv:1803.02155, §3.
 *
 * $$ z_{h,t,s} = \frac{q_{h,t} \cdot \bigl(k_{h,s} + a^K_{\rho(t,s)}\bigr)}{\sqrt D}, \quad
 *    o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(z_{h,t,s}) \bigl(v_{h,s} + a^V_{\rho(t,s)}\bigr) $$
 * $$ \rho(t,s) = \operatorname{clip}\bigl(s - (t + T_k - T_q), -K, K\bigr) + K $$
 *
 * The distance is key minus query, so row 0 of a table is the farthest past and row $2K$ the farthest future; the
 * queries are the last $T_q$ places. $S_t$ is all keys or, with `causal`, those not after the query. The heads share
 * the tables. The relative term is scaled with the rest: the official code scales $q$ beforehand. `values` false (or no
 * `aV`) leaves the values alone. A query that sees no key gets zeros. Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a table has not $2K + 1$ rows.
 */
export const shawRelativeAttention = mechanism({
  id: "positional/shaw-relative-attention",
  name: "Relative position representations (Shaw)",
  paper: "Shaw et al., 2018, arXiv:1803.02155",
  code: "tensorflow/tensor2tensor tensor2tensor/layers/common_attention.py:dot_product_attention_relative",
  inputs: { q: "H Tq D", k: "H Tk D", v: "H Tk E", aK: "P D", aV: "P E = 0" },
  outputs: { out: "H Tq E" },
  options: {
    maxRel: integer(16, "K, the distance beyond which all are alike", { min: 0, tried: [0, 1, 2] }),
    values: flag(true, "the values get their relative term too"),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  axes: { P: (_, o) => 2 * o.maxRel + 1 },
  mayBeEmpty: ["Tk"],
  properties: [
    { linear: ["v", "aV"] },
    { averages: "v", along: "Tk", when: (_, o, given) => !o.values || !given.aV },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v, aK, aV }, { H, Tq, Tk, D }, { maxRel: K, values, causal }) {
    const place = (t: number) => t + Tk - Tq;
    const relative = (t: number, s: number) => clamp(s - place(t), -K, K) + K;
    const seen = (t: number) => range(causal ? place(t) + 1 : Tk);
    const weights = table([H, Tq], (h, t) =>
      softmax(seen(t), (s) => sum(D, (d) => q(h, t, d) * (k(h, s, d) + aK(relative(t, s), d))) / Math.sqrt(D)),
    );
    return {
      out: (h, t, e) => sum(weights(h, t), (s, w) => w * (v(h, s, e) + (values ? aV(relative(t, s), e) : 0))),
    };
  },
});
