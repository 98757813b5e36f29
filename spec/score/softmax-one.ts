import { flag, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Softmax with one added to its denominator ("softmax1", quiet attention): a query to which no key matters may attend
 * to nothing, its weights then tend to zero. With another number $N$ in place of the one it is softmax-N, with $N = 0$
 * plain attention. Miller 2023, "Attention is off by one".
 *
 * $$ o_t = \sum_{s \in S_t} p_{t,s}\, v_s, \quad
 *    p_{t,s} = \frac{e^{z_{t,s}}}{N + \sum_{r \in S_t} e^{z_{t,r}}}, \quad z_{t,s} = \sigma\, q_t \cdot k_s $$
 *
 * $S_t$ is the keys with `mask` true (all by default) and, if `causal`, those with $s \le t + T_k - T_q$. A query that
 * sees no key gets zeros. The official code shifts by the largest score alone, so that $e^{-\max z}$ overflows where
 * all scores are very negative; this page takes the formula's value there, near zero. Its default is $N = 0$, the one
 * here is the blog's. Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const softmaxOne = mechanism({
  id: "score/softmax-one",
  name: "Softmax-one (off-by-one softmax)",
  paper: "Miller, 2023, Attention is off by one (blog)",
  code: "softmax1/Flash-Attention-Softmax-N flash_attention_softmax_n/core/functional.py:softmax_n",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1" },
  outputs: { out: "Tq E", weights: "Tq Tk" },
  options: {
    nOffset: real(1, "N, what is added to the denominator", {
      min: 0,
      below: Number.POSITIVE_INFINITY,
      tried: [0, 0.5, 2],
    }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"], when: (_, o) => o.nOffset === 0 },
    { independent: "Tq", when: (_, o) => !o.causal },
    { equivariant: "Tk", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (_, o) => o.causal },
  ],
  run({ q, k, v, mask }, { Tq, Tk, D }, { nOffset, scale, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => (!causal || s <= t + Tk - Tq) && mask(t, s));
    const weights = table([Tq], (t) =>
      softmax(seen(t), (s) => scale * sum(D, (d) => q(t, d) * k(s, d)), Math.log(nOffset)),
    );
    return {
      out: (t, e) => sum(weights(t), (s, p) => p * v(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
