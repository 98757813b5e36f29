import { choice, integer, mechanism, product, range, scan, sum, table, type Vector } from "../page.ts";

/** The monomials in `n` variables of degree `degree` and less, each as the ascending list of its factors. */
const monomials = (n: number, degree: number): number[][] => {
  const ofDegree = (j: number, from: number): number[][] =>
    j === 0 ? [[]] : range(from, n).flatMap((i) => ofDegree(j - 1, i).map((rest) => [i, ...rest]));
  return range(degree + 1).flatMap((j) => ofDegree(j, 0));
};

/**
 * The Omega rule of ATLAS, with a matrix as memory: each token takes a gradient step on how well the memory recalls a
 * window of recent tokens rather than the last alone. Behrouz et al. 2025, arXiv:2505.23735.
 *
 * $$ \ell_t(W) = \sum_{i = t - c + 1}^{t} \gamma_i\, |W^\top \phi(k_i) - v_i|^2, \qquad
 *    W_t = \alpha_t W_{t-1} - \eta_t \nabla \ell_t(W_{\mathrm{ref}}), \qquad y_t = W_t^\top \phi(q_t) $$
 * $$ \nabla \ell_t(W) = 2 \sum_i \gamma_i\, \phi(k_i)\, (W^\top \phi(k_i) - v_i)^\top $$
 *
 * $c$ = `window`; tokens before the first count only where `pastK`, `pastV` and `pastGamma` give them.
 * $W_{\mathrm{ref}}$ is the memory at the start of the token's chunk of `chunk` tokens, so $W_{t-1}$ with `chunk` 1.
 * $\phi$ is the identity, or all monomials of degree `degree` and less, lowest degree first and in lexicographic order
 * within one (1, $x_1$, $x_2$, $x_1^2$, $x_1 x_2$, $x_2^2$), those of degree $j$ times `coefficients` $a_j$ (the paper
 * sets out from $1/j!$). The decay is on $W_{t-1}$ alone: the gradient is taken where nothing has decayed yet. The
 * `memory`, the `reference`, the `position` in the chunk and the last $c - 1$ tokens come out as states. There is no
 * official code. Cost: $O(T \min(c, T) A E)$ with $A$ features.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, the past is given in part, or
 * `position` is no place in a chunk.
 */
export const omegaRuleMemory = mechanism({
  id: "linear/omega-rule-memory",
  name: "Omega rule memory (ATLAS, OmegaNet)",
  paper: "Behrouz et al., 2025, arXiv:2505.23735",
  ours: "the gate of a token in a window is the token's own, whichever window it is in",
  inputs: {
    q: "T D",
    k: "T D",
    v: "T E",
    gamma: "T",
    alpha: "T",
    eta: "T",
    coefficients: "L = 1",
    memory: "A E",
    reference: "A E = memory",
    position: " = 0",
    pastK: "Tp D = none",
    pastV: "Tp E = none",
    pastGamma: "Tp = none",
  },
  outputs: {
    out: "T E",
    memory: "A E",
    reference: "A E",
    position: "",
    pastK: "To D",
    pastV: "To E",
    pastGamma: "To",
  },
  options: {
    window: integer(1, "c, how many tokens a step looks at, its own included", { min: 1, tried: [1, 2, 3] }),
    chunk: integer(1, "tokens whose gradients are taken at the same memory", { min: 1, max: 1e6, tried: [1, 2, 3] }),
    features: choice(["identity", "polynomial"], "φ, the features of keys and queries"),
    degree: integer(1, "the largest degree of a monomial", { min: 0, max: 3 }),
  },
  axes: {
    L: (_, o) => o.degree + 1,
    A: (n, o) => (o.features === "identity" ? n.D : monomials(n.D, o.degree).length),
    To: (n, o) => Math.min(o.window - 1, n.Tp + n.T),
  },
  mayBeEmpty: ["Tp"],
  tried: { D: [1, 2, 3], Tp: [1, 2, 3] },
  domain: {
    gamma: { usual: [0, 1] },
    alpha: { usual: [0, 1] },
    eta: { usual: [0, 0.5] },
    k: { usual: [-1, 1] },
    position: { integers: [0, (_, o) => o.chunk - 1] },
  },
  requires: {
    "pastK, pastV and pastGamma go together": (_, __, given) =>
      given.pastK === given.pastV && given.pastV === given.pastGamma,
    "coefficients belong to polynomial features": (_, o, given) => !given.coefficients || o.features === "polynomial",
  },
  properties: [
    { linear: ["v", "memory"], outputs: ["out", "memory"], when: (_, __, given) => !given.pastV && !given.reference },
    { linear: ["v", "memory", "reference", "pastV"], outputs: ["out", "memory"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["memory", "reference", "position", "pastK", "pastV", "pastGamma"] },
    { even: ["k", "v", "pastK", "pastV"], outputs: ["out", "memory"], when: (_, o) => o.features === "identity" },
  ],
  run(
    { q, k, v, gamma, alpha, eta, coefficients, memory, reference, position, pastK, pastV, pastGamma },
    { T, Tp, To, D, E, A },
    { window, chunk, features, degree },
  ) {
    const terms = features === "identity" ? range(D).map((d) => [d]) : monomials(D, degree);
    const phi = (x: Vector) =>
      table([A], (a) => {
        const factors = terms[a] ?? [];
        return coefficients(factors.length) * product(factors, x);
      });
    // The tokens, those of the past before those of the sequence.
    const key = (s: number, d: number) => (s < Tp ? pastK(s, d) : k(s - Tp, d));
    const value = (s: number, e: number) => (s < Tp ? pastV(s, e) : v(s - Tp, e));
    const gate = (s: number) => (s < Tp ? pastGamma(s) : gamma(s - Tp));
    const phiK = table([Tp + T], (s) => phi((d) => key(s, d)));
    const phiQ = table([T], (t) => phi((d) => q(t, d)));
    const place = (t: number) => (position() + t) % chunk;

    const first = { W: table([A, E], memory), ref: table([A, E], reference) };
    const after = scan(T, first, (now, t) => {
      const ref = place(t) === 0 ? now.W : now.ref;
      const from = Math.max(0, Tp + t + 1 - window);
      const seen = Tp + t + 1 - from;
      const error = table([seen, E], (i, e) => sum(A, (a) => ref(a, e) * phiK(from + i)(a)) - value(from + i, e));
      const gradient = (a: number, e: number) => 2 * sum(seen, (i) => gate(from + i) * phiK(from + i)(a) * error(i, e));
      return { W: table([A, E], (a, e) => alpha(t) * now.W(a, e) - eta(t) * gradient(a, e)), ref };
    });
    const last = (i: number) => Tp + T - To + i;
    return {
      out: (t, e) => sum(A, (a) => after(t + 1).W(a, e) * phiQ(t)(a)),
      memory: after(T).W,
      reference: after(T).ref,
      position: () => place(T),
      pastK: (i, d) => key(last(i), d),
      pastV: (i, e) => value(last(i), e),
      pastGamma: (i) => gate(last(i)),
    };
  },
});
