import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Attention with a learned sink logit (gpt-oss): each head has one more place in the softmax, with a score of its own
 * and no value, so that a query need not attend to anything. OpenAI 2025, gpt-oss model card, arXiv:2508.10925.
 *
 * $$ o_{h,t} = \frac{\sum_{s \in S_t} e^{z_{h,t,s}}\, v_{\gamma(h),s}}{e^{\varsigma_h} + \sum_{s \in S_t} e^{z_{h,t,s}}}, \quad
 *    z_{h,t,s} = \sigma\, q_{h,t} \cdot k_{\gamma(h),s}, \quad \gamma(h) = \lfloor h H_k / H_q \rfloor $$
 *
 * With $p = t + T_k - T_q$ the place of query $t$ among the keys, $S_t$ is the keys with $s \le p$ if `causal` and
 * $p - s <$ `window`: the query's own place and the `window` − 1 before it (gpt-oss: 128 in every other layer). The
 * sink $\varsigma_h$ stands for one query head, is seen by every query and is not scaled by $\sigma$. It equals scaled
 * dot-product attention times the logistic of $\ell_{h,t} - \varsigma_h$, $\ell$ the log-sum-exp;
 * $\varsigma \to -\infty$ is plain attention. A query that sees no key gets zeros. Cost: $O(H_q T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $H_q$ is no multiple of $H_k$.
 */
export const attentionSinkLogit = mechanism({
  id: "score/attention-sink-logit",
  name: "Attention with a learned sink logit",
  paper: "OpenAI, 2025, arXiv:2508.10925",
  code: "openai/gpt-oss gpt_oss/torch/model.py:sdpa",
  inputs: { q: "Hq Tq D", k: "Hk Tk D", v: "Hk Tk E", sinks: "Hq" },
  outputs: { out: "Hq Tq E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5] }),
    window: integer(Infinity, "how many keys a query sees, back from its own place; ∞ for all", {
      min: 1,
      tried: [1, 2, 3],
    }),
    causal: flag(true, "a query sees only the keys up to its own place"),
  },
  tried: { Hq: [1, 2, 4], Hk: [1, 2] },
  mayBeEmpty: ["Tk"],
  requires: { "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0 },
  properties: [
    { linear: "v" },
    { unordered: "Tk", when: (_, o) => !o.causal && o.window === Infinity },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v, sinks }, { Hq, Hk, Tq, Tk, D }, { scale, window, causal }) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const back = (t: number, s: number) => t + Tk - Tq - s;
    const seen = (t: number) => range(Tk).filter((s) => (!causal || back(t, s) >= 0) && back(t, s) < window);
    const weights = table([Hq, Tq], (h, t) =>
      softmax(seen(t), (s) => scale * sum(D, (d) => q(h, t, d) * k(shared(h), s, d)), sinks(h)),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(shared(h), s, e)) };
  },
});
