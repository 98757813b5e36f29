import { choice, flag, mechanism, real, scan, softmax, sum, table, type Vector, weigh } from "../page.ts";

/**
 * The memories behind DeepTransformers and Dot: a matrix memory over the infinite features $\phi$ of the exponential,
 * $\phi(a) \cdot \phi(b) = e^{\sigma a \cdot b}$, written by Hebb's rule or by the delta rule. Behrouz et al. 2025,
 * arXiv:2505.23735.
 *
 * $$ W_n = W_{n-1} + \phi(k_n)\, c_n^\top, \quad
 *    o_t = W_{n(t)}^\top \phi(q_t) = \sum_{s < n(t)} e^{\sigma q_t \cdot k_s}\, c_s $$
 * $$ c_n = \beta_n v_n \ \text{ or } \ c_n = \beta_n \bigl(v_n - W_{n-1}^\top \phi(k_n)\bigr)
 *    = \beta_n \Bigl(v_n - \sum_{s < n} e^{\sigma k_n \cdot k_s} c_s\Bigr) $$
 *
 * The features are never made: what is `written`, $c$, and the keys are the memory. By Hebb's rule with $\beta = 1$
 * this is softmax attention that is not normalised, and with `normalise`, which divides by the sum of the exponentials,
 * softmax attention. By the delta rule $\beta_n = e^{-\sigma k_n \cdot k_n}$ makes the memory read at $k_n$ return
 * $v_n$. $n(t) = t + 1 + T_k - T_q$ keys are seen by query $t$, so that a cache may precede the queries; one that sees
 * no key gets zeros. The paper has deep memories and windows of more than one key (the Omega rule) as well. Cost:
 * $O(T_k^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const deepTransformerExpMemory = mechanism({
  id: "linear/deep-transformer-exp-memory",
  name: "Exponential-kernel memory (DeepTransformer, Dot)",
  paper: "Behrouz et al., 2025, arXiv:2505.23735",
  ours: "a matrix memory, a delta rule of one key, and σ in the exponents of reading and writing alike",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", beta: "Tk = 1" },
  outputs: { out: "Tq E", written: "Tk E" },
  options: {
    update: choice(["hebbian", "delta"], "whether a value is added, or what it differs by from the value held"),
    normalise: flag(false, "whether a reading is divided by the sum of the exponentials"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor in the exponents", { tried: [0.25, 1] }),
  },
  domain: { q: { usual: [-1, 1] }, k: { usual: [-1, 1] }, beta: { usual: [0, 1] } },
  properties: [
    { linear: "v" },
    {
      averages: "v",
      along: "Tk",
      outputs: ["out"],
      when: (_, o, given) => o.update === "hebbian" && o.normalise && !given.beta,
    },
    { causal: ["Tq", "Tk"], when: (n) => n.Tq === n.Tk },
    { even: ["q", "k"] },
  ],
  run({ q, k, v, beta }, { Tq, Tk, D, E }, { update, normalise, scale }) {
    const score = (a: Vector, s: number) => scale * sum(D, (d) => a(d) * k(s, d));
    const memory = scan<readonly Entry[]>(Tk, [], (before, n) => {
      const held = (e: number) => sum(before, ({ s, c }) => Math.exp(score((d) => k(n, d), s)) * c(e));
      const c = table([E], (e) => beta(n) * (v(n, e) - (update === "delta" ? held(e) : 0)));
      return [...before, { s: n, c }];
    });
    const read = table([Tq], (t) => {
      const seen = memory(Math.max(0, t + 1 + Tk - Tq));
      const z = ({ s }: Entry) => score((d) => q(t, d), s);
      return normalise ? softmax(seen, z) : weigh(seen, (entry) => Math.exp(z(entry)));
    });
    return {
      out: (t, e) => sum(read(t), ({ c }, weight) => weight * c(e)),
      written: (s, e) => sum(memory(s + 1).slice(s), ({ c }) => c(e)),
    };
  },
});
interface Entry {
  readonly s: number;
  readonly c: Vector;
}
