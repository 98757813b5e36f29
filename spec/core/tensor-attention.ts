import { flag, mechanism, product, range, real, softmax, sum, table } from "../page.ts";

/**
 * Tensor attention: a query is compared with pairs of tokens, or with tuples of more, so that correlations of three and
 * more tokens count at once. Each of the $L$ places of a tuple has keys and values of its own; products of pairs are
 * coordinate by coordinate. Alman and Song 2023, arXiv:2310.04064, for $L = 2$; more places as they generalise it.
 *
 * $$ o_t = \sum_a w_{t,a} \bigodot_l v^l_{a_l}, \quad
 *    w_{t,\cdot} = \operatorname{softmax}_{a \in S_t} \Bigl(\sigma \sum_d q_{t,d} \prod_l k^l_{a_l,d}\Bigr), \quad
 *    \sigma = 1/D $$
 *
 * in matrices $D^{-1} \exp\bigl(Q (K_1 \oslash K_2)^\top / d\bigr)(V_1 \oslash V_2)$ with the column-wise Kronecker
 * product $\oslash$. The softmax runs over all tuples $a = (a_1, \dots, a_L)$ together. The scale is $1/D$, not its
 * root. If `causal`, which the paper does not treat, every $a_l \le t + T_l - T_q$; a query without a tuple gets zeros.
 * The paper's fast algorithm puts a polynomial for exp; this page is exact. Cost: $O(T_q \prod_l T_l\, L (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const tensorAttention = mechanism({
  id: "core/tensor-attention",
  name: "Tensor attention (Kronecker generalisation)",
  paper: "Alman and Song, 2023, arXiv:2310.04064",
  ours: "the causal form: a tuple is seen if each of its tokens is",
  inputs: { q: "Tq D", k: "L of Tl D", v: "L of Tl E" },
  outputs: { out: "Tq E" },
  options: {
    scale: real((n: { D: number }) => 1 / n.D, "σ, the factor on the scores", { tried: [0.5] }),
    causal: flag(false, "a query sees only tuples of tokens up to its own place"),
  },
  tried: { L: [1, 2, 3] },
  properties: [
    { linear: "v", when: (n) => n.L === 1 },
    { independent: "Tq", when: (_, o) => !o.causal },
    { even: ["q", "k"], when: (n) => n.L % 2 === 1 },
    { even: "k", when: (n) => n.L % 2 === 0 },
  ],
  run({ q, k, v }, { Tq, Tl, D }, { scale, causal }) {
    const seen = (t: number, length: number) => range(length).filter((s) => !causal || s <= t + length - Tq);
    const tuples = (t: number) =>
      Tl.reduce<number[][]>((all, length) => all.flatMap((a) => seen(t, length).map((s) => [...a, s])), [[]]);
    const joined = (part: typeof k, a: readonly number[], d: number) =>
      product([...a.entries()], ([l, s]) => part(l, s, d));
    const weights = table([Tq], (t) => softmax(tuples(t), (a) => scale * sum(D, (d) => q(t, d) * joined(k, a, d))));
    return { out: (t, e) => sum(weights(t), (a, w) => w * joined(v, a, e)) };
  },
});
