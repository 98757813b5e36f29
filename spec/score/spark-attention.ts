import {
  clamp,
  flag,
  integer,
  maximum,
  mean,
  mechanism,
  minimum,
  normalQuantile,
  range,
  real,
  softmax,
  softplus,
  sum,
  table,
} from "../page.ts";

/**
 * Spark attention: the first $r$ features of queries and keys predict which keys matter, statistical top-k keeps about
 * $k$ of them, and only for those the other features are multiplied; softmax of the first product times softplus of the
 * second is the weight. You et al. 2025, arXiv:2506.06644 (Spark Transformer).
 *
 * $$ o_t = \sum_{s \in K_t} \operatorname{softmax}_{s \in K_t}(a_{t,s})\, \ln\bigl(1 + e^{c_{t,s}}\bigr)\, v_s, \quad
 *    a_{t,s} = \sigma_1 \sum_{d < r} q_{t,d} k_{s,d}, \quad c_{t,s} = \sigma_2 \sum_{d \ge r} q_{t,d} k_{s,d} $$
 * $$ K_t = \{ s \in S_t : a_{t,s} \ge \theta_t \}, \quad
 *    \theta_t = \mu_t + s_t\, \Phi^{-1}\!\Bigl(1 - \frac{k}{|S_t|}\Bigr), \quad
 *    \mu_t, s_t^2 \text{ the mean and the variance (over } |S_t| - 1 \text{) of } a_{t,s},\ s \in S_t $$
 *
 * $S_t$ is every key or, with `causal`, those with $s \le t + T_k - T_q$; $K_t = S_t$ where it holds no more than $k$
 * keys. To take the threshold off the scores that are kept, as the soft form of the operator does, would change nothing
 * under the softmax. The weights do not sum to 1. Where no score reaches the threshold the output is zeros. Cost:
 * $O(T_q T_k r + T_q k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $r$ leaves no feature on either
 * side.
 */
export const sparkAttention = mechanism({
  id: "score/spark-attention",
  name: "Spark attention",
  paper: "You et al., 2025, arXiv:2506.06644",
  ours: "the factors σ1 and σ2, which the paper leaves to the model, and zeros where no score reaches the threshold",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E" },
  outputs: { out: "Tq E" },
  options: {
    r: integer((n: { D: number }) => Math.floor(n.D / 2), "how many leading features predict", {
      min: 1,
      tried: [1, 2],
    }),
    kMax: integer(256, "k, about how many keys a query keeps", { min: 1, tried: [1, 2, 3] }),
    scale1: real((n: { R: number }) => 1 / Math.sqrt(n.R), "σ1, the factor on the predicting product", { tried: [1] }),
    scale2: real((n: { D: number; R: number }) => 1 / Math.sqrt(n.D - n.R), "σ2, the factor on the other product", {
      tried: [1],
    }),
    causal: flag(true, "a query sees only the keys up to its own place"),
  },
  axes: { R: (_, o) => o.r },
  tried: { D: [2, 3, 4] },
  mayBeEmpty: ["Tk"],
  requires: { "r must be less than D": (n, o) => o.r < n.D },
  properties: [
    { linear: "v" },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (_, o) => o.causal },
  ],
  run({ q, k, v }, { Tq, Tk, D, R }, { kMax, scale1, scale2, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => !causal || s <= t + Tk - Tq);
    const predicted = table([Tq, Tk], (t, s) => scale1 * sum(R, (d) => q(t, d) * k(s, d)));
    const threshold = table([Tq], (t) => {
      const n = seen(t).length;
      if (n <= kMax) return Number.NEGATIVE_INFINITY;
      const row = (s: number) => predicted(t, s);
      // A mean lies between its terms; rounding may put that of equal ones just beside them.
      const mu = clamp(mean(seen(t), row), minimum(seen(t), row), maximum(seen(t), row));
      const deviation = Math.sqrt(sum(seen(t), (s) => (predicted(t, s) - mu) ** 2) / (n - 1));
      return mu + deviation * normalQuantile(1 - kMax / n);
    });
    const weights = table([Tq], (t) => {
      const kept = seen(t).filter((s) => predicted(t, s) >= threshold(t));
      return softmax(kept, (s) => predicted(t, s));
    });
    const rest = range(R, D);
    const factor = table([Tq, Tk], (t, s) => softplus(scale2 * sum(rest, (d) => q(t, d) * k(s, d))));
    return { out: (t, e) => sum(weights(t), (s, w) => w * factor(t, s) * v(s, e)) };
  },
});
