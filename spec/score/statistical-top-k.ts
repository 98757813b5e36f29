import {
  choice,
  clamp,
  integer,
  maximum,
  mean,
  mechanism,
  minimum,
  normalQuantile,
  range,
  relu,
  sum,
  table,
} from "../page.ts";

/**
 * Statistical top-k: keeps about $k$ of the entries of a row without sorting, those above the value that $k$ of $D$
 * draws from a normal distribution with the row's mean and deviation would exceed. You et al. 2025, arXiv:2506.06644
 * (Spark Transformer); in Gemma 3n on the gate of the feed-forward layer.
 *
 * $$ \theta_t = \mu_t + s_t\, \Phi^{-1}\!\Bigl(1 - \frac{k}{n_t}\Bigr), \quad
 *    \mu_t = \frac{1}{n_t} \sum_{d \in S_t} x_{t,d}, \quad
 *    s_t^2 = \frac{1}{n_t - \delta} \sum_{d \in S_t} (x_{t,d} - \mu_t)^2 $$
 * $$ y_{t,d} = \max(x_{t,d} - \theta_t, 0) \ \text{(soft)}, \quad
 *    y_{t,d} = x_{t,d} \text{ if } x_{t,d} \ge \theta_t, \text{ else } -\infty \ \text{(mask, ahead of a softmax)} $$
 *
 * $S_t$ is the $n_t$ entries with `mask` true (all by default); a hidden entry gives 0 in `soft` and −∞ in `mask`. A
 * row of at most $k$ entries is kept whole in `mask`; `soft` is not defined for it. How many are kept is near $k$ only
 * for rows that look normal: none may reach the threshold, and entries equal to it are all kept. A constant row has
 * $\theta_t = \mu_t$: `soft` gives zeros and `mask` the row. The paper divides by $n_t - 1$ ($\delta = 1$), Gemma 3n by
 * $n_t$ ($\delta = 0$). $k$ is by default the 8 % that the paper keeps of a feed-forward layer. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes differ or a row in `soft` has no more than $k$ entries.
 */
export const statisticalTopK = mechanism({
  id: "score/statistical-top-k",
  name: "Statistical top-k (Gaussian threshold)",
  paper: "You et al., 2025, arXiv:2506.06644",
  code: "huggingface/transformers src/transformers/models/gemma3n/modeling_gemma3n.py:Gemma3nTextMLP._gaussian_topk",
  inputs: { x: "T D", mask: "T D = 1" },
  outputs: { out: "T D" },
  options: {
    k: integer((n: { D: number }) => Math.ceil(0.08 * n.D), "about how many entries of a row to keep", {
      min: 1,
      tried: [1, 2, 3],
    }),
    ddof: integer(1, "δ, what is taken from the count under the variance", { min: 0, max: 1 }),
    mode: choice(["soft", "mask"], "whether to cut the threshold off or to hide what lies below it"),
  },
  domain: { mask: "boolean" },
  expects: {
    "in soft mode every row must have more than k entries": ({ mask }, { T, D }, { k, mode }) =>
      mode !== "soft" || range(T).every((t) => sum(D, (d) => mask(t, d)) > k),
  },
  properties: [{ independent: "T" }, { equivariant: "D" }],
  run({ x, mask }, { T, D }, { k, ddof, mode }) {
    const threshold = table([T], (t) => {
      const seen = range(D).filter((d) => mask(t, d));
      const n = seen.length;
      if (n <= k) return Number.NEGATIVE_INFINITY;
      const row = (d: number) => x(t, d);
      // A mean lies between its terms; rounding may put that of equal ones just beside them.
      const mu = clamp(mean(seen, row), minimum(seen, row), maximum(seen, row));
      const deviation = Math.sqrt(sum(seen, (d) => (x(t, d) - mu) ** 2) / (n - ddof));
      return mu + deviation * normalQuantile(1 - k / n);
    });
    const soft = (t: number, d: number) => (mask(t, d) ? relu(x(t, d) - threshold(t)) : 0);
    const hard = (t: number, d: number) => (mask(t, d) && x(t, d) >= threshold(t) ? x(t, d) : Number.NEGATIVE_INFINITY);
    return { out: mode === "soft" ? soft : hard };
  },
});
