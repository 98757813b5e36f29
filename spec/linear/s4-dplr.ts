import { gelu, type Matrix, mechanism, scan, sigmoid, sum, table } from "../page.ts";
import { bilinearStep } from "./lssl.ts";

/**
 * S4, the structured state-space layer: as `linear/lssl`, with a complex matrix for each channel that is diagonal plus
 * low rank, so that its kernel can be had by Cauchy sums; then GELU, a dense layer and a GLU. Gu et al. 2022,
 * arXiv:2111.00396.
 *
 * $$ x_t = \bar A x_{t-1} + \bar B u_t, \quad y_t = \operatorname{Re}(\hat C x_t) + D u_t, \quad
 *    \kappa_l = \operatorname{Re}(\hat C \bar A^l \bar B), \quad
 *    [r; g] = \operatorname{gelu}(y_t) W + b, \quad o_t = r \odot \sigma(g) $$
 * $$ A = \operatorname{diag}(\hat\Lambda) - \hat P \hat P^*, \quad
 *    \bar A = (I - \tfrac\Delta2 A)^{-1} (I + \tfrac\Delta2 A), \quad
 *    \bar B = (I - \tfrac\Delta2 A)^{-1} \Delta \hat B, \quad \Delta = e^{\texttt{logDt}} $$
 *
 * $\Lambda, P, B, C$ hold $N$ complex numbers (real part, imaginary part), one of each conjugate pair; $\hat v$ is $v$
 * followed by its conjugate, and so is $x$ at all times, of which `state` is the first half. $P P^*$ couples the
 * halves. `kernel` is $\kappa$. As the code below has it, with real and imaginary parts as coordinates: $A$ is
 * $\operatorname{Re} \Lambda_k$ on the diagonal and $\pm\operatorname{Im} \Lambda_k$ between the two parts of a number,
 * minus $2 p p^\top$ where $p$ is all parts of $P$; and $\operatorname{Re}(\hat C x)$ is
 * $2 \operatorname{Re} \sum_k C_k x_k$. $C$ is the plain one, not the $\hat C (I - \bar A^L)$ that the official code
 * keeps after its first use. The GELU is exact. Cost: $O(M N^3 + T M N^2)$ as written, $O((T + N) \log^2)$ for each
 * channel in the code.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const s4Dplr = mechanism({
  id: "linear/s4-dplr",
  name: "S4 (diagonal plus low rank)",
  paper: "Gu et al., 2022, arXiv:2111.00396",
  code: "state-spaces/s4 models/s4/s4.py:S4Block",
  inputs: {
    u: "T M",
    lambda: "M N 2",
    p: "M N 2",
    b: "M N 2",
    c: "M N 2",
    d: "M = 0",
    logDt: "M",
    wOut: "M (2 Mo)",
    bOut: "(2 Mo) = 0",
    state: "M N 2 = 0",
  },
  outputs: { out: "T Mo", kernel: "M T", state: "M N 2" },
  options: {},
  tried: { N: [1, 2], M: [1, 2, 3] },
  domain: { lambda: { usual: [-2, 0.5] }, p: { usual: [-1, 1] }, logDt: { usual: [-4, -1.5] } },
  properties: [
    { linear: ["u", "state"], outputs: ["state"] },
    { linear: "c", outputs: ["kernel"] },
    { causal: "T", outputs: ["out", "kernel"] },
    { resumes: "T", states: "state", outputs: ["out", "state"] },
    { even: "p" },
    { even: ["b", "c", "state"], outputs: ["out", "kernel"] },
  ],
  run({ u, lambda, p, b, c, d, logDt, wOut, bOut, state }, { T, M, N, Mo }) {
    const part = (f: typeof p, m: number) => (i: number) => f(m, i >> 1, i % 2);
    const turn = (m: number, k: number, row: number, column: number) =>
      row === column ? lambda(m, k, 0) : (row - column) * lambda(m, k, 1);
    const system = (m: number): Matrix => {
      const P = part(p, m);
      return (i, j) => (i >> 1 === j >> 1 ? turn(m, i >> 1, i % 2, j % 2) : 0) - 2 * P(i) * P(j);
    };
    const step = table([M], (m) => bilinearStep(2 * N, system(m), part(b, m), Math.exp(logDt(m)), 0.5));
    const keep = (m: number, i: number, x: (m: number, j: number) => number) =>
      sum(2 * N, (j) => step(m).keep(i, j) * x(m, j));
    const read = (m: number, x: (m: number, j: number) => number) =>
      2 * sum(N, (k) => c(m, k, 0) * x(m, 2 * k) - c(m, k, 1) * x(m, 2 * k + 1));
    const first = table([M, 2 * N], (m, i) => part(state, m)(i));
    const x = scan(T, first, (before, t) =>
      table([M, 2 * N], (m, i) => keep(m, i, before) + step(m).write(i) * u(t, m)),
    );
    const impulse = scan(
      T,
      table([M, 2 * N], (m, i) => step(m).write(i)),
      (before) => table([M, 2 * N], (m, i) => keep(m, i, before)),
    );
    const y = table([T, M], (t, m) => gelu(read(m, x(t + 1)) + d(m) * u(t, m)));
    const half = table([T, 2, Mo], (t, i, j) => sum(M, (m) => y(t, m) * wOut(m, i, j)) + bOut(i, j));
    return {
      out: (t, j) => half(t, 0, j) * sigmoid(half(t, 1, j)),
      kernel: (m, l) => read(m, impulse(l)),
      state: (m, k, i) => x(T)(m, 2 * k + i),
    };
  },
});
