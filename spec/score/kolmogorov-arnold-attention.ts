import { choice, largest, maximum, mechanism, range, silu, softmax, sum, table, weigh } from "../page.ts";

const activations = { zero: () => 0, silu, identity: (score: number) => score };

/**
 * Fourier Kolmogorov–Arnold attention (KArAt): the softmax of a head gives way to a learned map of each row of scores, with a
 * function of its own, a short Fourier series, for every pair of an input and an output place. One head; a batch or the heads
 * stand on a leading axis. Maity et al. 2025, arXiv:2503.10632.
 *
 * $$ z_{t,r} = \sum_s \phi_{r,s}\Bigl(\frac{q_t \cdot k_s}{\sqrt D}\Bigr), \quad
 *    \phi_{r,s}(a) = \beta(a) + \sum_{n=1}^{N} \alpha_{r,s,n} \cos na + b_{r,s,n} \sin na, \quad
 *    p_{t,\cdot} = \nu\bigl(W z_t\bigr), \quad o_t = \sum_s p_{t,s}\, v_s $$
 *
 * The modular form has $R < T_k$ rows and a projection $W$ back to the keys ($R = 12$, $N = 3$ or 1 in the paper); without
 * `wR` it is the full form, $R = T_k$. The number of keys is fixed and keys are told apart by their place. The base $\beta$ is
 * zero in the authors' best models. $\nu$ is nothing, as in the formula of the authors' project page, or the nearest point of
 * the probability simplex, $\max(p - \theta, 0)$ with $\theta$ such that the row sums to 1, or, beyond the paper, the softmax.
 * Without $\nu$ weights may be negative.
 * Cost: $O(T_q T_k (D + E + R N))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `wR` is missing where $R \ne T_k$.
 */
export const kolmogorovArnoldAttention = mechanism({
  id: "score/kolmogorov-arnold-attention",
  name: "Kolmogorov–Arnold attention (Fourier-KArAt)",
  paper: "Maity et al., 2025, arXiv:2503.10632",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", a: "R Tk N", b: "R Tk N", wR: "Tk R = identity" },
  outputs: { out: "Tq E" },
  options: {
    base: choice(["zero", "silu", "identity"], "β, the term of φ that is not learned"),
    normalise: choice(["none", "simplex", "softmax"], "ν, what makes a row sum to 1"),
  },
  requires: { "without wR, R must equal Tk": (n, _, given) => given.wR || n.R === n.Tk },
  properties: [
    { linear: "v" },
    { linear: ["a", "b"], when: (_, o) => o.base === "zero" && o.normalise === "none" },
    { linear: "wR", when: (_, o, given) => given.wR === true && o.normalise === "none" },
    { averages: "v", along: "Tk", when: (_, o) => o.normalise !== "none" },
    { independent: "Tq" },
    { even: ["q", "k"] },
  ],
  run({ q, k, v, a, b, wR }, { Tq, Tk, D, R, N }, { base, normalise }) {
    const score = table([Tq, Tk], (t, s) => sum(D, (d) => q(t, d) * k(s, d)) / Math.sqrt(D));
    const phi = (r: number, s: number, x: number) =>
      activations[base](x) +
      sum(range(1, N + 1), (n) => a(r, s, n - 1) * Math.cos(n * x) + b(r, s, n - 1) * Math.sin(n * x));
    const z = table([Tq, R], (t, r) => sum(Tk, (s) => phi(r, s, score(t, s))));
    const p = table([Tq, Tk], (t, s) => sum(R, (r) => wR(s, r) * z(t, r)));
    const toSimplex = (t: number) => {
      const sumOfLargest = (n: number) =>
        sum(
          largest(n, Tk, (s) => p(t, s)),
          (s) => p(t, s),
        );
      const theta = maximum(range(1, Tk + 1), (n) => (sumOfLargest(n) - 1) / n);
      return weigh(Tk, (s) => Math.max(p(t, s) - theta, 0));
    };
    const normalised = {
      none: (t: number) => weigh(Tk, (s) => p(t, s)),
      simplex: toSimplex,
      softmax: (t: number) => softmax(Tk, (s) => p(t, s)),
    };
    const weights = table([Tq], normalised[normalise]);
    return { out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)) };
  },
});
