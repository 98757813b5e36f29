import { gelu, largest, type Matrix, mechanism, range, real, scan, sum, table, type Vector } from "../page.ts";

const unit: Matrix = (i, j) => (i === j ? 1 : 0);

/** The inverse of an n × n matrix by Gauss–Jordan elimination with row pivots. */
function inverse(n: number, a: Matrix): Matrix {
  const beside = table([n, 2 * n], (i, j) => (j < n ? a(i, j) : unit(i, j - n)));
  const reduced = scan(n, beside, (before, p) => {
    const [pivot = p] = largest(1, range(p, n), (i) => Math.abs(before(i, p)));
    const row = (i: number) => (i === p ? pivot : i === pivot ? p : i);
    const normed = table([2 * n], (j) => before(pivot, j) / before(pivot, p));
    return table([n, 2 * n], (i, j) => (i === p ? normed(j) : before(row(i), j) - before(row(i), p) * normed(j)));
  });
  return (i, j) => reduced(n)(i, n + j);
}

/**
 * The generalised bilinear step of length Δ of $x' = A x + B u$ with $N$ states: what keeps the state,
 * $(I - \alpha \Delta A)^{-1} (I + (1 - \alpha) \Delta A)$, and what writes the input,
 * $(I - \alpha \Delta A)^{-1} \Delta B$.
 */
export function bilinearStep(
  N: number,
  A: Matrix,
  B: Vector,
  Delta: number,
  alpha: number,
): { keep: Matrix; write: Vector } {
  const back = inverse(N, (i, j) => unit(i, j) - alpha * Delta * A(i, j));
  return {
    keep: table([N, N], (i, j) => sum(N, (k) => back(i, k) * (unit(k, j) + (1 - alpha) * Delta * A(k, j)))),
    write: table([N], (i) => sum(N, (k) => back(i, k) * Delta * B(k))),
  };
}

/**
 * LSSL, the linear state-space layer: every channel drives $N$ states by a linear differential equation and reads them
 * linearly, in steps of its own length; then GELU and a dense layer. Gu et al. 2021, arXiv:2110.13985.
 *
 * $$ x_t = \bar A x_{t-1} + \bar B u_t, \quad y_t = C \cdot x_t + D u_t, \quad o_t = \operatorname{gelu}(y_t) W + b $$
 * $$ \bar A = (I - \alpha \Delta A)^{-1} (I + (1 - \alpha) \Delta A), \quad
 *    \bar B = (I - \alpha \Delta A)^{-1} \Delta B, \quad \Delta = e^{\texttt{logDt}} $$
 *
 * for each channel; only $A$ is shared (the code shares $B$ as well). As a convolution,
 * $y_t = \sum_{l \le t} (C \bar A^l \bar B)\, u_{t-l} + D u_t$. $\alpha = \frac12$ is the bilinear method of the paper,
 * 0 Euler's, 1 Euler's backward. $A$ and $B$ of the paper are HiPPO-LegS: $A_{ij} = -\sqrt{(2i + 1)(2j + 1)}$ for
 * $i > j$, $-(i + 1)$ on the diagonal, 0 above; $B_i = \sqrt{2i + 1}$. The GELU is exact. $I - \alpha \Delta A$ must
 * have an inverse, else the result is not finite. Cost: $O(M N^3 + T M N^2)$ beside the projection.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const lssl = mechanism({
  id: "linear/lssl",
  name: "Linear state-space layer (LSSL)",
  paper: "Gu et al., 2021, arXiv:2110.13985",
  code: "state-spaces/s4 src/models/sequence/modules/lssl.py:Platypus",
  inputs: {
    u: "T M",
    a: "N N",
    b: "M N",
    c: "M N",
    d: "M = 0",
    logDt: "M",
    wOut: "M Mo = identity",
    bOut: "Mo = 0",
    state: "M N = 0",
  },
  outputs: { out: "T Mo", state: "M N" },
  options: { alpha: real(0.5, "α, how much of a step is implicit", { min: 0, max: 1, tried: [0, 1, 0.25] }) },
  domain: { a: { usual: [-2, 1] }, logDt: { usual: [-5, -2.5] } },
  properties: [
    { linear: ["u", "state"], outputs: ["state"] },
    { linear: ["wOut", "bOut"], outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["b", "c", "state"], outputs: ["out"] },
  ],
  run({ u, a, b, c, d, logDt, wOut, bOut, state }, { T, M, N }, { alpha }) {
    const step = table([M], (m) => bilinearStep(N, a, (n) => b(m, n), Math.exp(logDt(m)), alpha));
    const x = scan(T, table([M, N], state), (before, t) =>
      table([M, N], (m, i) => sum(N, (j) => step(m).keep(i, j) * before(m, j)) + step(m).write(i) * u(t, m)),
    );
    const y = table([T, M], (t, m) => gelu(sum(N, (n) => c(m, n) * x(t + 1)(m, n)) + d(m) * u(t, m)));
    return { out: (t, j) => sum(M, (m) => y(t, m) * wOut(m, j)) + bOut(j), state: x(T) };
  },
});
