import { mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Symmetric ALiBi: attention of an encoder in which a key loses a fixed amount of score for each place between it and
 * the query, on either side; each head has its own amount. No other position enters. The slopes are those of Press et
 * al. 2021, arXiv:2108.12409; the two-sided distance is that of encoders such as MosaicBERT (Portes et al. 2023,
 * arXiv:2312.17482).
 *
 * $$ o_{h,t} = \sum_{s \in S} \operatorname{softmax}_{s \in S}
 *    \Bigl(\tfrac{q_{h,t} \cdot k_{h,s}}{\sqrt D} - m_h |t - s|\Bigr)\, v_{h,s} $$
 * $$ m_h = 2^{-8(h+1)/P} \;\; (h < P), \quad m_h = 2^{-8(2(h-P)+1)/2P} \;\; (h \ge P), \quad
 *    P = 2^{\lfloor \log_2 H \rfloor} $$
 *
 * So for $H$ no power of two the last heads take every second slope of $2P$ heads. `slopes` gives other $m_h$. $S$ is
 * the tokens with `mask` true: padding is no key, but is a query like any other. If all is padding, all queries get
 * zeros. The bias is added after the scale. Cost: $O(H T^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const symmetricAlibi = mechanism({
  id: "positional/symmetric-alibi",
  name: "Symmetric ALiBi",
  paper: "Press et al., 2021, arXiv:2108.12409",
  code: "terry-r123/RNABenchmark model/rnalm/modeling_rnalm.py:rebuild_alibi_tensor",
  inputs: { q: "H T D", k: "H T D", v: "H T E", mask: "T = 1", slopes: "H = none" },
  outputs: { out: "H T E", bias: "H T T" },
  options: {},
  domain: { mask: "boolean", slopes: { usual: [0, 1] } },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "T", outputs: ["out"] },
  ],
  run({ q, k, v, mask, slopes }, { H, T, D }, _, given) {
    const P = 2 ** Math.floor(Math.log2(H));
    const geometric = (heads: number, h: number) => 2 ** ((-8 * (h + 1)) / heads);
    const slope = (h: number) => (h < P ? geometric(P, h) : geometric(2 * P, 2 * (h - P)));
    const bias = (h: number, t: number, s: number) => -(given.slopes ? slopes(h) : slope(h)) * Math.abs(t - s);
    const seen = range(T).filter((s) => mask(s));
    const weights = table([H, T], (h, t) =>
      softmax(seen, (s) => sum(D, (d) => q(h, t, d) * k(h, s, d)) / Math.sqrt(D) + bias(h, t, s)),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)), bias };
  },
});
