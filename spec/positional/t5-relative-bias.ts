import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * The relative position bias of T5: each score gets a learned number of its head and of the bucket that the distance of
 * key and query falls in; near distances have a bucket each, farther ones share buckets that widen with the logarithm.
 * Raffel et al. 2019, arXiv:1910.10683, §2.1; the buckets are those of the code.
 *
 * $$ o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}
 *    \bigl(\sigma\, q_{h,t} \cdot k_{h,s} + E_{\beta(s - p_t),\,h}\bigr)\, v_{h,s} $$
 * $$ \beta(\delta) = b_0 + \begin{cases} a & a < \mu \\
 *    \min\Bigl(n - 1,\; \mu + \bigl\lfloor \tfrac{\ln(a/\mu)}{\ln(A/\mu)} (n - \mu) \bigr\rfloor\Bigr)
 *    & a \ge \mu \end{cases},
 *    \quad \mu = \lfloor n/2 \rfloor $$
 *
 * `bidirectional`: $n$ is half of `numBuckets`, $a = |\delta|$, and $b_0 = n$ for keys after the query, else 0.
 * Otherwise $n$ is `numBuckets`, $b_0 = 0$ and $a = \max(-\delta, 0)$: the future counts as distance 0, so it should be
 * hidden with `causal`. $A$ is `maxDistance`; all distances from there on share the last bucket. T5 has no $1/\sqrt D$:
 * $\sigma = 1$. $p_t$, the place of a query among the keys, is $t + T_k - T_q$ unless `positions` gives it; $S_t$ is
 * all keys or, with `causal`, those with $s \le p_t$. A query that sees no key gets zeros. One table serves all layers;
 * cross-attention gets no bias. The bucket's logarithm is taken in float64; for T5's own sizes float32, as in the code,
 * gives the same buckets. Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, the table has not `numBuckets` rows,
 * $\mu$ would be 0 or $A \le \mu$.
 */
export const t5RelativeBias = mechanism({
  id: "positional/t5-relative-bias",
  name: "T5 relative position bias",
  paper: "Raffel et al., 2019, arXiv:1910.10683",
  code: "huggingface/transformers src/transformers/models/t5/modeling_t5.py:T5Attention._relative_position_bucket",
  inputs: { q: "H Tq D", k: "H Tk D", v: "H Tk E", table: "B H", positions: "Tq = none" },
  outputs: { out: "H Tq E", bucket: "Tq Tk" },
  options: {
    bidirectional: flag(true, "keys after the query have buckets of their own"),
    numBuckets: integer(32, "rows of the table", { min: 2, tried: [4, 5, 7, 8] }),
    maxDistance: integer(128, "A, the distance from which on all share a bucket", { min: 2, tried: [3, 5, 6] }),
    scale: real(1, "σ, the factor on the products", { tried: [0.5] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  axes: { B: (_, o) => o.numBuckets },
  domain: { positions: { integers: [0, (n: { Tk: number }) => n.Tk - 1] } },
  requires: {
    "numBuckets must be at least 4 if bidirectional": (_, o) => !o.bidirectional || o.numBuckets >= 4,
    "maxDistance must exceed the distances with a bucket each, half of the numBuckets of one direction": (_, o) =>
      o.maxDistance > Math.floor(o.numBuckets / (o.bidirectional ? 4 : 2)),
  },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { causal: ["Tq", "Tk"], when: (n, o, given) => o.causal && n.Tq === n.Tk && !given.positions },
  ],
  run(
    { q, k, v, table: learned, positions },
    { H, Tq, Tk, D },
    { bidirectional, numBuckets, maxDistance, scale, causal },
    given,
  ) {
    const n = bidirectional ? Math.floor(numBuckets / 2) : numBuckets;
    const exact = Math.floor(n / 2);
    const binned = (a: number) =>
      a < exact
        ? a
        : Math.min(n - 1, exact + Math.floor((Math.log(a / exact) / Math.log(maxDistance / exact)) * (n - exact)));
    const bucketOf = (delta: number) =>
      bidirectional ? binned(Math.abs(delta)) + (delta > 0 ? n : 0) : binned(Math.max(-delta, 0));
    const place = (t: number) => (given.positions ? positions(t) : t + Tk - Tq);
    const bucket = table([Tq, Tk], (t, s) => bucketOf(s - place(t)));
    const seen = (t: number) => range(causal ? place(t) + 1 : Tk);
    const weights = table([H, Tq], (h, t) =>
      softmax(seen(t), (s) => scale * sum(D, (d) => q(h, t, d) * k(h, s, d)) + learned(bucket(t, s), h)),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)), bucket };
  },
});
