import { flag, integer, type Matrix, matrixProduct, mechanism, product, range, scan, sum, table } from "../page.ts";

/**
 * The memory of ATLAS: a matrix over polynomial features of the keys, trained while it reads on the squared errors of a
 * window of tokens, with momentum and an orthogonalised step (Muon). Behrouz et al. 2025, arXiv:2505.23735, eqs. 32–33.
 *
 * $$ G_t = 2 \sum_{i=t-c+1}^{t} \gamma_i\, \phi(k_i) \bigl(\hat W^\top \phi(k_i) - v_i\bigr)^\top, \quad
 *    S_t = \theta_t S_{t-1} + G_t $$
 * $$ W_t = \alpha_t W_{t-1} - \eta_t \operatorname{NS}(S_t), \quad o_t = W_t^\top \phi(q_t) $$
 * $$ \operatorname{NS}(S):\ X_0 = \frac{S}{\max(\|S\|_F,\, 10^{-7})}, \quad
 *    X_{i+1} = X_i\,(3.4445\, I - 4.775\, A + 2.0315\, A^2), \quad A = X_i^\top X_i $$
 *
 * $G$ is the gradient of $\sum_i \gamma_i \|W^\top \phi(k_i) - v_i\|^2$, the Omega rule, at $\hat W = W_{t-1}$, or with
 * `chunk` at the memory where the chunk of $t$ began, as the paper does to train in parallel. $\phi(x)$ is all
 * monomials of degree 0 to `degree`, lower degrees first and those of one degree in the order of their features
 * ($1, x_0, x_1, x_0^2, x_0 x_1, x_1^2$), each times the entry of `coefficient` for its degree. Keys and queries are
 * first brought to length 1. NS takes `nsSteps` steps from $X_0$, towards the matrix with the singular vectors of $S$
 * and singular values near 1; the polynomial is the same from either side, so wide and tall matrices need no case of
 * their own. With no steps the update is $S$ itself, not divided.
 *
 * `memory` $W$, `momentum` $S$ and the last $c - 1$ keys, values and γ go in and come out; they are 0 by default, and γ
 * = 0 hides a key. The paper's memory may be a network of several such matrices. Cost: $O(T (c N E + N E^2))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const atlasMemory = mechanism({
  id: "linear/atlas-memory",
  name: "ATLAS memory (Omega rule with Muon)",
  paper: "Behrouz et al., 2025, arXiv:2505.23735",
  code: "lucidrains/titans-pytorch titans_pytorch/neural_memory.py:newtonschulz5",
  ours: "the order of the monomials, γ by key alone and a window of 1 by default; only the orthogonalisation has code",
  inputs: {
    q: "T D",
    k: "T D",
    v: "T E",
    gamma: "T",
    alpha: "T",
    eta: "T",
    theta: "T",
    coefficient: "P = 1",
    memory: "N E = 0",
    momentum: "N E = 0",
    pastK: "W D = 0",
    pastV: "W E = 0",
    pastGamma: "W = 0",
  },
  outputs: { out: "T E", memory: "N E", momentum: "N E", pastK: "W D", pastV: "W E", pastGamma: "W" },
  options: {
    window: integer(1, "c, how many tokens the gradient is taken over", { min: 1, max: 2 ** 31, tried: [1, 2, 3] }),
    chunk: integer(1, "how many tokens take their gradients at one memory", { min: 1, tried: [2] }),
    degree: integer(2, "the highest degree of the monomials", { min: 0, max: 8, tried: [1, 2, 3] }),
    normalise: flag(true, "whether queries and keys are brought to length 1"),
    nsSteps: integer(5, "steps of the orthogonalisation; 0 leaves it out", { min: 0, tried: [0, 1, 2] }),
  },
  axes: {
    N: (n, o) => monomials(n.D, o.degree).length,
    P: (_, o) => o.degree + 1,
    W: (_, o) => o.window - 1,
  },
  tried: { T: [1, 2, 4], D: [1, 2, 3], E: [1, 2, 3] },
  mayBeEmpty: ["W"],
  domain: {
    gamma: { usual: [0, 1] },
    alpha: { usual: [0, 1] },
    eta: { usual: [0, 1] },
    theta: { usual: [0, 1] },
    pastGamma: { usual: [0, 1] },
  },
  properties: [
    {
      linear: ["v", "memory", "momentum", "pastV"],
      outputs: ["out", "memory", "momentum"],
      when: (_, o) => o.nsSteps === 0,
    },
    { causal: "T", outputs: ["out"] },
    {
      resumes: "T",
      states: ["memory", "momentum", "pastK", "pastV", "pastGamma"],
      when: (_, o) => o.chunk === 1,
    },
  ],
  run(x, { T, D, E, N, W }, { chunk, degree, normalise, nsSteps }) {
    const { gamma, alpha, eta, theta, coefficient } = x;
    const basis = monomials(D, degree);
    const phi = (a: (d: number) => number) => {
      const length = normalise ? Math.max(Math.sqrt(sum(D, (d) => a(d) ** 2)), 1e-12) : 1;
      return table([N], (i) => coefficient(basis[i]!.length) * product(basis[i]!, (d) => a(d) / length));
    };
    // Place i of the window's tokens: the W of the past, then the T of this call.
    const key = (i: number, d: number) => (i < W ? x.pastK(i, d) : x.k(i - W, d));
    const value = (i: number, e: number) => (i < W ? x.pastV(i, e) : x.v(i - W, e));
    const gate = (i: number) => (i < W ? x.pastGamma(i) : gamma(i - W));
    const phiK = table([W + T], (i) => phi((d) => key(i, d)));
    const phiQ = table([T], (t) => phi((d) => x.q(t, d)));

    const orthogonalised = (S: Matrix): Matrix => {
      const size = Math.max(Math.sqrt(sum(N, (i) => sum(E, (e) => S(i, e) ** 2))), 1e-7);
      const first: Matrix = table([N, E], (i, e) => S(i, e) / size);
      const steps = scan(nsSteps, first, (X) => {
        const A = matrixProduct(E, N, E, (e, i) => X(i, e), X);
        const square = matrixProduct(E, E, E, A, A);
        const p = table([E, E], (c, e) => (c === e ? 3.4445 : 0) - 4.775 * A(c, e) + 2.0315 * square(c, e));
        return matrixProduct(N, E, E, X, p);
      });
      return nsSteps === 0 ? S : steps(nsSteps);
    };
    const start: Matrix = table([N, E], x.memory);
    const moving: Matrix = table([N, E], x.momentum);
    const first = { W: start, S: moving, reference: start };
    const after = scan(T, first, (before, t) => {
      const reference = t % chunk === 0 ? before.W : before.reference;
      const error = table([W + 1, E], (j, e) => sum(N, (i) => reference(i, e) * phiK(t + j)(i)) - value(t + j, e));
      const gradient: Matrix = (i, e) => 2 * sum(W + 1, (j) => gate(t + j) * phiK(t + j)(i) * error(j, e));
      const S: Matrix = table([N, E], (i, e) => theta(t) * before.S(i, e) + gradient(i, e));
      const step = orthogonalised(S);
      return { W: table([N, E], (i, e) => alpha(t) * before.W(i, e) - eta(t) * step(i, e)), S, reference };
    });
    return {
      out: (t, e) => sum(N, (i) => after(t + 1).W(i, e) * phiQ(t)(i)),
      memory: after(T).W,
      momentum: after(T).S,
      pastK: (i, d) => key(T + i, d),
      pastV: (i, e) => value(T + i, e),
      pastGamma: (i) => gate(T + i),
    };
  },
});

/** The features of each monomial of degree 0 to `degree` in `D` features, a power as often as it counts. */
function monomials(D: number, degree: number): readonly (readonly number[])[] {
  const ofDegree = (p: number, from: number): number[][] =>
    p === 0 ? [[]] : range(from, D).flatMap((d) => ofDegree(p - 1, d).map((rest) => [d, ...rest]));
  return range(degree + 1).flatMap((p) => ofDegree(p, 0));
}
