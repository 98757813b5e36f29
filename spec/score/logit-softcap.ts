import { flag, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Logit soft-capping: a scaled tanh keeps every attention score between −c and c before the softmax, so that no weight
 * ratio within a row exceeds $e^{2c}$. One head; a batch or the heads stand on a leading axis. Gemma 2 Team 2024,
 * arXiv:2408.00118; Grok-1 caps at 30.
 *
 * $$ z_{t,s} = c \tanh\frac{\sigma\, q_t \cdot k_s}{c}, \quad
 *    w_{t,\cdot} = \operatorname{softmax}_{s \in S_t}(z_{t,s} + b_{t,s}), \quad o_t = \sum_{s \in S_t} w_{t,s}\, v_s $$
 *
 * The cap comes after the scale and before bias and mask: a bias may exceed it, and −∞ still hides a key. $c = \infty$ is
 * no cap. Gemma 2 has $c = 50$ and $\sigma$ = `query_pre_attn_scalar`$^{-1/2}$, which need not be $1/\sqrt D$. $S_t$ is the
 * keys with `mask` true and, if `causal`, those with $s \le t + T_k - T_q$. A query that sees no key gets zeros.
 * Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const logitSoftcap = mechanism({
  id: "score/logit-softcap",
  name: "Attention logit soft-capping",
  paper: "Gemma 2 Team, 2024, arXiv:2408.00118",
  code: "huggingface/transformers src/transformers/models/gemma2/modeling_gemma2.py:eager_attention_forward",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1", bias: "Tq Tk = 0" },
  outputs: { out: "Tq E", weights: "Tq Tk" },
  options: {
    cap: real(50, "c, the bound on the scores", { above: 0, tried: [0.5, 1.5, Number.POSITIVE_INFINITY] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { equivariant: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
    { even: ["q", "k"] },
  ],
  run({ q, k, v, mask, bias }, { Tq, Tk, D }, { cap, scale, causal }) {
    const capped = (z: number) => (cap === Number.POSITIVE_INFINITY ? z : cap * Math.tanh(z / cap));
    const seen = (t: number) => range(Tk).filter((s) => mask(t, s) && (!causal || s <= t + Tk - Tq));
    const weights = table([Tq], (t) =>
      softmax(seen(t), (s) => capped(scale * sum(D, (d) => q(t, d) * k(s, d))) + bias(t, s)),
    );
    return {
      out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
