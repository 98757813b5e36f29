import { choice, flag, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Scaled dot-product attention: each query takes the average of the values, weighted by the softmax of its products with
 * the keys. One head; a batch or the heads stand on a leading axis. Vaswani et al. 2017, arXiv:1706.03762, §3.2.1.
 *
 * $$ o_t = \sum_{s \in S_t} w_{t,s}\, v_s, \quad
 *    w_{t,\cdot} = \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, q_t \cdot k_s + b_{t,s}\bigr), \quad
 *    \ell_t = \ln \sum_{s \in S_t} e^{\sigma\, q_t \cdot k_s + b_{t,s}} $$
 *
 * $S_t$ is the keys with `mask` true (all by default) and, if `causal`, those with $s \le t + T_k - T_q$: the last query
 * sees all keys, since a cache may precede the queries. With `align` `top-left` it is $s \le t$, as in PyTorch's
 * `is_causal`. A bias of −∞ hides a key like the mask does. A query that sees no key gets zeros and $\ell_t = -\infty$;
 * a hidden key never matters, whatever its value. Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const scaledDotProductAttention = mechanism({
  id: "core/scaled-dot-product-attention",
  name: "Scaled dot-product attention",
  paper: "Vaswani et al., 2017, arXiv:1706.03762",
  code: "pytorch/pytorch torch/nn/functional.py:scaled_dot_product_attention",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1", bias: "Tq Tk = 0" },
  outputs: { out: "Tq E", lse: "Tq" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
    causalAlign: choice(
      ["bottom-right", "top-left"],
      "whether the last queries or the first stand beside the keys' ends",
    ),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v, mask, bias }, { Tq, Tk, D }, { scale, causal, causalAlign }) {
    const last = (t: number) => (causal ? t + (causalAlign === "top-left" ? 0 : Tk - Tq) : Tk);
    const seen = (t: number) => range(Tk).filter((s) => s <= last(t) && mask(t, s));
    const weights = table([Tq], (t) => softmax(seen(t), (s) => scale * sum(D, (d) => q(t, d) * k(s, d)) + bias(t, s)));
    return {
      out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)),
      lse: (t) => weights(t).logSumExp,
    };
  },
});
