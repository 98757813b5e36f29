import { choice, flag, mechanism, real, relu, scan, sum, table } from "../page.ts";

/**
 * Linear attention: a positive feature map $\phi$ takes the place of the softmax's exponential, so that the sums over
 * the keys are taken once for all queries. One head. Katharopoulos et al. 2020, arXiv:2006.16236, §3.2–3.4.
 *
 * $$ S_n = S_{n-1} + \phi(k_n) v_n^\top, \quad z_n = z_{n-1} + \phi(k_n), \quad
 *    o_t = \frac{\phi(q_t)^\top S_{n(t)}}{\phi(q_t) \cdot z_{n(t)} + \varepsilon} $$
 *
 * $n(t)$ is how many keys query $t$ sees: all, or with `causal` $t + 1 + T_k - T_q$, its own place included. $\phi(x)$
 * is $\operatorname{elu}(x) + 1$ in the paper; there is no factor on the products. With `relu` or `identity` the
 * weights may vanish or be negative, and with a denominator near 0 the result is as large as $1/\varepsilon$. `state`
 * $S$ and `z` come out after all keys and go in again, so that a sequence can be cut anywhere. A query that sees no key
 * reads the given state, zeros by default. Cost: $O((T_q + T_k) D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const linearTransformer = mechanism({
  id: "linear/linear-transformer",
  name: "Linear Transformer attention",
  paper: "Katharopoulos et al., 2020, arXiv:2006.16236",
  code: "idiap/fast-transformers fast_transformers/attention/linear_attention.py:LinearAttention",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", state: "D E = 0", z: "D = 0" },
  outputs: { out: "Tq E", state: "D E", z: "D" },
  options: {
    feature: choice(["elu1", "relu", "identity"], "φ, on each coordinate: elu(x) + 1, max(x, 0) or x"),
    causal: flag(false, "a query sees only the keys up to its own place"),
    eps: real(1e-6, "ε, added to the denominator", { above: 0, tried: [0.3] }),
  },
  mayBeEmpty: ["Tk"],
  domain: { z: { usual: [0, 3] } },
  properties: [
    { linear: ["v", "state"], outputs: ["out", "state"] },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], outputs: ["out"], when: (n, o) => o.causal && n.Tq === n.Tk },
  ],
  run({ q, k, v, state, z }, { Tq, Tk, D, E }, { feature, causal, eps }) {
    const phi = { elu1: (x: number) => (x > 0 ? x + 1 : Math.exp(x)), relu, identity: (x: number) => x }[feature];
    const phiK = table([Tk, D], (s, d) => phi(k(s, d)));
    const S = scan(Tk, table([D, E], state), (before, s) =>
      table([D, E], (d, e) => before(d, e) + phiK(s, d) * v(s, e)),
    );
    const Z = scan(Tk, table([D], z), (before, s) => table([D], (d) => before(d) + phiK(s, d)));
    const seen = (t: number) => (causal ? Math.max(0, t + 1 + Tk - Tq) : Tk);
    const size = table([Tq], (t) => sum(D, (d) => phi(q(t, d)) * Z(seen(t))(d)) + eps);
    return {
      out: (t, e) => sum(D, (d) => phi(q(t, d)) * S(seen(t))(d, e)) / size(t),
      state: S(Tk),
      z: Z(Tk),
    };
  },
});
