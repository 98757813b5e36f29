import { flag, maximum, mechanism, range, real, sum, table, weigh } from "../page.ts";

/**
 * α-entmax attention: the softmax gives way to a mapping that can give a key no weight at all. α = 1 is softmax (the
 * limit), 2 is sparsemax, 1.5 (entmax15) lies between. Peters, Niculae and Martins 2019, arXiv:1905.05702; a value of α
 * for each head is Correia, Niculae and Martins 2019, arXiv:1909.00015.
 *
 * $$ o_t = \sum_{s \in S_t} w_{t,s}\, v_s, \quad w_{t,s} = \bigl[(\alpha - 1)\, z_{t,s} - \tau_t\bigr]_+^{1/(\alpha - 1)}, \quad
 *    \tau_t \text{ such that } \sum_{s \in S_t} w_{t,s} = 1, \quad z_{t,s} = \sigma\, q_t \cdot k_s $$
 *
 * The sum falls as $\tau$ rises and passes 1 between $(\alpha - 1) \max z - 1$ and $(\alpha - 1) \max z$: the root is
 * found by halving until no number lies between, and the weights are divided by their sum. Official code halves a set
 * number of times from a narrower start, and sorts instead in its functions for α = 1.5 and 2; all agree to rounding.
 * $S_t$ is the keys with `mask` true (all by default) and, if `causal`, those with $s \le t + T_k - T_q$. A query that
 * sees no key gets zeros. A key less than the best by $1/(\alpha - 1)$ or more has weight zero. Rounding grows like
 * $1/(\alpha - 1)$ as α nears 1, and above 2 the power is steep at zero. Cost: $O(T_q T_k (D + E))$, halving apart.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or α is not above 1.
 */
export const entmax15Attention = mechanism({
  id: "score/entmax15-attention",
  name: "α-entmax attention",
  paper: "Peters, Niculae and Martins, 2019, arXiv:1905.05702",
  code: "deep-spin/entmax entmax/activations.py:entmax15; entmax/root_finding.py:entmax_bisect",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1" },
  outputs: { out: "Tq E", weights: "Tq Tk" },
  options: {
    alpha: real(1.5, "α, how sparse: above 1, the limit softmax; 2 is sparsemax", { above: 1, tried: [1.25, 2] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { unordered: "Tk", outputs: ["out"], when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v, mask }, { Tq, Tk, D }, { alpha, scale, causal }) {
    const entmax = (seen: readonly number[], z: (s: number) => number) => {
      const top = maximum(seen, z);
      const power = (s: number, tau: number) => Math.max((alpha - 1) * (z(s) - top) - tau, 0) ** (1 / (alpha - 1));
      const total = (tau: number) => sum(seen, (s) => power(s, tau));
      let [low, high] = [-1, 0];
      const middle = () => (low + high) / 2;
      for (let tau = middle(); low < tau && tau < high; tau = middle()) {
        if (total(tau) < 1) high = tau;
        else low = tau;
      }
      const all = total(low);
      return weigh(seen, (s) => power(s, low) / all);
    };
    const score = table([Tq, Tk], (t, s) => scale * sum(D, (d) => q(t, d) * k(s, d)));
    const seen = (t: number) => range(Tk).filter((s) => mask(t, s) && (!causal || s <= t + Tk - Tq));
    const weights = table([Tq], (t) => entmax(seen(t), (s) => score(t, s)));
    return {
      out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
