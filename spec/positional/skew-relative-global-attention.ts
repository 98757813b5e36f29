import { mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Relative global attention: causal attention whose scores get a term for each distance back, the product of the query
 * with a learned vector of that distance. One head; heads stand on a leading axis. Huang et al. 2018 (Music
 * Transformer), arXiv:1809.04281.
 *
 * $$ o_t = \sum_{s \le t} \operatorname{softmax}_{s \le t}
 *    \Bigl(\frac{q_t \cdot k_s + S^{\mathrm{rel}}_{t,s}}{\sqrt D}\Bigr)\, v_s, \quad
 *    S^{\mathrm{rel}}_{t,s} = q_t \cdot E^r_{P - 1 - (t - s)} $$
 *
 * The last row of the table is distance 0, the row before it distance 1; a sequence of $T$ tokens uses the last $T$ of
 * the $P$ rows. The paper's skewing (a zero column before $Q E^{r\top}$, read with $T$ to a row, the first row dropped)
 * is a way to that table of $S^{\mathrm{rel}}$ in $O(T D)$ memory. What it holds at $s > t$ is never used. In the paper
 * each head has its own table, in the code read here one is shared by all. Cost: $O(T^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or there are more tokens than rows.
 */
export const skewRelativeGlobalAttention = mechanism({
  id: "positional/skew-relative-global-attention",
  name: "Relative global attention with skewing",
  paper: "Huang et al., 2018, arXiv:1809.04281",
  code: "IBM/gcog gcog/models/transformer.py:RelativeGlobalAttention",
  inputs: { q: "T D", k: "T D", v: "T E", eR: "P D" },
  outputs: { out: "T E" },
  options: {},
  requires: { "eR must have a row for each of the T distances: P must be at least T": (n) => n.P >= n.T },
  properties: [{ linear: "v" }, { averages: "v", along: "T" }, { causal: "T" }],
  run({ q, k, v, eR }, { T, P, D }) {
    const weights = table([T], (t) =>
      softmax(range(t + 1), (s) => sum(D, (d) => q(t, d) * (k(s, d) + eR(P - 1 - (t - s), d))) / Math.sqrt(D)),
    );
    return { out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)) };
  },
});
