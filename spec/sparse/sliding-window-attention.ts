import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Sliding-window attention: each query attends only to the keys near its own place. One head. Beltagy et al. 2020,
 * arXiv:2004.05150, §3.1 (Longformer, both sides); Jiang et al. 2023, arXiv:2310.06825, §2 (Mistral 7B, causal).
 *
 * $$ o_t = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, q_t \cdot k_s\bigr)\, v_s, \quad
 *    p_t = t + T_k - T_q $$
 * $$ S_t = \{s : p_t - W < s \le p_t\} \text{ if causal}, \quad S_t = \{s : |s - p_t| \le W\} \text{ otherwise} $$
 *
 * The window counts differently in the two: causal, $W$ keys with the query's own among them; on both sides, $W$ keys
 * to the left, $W$ to the right and the query's own, $2W + 1$ in all. FlashAttention's `window_size=(L, R)` is
 * $(W-1, 0)$ and $(W, W)$. The last query stands beside the last key, so that with a cache $p_t$ is the query's true
 * place. `mask` says which keys each query sees. A query that sees none, as can be with $T_k < T_q$, gets zeros.
 * Longformer's own $w$ counts both sides together, $w/2$ each. Mistral's text speaks of places $i - W$ to $i$, one more
 * than its figure and code have; the code is followed here. Cost: $O(T_q \min(W, T_k) (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a causal window is empty.
 */
export const slidingWindowAttention = mechanism({
  id: "sparse/sliding-window-attention",
  name: "Sliding-window attention",
  paper: "Beltagy et al., 2020, arXiv:2004.05150; Jiang et al., 2023, arXiv:2310.06825",
  code: "huggingface/transformers src/transformers/masking_utils.py:sliding_window_causal_mask_function",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E" },
  outputs: { out: "Tq E", mask: "Tq Tk" },
  options: {
    window: integer(Number.POSITIVE_INFINITY, "W, keys seen (causal) or keys seen to either side", {
      min: 0,
      tried: [0, 1, 2, 3],
    }),
    causal: flag(true, "a query sees no key after its own place"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5] }),
  },
  mayBeEmpty: ["Tk"],
  requires: { "window must be at least 1 if causal": (_, o) => !o.causal || o.window >= 1 },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { even: ["q", "k"] },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v }, { Tq, Tk, D }, { window: W, causal, scale }) {
    const place = (t: number) => t + Tk - Tq;
    const sees = (t: number, s: number) => (causal ? place(t) - W < s && s <= place(t) : Math.abs(s - place(t)) <= W);
    const seen = (t: number) => range(Tk).filter((s) => sees(t, s));
    const weights = table([Tq], (t) => softmax(seen(t), (s) => scale * sum(D, (d) => q(t, d) * k(s, d))));
    return {
      out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)),
      mask: (t, s) => (sees(t, s) ? 1 : 0),
    };
  },
});
