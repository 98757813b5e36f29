import { flag, mechanism, range, real, sigmoid, sum, table, weigh } from "../page.ts";

/**
 * Sigmoid attention: every key is weighed by itself, by the logistic function of its score, so that keys do not
 * compete. A negative constant on the scores keeps the sum of the weights near one at the start of training. Ramapuram
 * et al. 2024, arXiv:2409.04431, §2.
 *
 * $$ o_t = \sum_{s \in S_t} p_{t,s}\, v_s, \quad
 *    p_{t,s} = \frac{1}{1 + e^{-z_{t,s}}}, \quad
 *    z_{t,s} = \sigma\, q_t \cdot k_s + \beta_{t,s} + b, \quad b = -\ln T_k $$
 *
 * $S_t$ is the keys with `mask` true (all by default) and, if `causal`, those with $s \le t + T_k - T_q$. $b$ is one
 * number for the whole map and counts hidden keys too; `perQuery` adds $\ln(T_k / |S_t|)$, which makes the default
 * $b = -\ln|S_t|$. The official kernel takes $b$ from its caller and has 0 if it gets none. A hidden key weighs 0; a
 * query that sees no key gets zeros. Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const sigmoidAttention = mechanism({
  id: "score/sigmoid-attention",
  name: "Sigmoid attention",
  paper: "Ramapuram et al., 2024, arXiv:2409.04431",
  code: "apple/ml-sigmoid-attention flash_sigmoid/tests/test_flash_attn.py:attention_ref",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", bias: "Tq Tk = 0", mask: "Tq Tk = 1" },
  outputs: { out: "Tq E", weights: "Tq Tk" },
  options: {
    b: real((n: { Tk: number }) => -Math.log(n.Tk), "b, the constant added to every score", { tried: [0, -1.5] }),
    perQuery: flag(false, "corrects b for the keys that a query does not see, by ln(Tk / number of keys it sees)"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { independent: "Tq", when: (_, o) => !o.causal },
    { equivariant: "Tk", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (_, o) => o.causal && !o.perQuery },
  ],
  run({ q, k, v, bias, mask }, { Tq, Tk, D }, { b, perQuery, scale, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => (!causal || s <= t + Tk - Tq) && mask(t, s));
    const weights = table([Tq], (t) => {
      const offset = b + (perQuery ? Math.log(Tk / seen(t).length) : 0);
      return weigh(seen(t), (s) => sigmoid(scale * sum(D, (d) => q(t, d) * k(s, d)) + bias(t, s) + offset));
    });
    return {
      out: (t, e) => sum(weights(t), (s, p) => p * v(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
