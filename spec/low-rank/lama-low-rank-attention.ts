import { flag, integer, mean, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * LAMA: a sentence is embedded as one weighted mean of its hidden states for each head, with scores between a global
 * context vector and the states through an affinity matrix of low rank. Mehta, Rangwala and Ramakrishnan 2019,
 * arXiv:1912.00835.
 *
 * $$ F_{h,t} = \sum_{r<R} (c\, P_{h,r})\,(x_t\, Q_{h,r}) = c^\top \Bigl(\sum_r P_{h,r} Q_{h,r}^\top\Bigr) x_t, \quad
 *    \hat F_{h,t} = \frac{F_{h,t}}{\max(\lVert F_{\cdot,t} \rVert, 10^{-12})} $$
 * $$ w_{h,\cdot} = \operatorname{softmax}_{t \in S}(\hat F_{h,t}), \quad o_h = \sum_{t \in S} w_{h,t}\, x_t $$
 *
 * $S$ is the tokens with `mask` true; over none $o$ is zero. With `l2norm`, the default, the scores of one token are
 * divided by their length over the heads, so that each is at most 1. The context vector $c$ is learned, or without
 * `context` the mean of the states of $S$. The states are those of a bidirectional GRU in the paper. The result is the
 * heads' means one after the other. Cost: $O(T M H R)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the columns of `p` are no multiple
 * of the rank.
 */
export const lamaLowRankAttention = mechanism({
  id: "low-rank/lama-low-rank-attention",
  name: "LAMA: low-rank multi-head attention with a global context vector",
  paper: "Mehta, Rangwala and Ramakrishnan, 2019, arXiv:1912.00835",
  ours: "rank 1 by default, the norm over the heads on by default, and no further nonlinearity before the softmax",
  inputs: { x: "T M", p: "M (H R)", q: "M (H R)", context: "M = none", mask: "T = 1" },
  outputs: { out: "(H M)", weights: "H T" },
  options: {
    rank: integer(1, "R, the rank of each head's affinity matrix", { min: 1, tried: [1, 2, 3] }),
    l2norm: flag(true, "whether a token's scores are divided by their length over the heads"),
  },
  axes: { R: (_, o) => o.rank },
  domain: { mask: "boolean" },
  properties: [{ equivariant: "T" }, { even: ["context", "p"] }, { even: ["p", "q"] }],
  run({ x, p, q, context, mask }, { T, M, H, R }, { l2norm }, given) {
    const seen = range(T).filter((t) => mask(t));
    const c = table([M], (m) => (given.context ? context(m) : mean(seen, (t) => x(t, m))));
    const asked = table([H, R], (h, r) => sum(M, (m) => c(m) * p(m, h, r)));
    const score = table([H, T], (h, t) => sum(R, (r) => asked(h, r) * sum(M, (m) => x(t, m) * q(m, h, r))));
    const length = table([T], (t) => (l2norm ? Math.max(1e-12, Math.sqrt(sum(H, (h) => score(h, t) ** 2))) : 1));
    const weights = table([H], (h) => softmax(seen, (t) => score(h, t) / length(t)));
    return {
      out: (h, m) => sum(weights(h), (t, w) => w * x(t, m)),
      weights: (h, t) => weights(h).of(t),
    };
  },
});
