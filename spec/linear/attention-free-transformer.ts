import { flag, integer, mechanism, range, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Attention Free Transformer (AFT): every channel by itself averages the values with a softmax of the keys plus a
 * learned bias of the two positions; the query only gates the result. With the projections of the layer. Zhai et al.
 * 2021, arXiv:2105.14103.
 *
 * $$ y_{t,h,d} = \operatorname{sigmoid}(q_{t,h,d})\,
 *    \frac{\sum_{s \in S_t} e^{k_{s,h,d} + w_{h,t,s}}\, v_{s,h,d}}{\sum_{s \in S_t} e^{k_{s,h,d} + w_{h,t,s}}} $$
 *
 * The variants are the biases: AFT-simple has none; AFT-full one $w$ for all channels (`heads` 1), in models often a
 * product of two thin matrices; AFT-local the same with a `window`, where biases of tokens $|t - s| \ge$ `window` count
 * as 0, so that it still sees all tokens; AFT-conv one for each head that depends on $s - t$ alone and is 0 beyond the
 * reach of a kernel. Keys are given for each channel throughout. $S_t$ is all tokens, or with `causal` those $s \le t$.
 *
 * What came before, as far as AFT-simple remembers it, goes in and comes out as `mean`, the average of the values under
 * $e^k$, and `lse`, $\ln \sum e^k$: it acts like one more token with that key and value and no bias. `wO` is customary
 * and not in the formula. In idiap/fast-transformers the bias multiplies the keys; this page adds as the paper does.
 * Cost: $O(T^2 H D)$; AFT-simple in $O(T H D)$ by running sums.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const attentionFreeTransformer = mechanism({
  id: "linear/attention-free-transformer",
  name: "Attention Free Transformer (AFT)",
  paper: "Zhai et al., 2021, arXiv:2105.14103",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H D)",
    wO: "(H D) Mo = identity",
    w: "H T T = 0",
    lse: "(H D) = -Infinity",
    mean: "(H D) = 0",
  },
  outputs: { out: "T Mo", lse: "(H D)", mean: "(H D)" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    window: integer(Number.POSITIVE_INFINITY, "how far apart tokens with a bias w are, not included", {
      min: 1,
      tried: [1, 2, 3],
    }),
    causal: flag(false, "token t sees only the tokens s ≤ t"),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 2, 4], M: [1, 2, 3] },
  domain: { wK: { usual: [-1, 1] } },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: ["wV", "mean"], outputs: ["out", "mean"] },
    { causal: "T", outputs: ["out"], when: (_, o) => o.causal },
    { equivariant: "T", when: (_, o, given) => !o.causal && !given.w },
    {
      resumes: "T",
      states: ["lse", "mean"],
      when: (_, o, given) => o.causal && !given.w,
    },
  ],
  run({ x, wQ, wK, wV, wO, w, lse, mean }, { T, M, H, D }, { window, causal }) {
    const q = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)));
    const k = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wK(m, h, d)));
    const v = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wV(m, h, d)));
    const bias = (h: number, t: number, s: number) => (Math.abs(t - s) < window ? w(h, t, s) : 0);

    const past = -1;
    const key = (s: number, h: number, d: number) => (s === past ? lse(h, d) : k(s, h, d));
    const value = (s: number, h: number, d: number) => (s === past ? mean(h, d) : v(s, h, d));
    const seen = (t: number) => range(past, causal ? t + 1 : T);
    const y = table([T, H, D], (t, h, d) => {
      const weights = softmax(seen(t), (s) => key(s, h, d) + (s === past ? 0 : bias(h, t, s)));
      return sigmoid(q(t, h, d)) * sum(weights, (s, weight) => weight * value(s, h, d));
    });
    const all = table([H, D], (h, d) => softmax(range(past, T), (s) => key(s, h, d)));
    return {
      out: (t, m) => sum(H, (h) => sum(D, (d) => y(t, h, d) * wO(h, d, m))),
      lse: (h, d) => all(h, d).logSumExp,
      mean: (h, d) => sum(all(h, d), (s, weight) => weight * value(s, h, d)),
    };
  },
});
