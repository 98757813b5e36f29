import { mechanism, relu, softmax, sum, table } from "../page.ts";

/**
 * Separable self-attention (MobileViT v2): one score for each token instead of one for each pair; the keys' average
 * under the softmax of the scores is a single context vector, which every token's rectified value takes up feature by
 * feature. Mehta and Rastegari 2022, arXiv:2206.02680, §3.
 *
 * $$ c = \sum_s a_s\, (\bar x_s W^K + b^K), \quad a = \operatorname{softmax}_s(\bar x_s \cdot w^S + b^S), \quad
 *    y_t = \bigl(\max(x_t W^V + b^V, 0) \odot c\bigr) W^O + b^O $$
 *
 * $\bar x$ is `context`, by default $x$ itself: cross-attention takes scores and keys from the context and values from
 * $x$, as the authors' code does (timm's copy slices the weight wrongly there and fails). $b^S$ is without effect. An
 * image is cut into patches, and the places at the same spot of each patch make one sequence. The official code holds
 * the three projections in one weight, scores first, then keys, then values. Cost: $O((T_q + T_k) M D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const separableSelfAttention = mechanism({
  id: "linear/separable-self-attention",
  name: "Separable self-attention (MobileViT v2)",
  paper: "Mehta and Rastegari, 2022, arXiv:2206.02680",
  code: "apple/ml-cvnets cvnets/layers/linear_attention.py:LinearSelfAttention",
  inputs: {
    x: "Tq M",
    context: "Tk M = x",
    wS: "M",
    wK: "M D",
    wV: "M D",
    wO: "D Mo",
    bS: " = 0",
    bK: "D = 0",
    bV: "D = 0",
    bO: "Mo = 0",
  },
  outputs: { out: "Tq Mo" },
  options: {},
  properties: [
    { linear: ["wO", "bO"] },
    { linear: ["wK", "bK"], when: (_, __, given) => !given.bO },
    { equivariant: "Tq" },
    { unordered: "Tk" },
    { independent: "Tq", when: (_, __, given) => given.context },
  ],
  run({ x, context, wS, wK, wV, wO, bS, bK, bV, bO }, { Tq, Tk, M, D }) {
    const weights = softmax(Tk, (s) => sum(M, (m) => context(s, m) * wS(m)) + bS());
    const k = table([Tk, D], (s, d) => sum(M, (m) => context(s, m) * wK(m, d)) + bK(d));
    const c = table([D], (d) => sum(weights, (s, a) => a * k(s, d)));
    const v = table([Tq, D], (t, d) => relu(sum(M, (m) => x(t, m) * wV(m, d)) + bV(d)));
    return { out: (t, m) => sum(D, (d) => v(t, d) * c(d) * wO(d, m)) + bO(m) };
  },
});
