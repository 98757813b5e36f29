import { choice, flag, integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Relative self-attention of the Music Transformer: each query also scores a learned vector for its distance to the key. The
 * paper's point is to lay the $T \times T$ products of queries and distance vectors out by a skew of memory instead of
 * gathering $T \times T \times D$ vectors; the values are these. Huang et al. 2018, arXiv:1809.04281.
 *
 * $$ o_t = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\tfrac{q_t \cdot k_s + q_t \cdot e(t - s)}{\sqrt D}\Bigr)\, v_s, \quad
 *    e(\delta) = E_{P - 1 - \delta} $$
 *
 * The last row of the table is distance 0, the first the largest, $P - 1$. A larger distance has no vector in the official code
 * (`zero`); in the paper it shares the first row (`clip`). $S_t$ is the tokens $s \le t$; with `localBlock` $N$ those of the
 * query's own block of $N$ and of the block before, whose distances go up to $2N - 1$ (the code then has a table of $4N$ rows).
 * `headsShare` is one table for all heads. Cost: $O(H T^2 (D + E))$, local $O(H T N (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the number of tables is not that of the
 * heads, or 1 if they share.
 */
export const musicTransformerRelativeAttention = mechanism({
  id: "positional/music-transformer-relative-attention",
  name: "Music Transformer relative self-attention (skewing), global and local",
  paper: "Huang et al., 2018, arXiv:1809.04281",
  code: "tensorflow/tensor2tensor tensor2tensor/layers/common_attention.py:dot_product_self_attention_relative_v2, masked_relative_local_attention_1d",
  inputs: { q: "H T D", k: "H T D", v: "H T E", e: "G P D" },
  outputs: { out: "H T E" },
  options: {
    overflow: choice(["zero", "clip"], "what a distance past the table has: no vector, or that of the largest"),
    localBlock: integer(Number.POSITIVE_INFINITY, "N, the length of a block; all tokens are one block if not given", {
      min: 1,
      tried: [1, 2],
    }),
    headsShare: flag(false, "one table for all heads"),
  },
  axes: { G: (n, o) => (o.headsShare ? 1 : n.H) },
  properties: [{ linear: "v" }, { averages: "v", along: "T" }, { causal: "T" }],
  run({ q, k, v, e: vectors }, { H, T, D, P }, { overflow, localBlock, headsShare }) {
    const distanceVector = (h: number, distance: number, d: number) => {
      if (distance >= P && overflow === "zero") return 0;
      return vectors(headsShare ? 0 : h, Math.max(P - 1 - distance, 0), d);
    };
    const first = (t: number) => Math.max((Math.floor(t / localBlock) - 1) * localBlock, 0);
    const weights = table([H, T], (h, t) =>
      softmax(
        range(first(t), t + 1),
        (s) => sum(D, (d) => q(h, t, d) * (k(h, s, d) + distanceVector(h, t - s, d))) / Math.sqrt(D),
      ),
    );
    return { out: (h, t, c) => sum(weights(h, t), (s, w) => w * v(h, s, c)) };
  },
});
