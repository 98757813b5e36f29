import { integer, type Matrix, matrixProduct, maximum, mechanism, real, relu, scan, sum, table } from "../page.ts";

/**
 * The step of the Legendre memory of order `N` over a window of `theta` tokens, as an $(N + 1) \times (N + 1)$ matrix:
 * the exponential of $\bigl(\begin{smallmatrix} A & B \\ 0 & 0 \end{smallmatrix}\bigr)$, whose last column is what is
 * added for an input of 1 held over the step. By the series of a $2^s$-th of it, of norm at most 1, squared $s$ times.
 */
export function legendreStep(N: number, theta: number): Matrix {
  const size = N + 1;
  const halvings = Math.ceil(Math.log2(1 + (3 * N ** 2) / theta));
  const sign = (i: number, j: number) => (j === N ? (-1) ** i : i < j ? -1 : (-1) ** (i - j + 1));
  const part = table([size, size], (i, j) => (i === N ? 0 : (sign(i, j) * (2 * i + 1)) / theta / 2 ** halvings));
  const unit: Matrix = (i, j) => (i === j ? 1 : 0);
  const terms = 20;
  const power = scan(terms, unit, (before, k) => {
    const next = matrixProduct(size, size, size, before, part);
    return (i, j) => next(i, j) / (k + 1);
  });
  const series = table([size, size], (i, j) => sum(terms, (k) => power(k)(i, j)));
  return scan(halvings, series, (half) => matrixProduct(size, size, size, half, half))(halvings);
}

/**
 * The Legendre memory unit of LMUFormer: one number is drawn from each token, a linear memory holds its course over the
 * last $\theta$ tokens as coefficients of Legendre polynomials, and a dense layer reads the memory beside the token.
 * Liu et al. 2024, arXiv:2402.04882; the memory is Voelker et al. 2019, its parallel form Chilkuri and Eliasmith 2021,
 * arXiv:2102.11417.
 *
 * $$ u_t = \max(x_t \cdot w^u + b^u, 0), \quad m_t = \bar A m_{t-1} + \bar B u_t, \quad
 *    h_t = \max\bigl([m_t; x_t] W^h + b^h, 0\bigr), \quad y_t = \operatorname{BN}(h_t W^p + b^p) $$
 * $$ \bar A = e^A, \quad \bar B = A^{-1} (e^A - I) B, \quad
 *    A_{ij} = \tfrac{2i + 1}{\theta} \begin{cases} -1 & i < j \\ (-1)^{i - j + 1} & i \ge j \end{cases}, \quad
 *    B_i = \tfrac{2i + 1}{\theta} (-1)^i $$
 *
 * The memory of a token holds the token itself. In parallel, $m_t = \sum_{s \le t} \bar A^{t - s} \bar B u_s$, by FFT
 * in the code, which fixes the length to 128 as well as $\theta$. BN is inference with stored statistics: the rows of
 * `bn` are weight, bias, mean and variance, ε is `eps`. `h` is what the projection and BN are given. Cost:
 * $O(T N^2 + T (N + M) A)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a variance is negative.
 */
export const legendreMemoryUnit = mechanism({
  id: "linear/legendre-memory-unit",
  name: "Legendre memory unit of LMUFormer",
  paper: "Liu et al., 2024, arXiv:2402.04882",
  code: "zeyuliu1037/LMUFormer src/blocks/lmu_cell.py:LMUFFTCell",
  inputs: {
    x: "T M",
    wU: "M 1",
    bU: "1 = 0",
    wH: "Nm A",
    bH: "A = 0",
    wP: "A Mo",
    bP: "Mo = 0",
    bn: "4 Mo",
    state: "N = 0",
  },
  outputs: { out: "T Mo", h: "T A", state: "N" },
  options: {
    m: integer((n: { M: number }) => n.M, "N, the order of the memory", { min: 1, tried: [1, 2, 4] }),
    theta: real(128, "θ, the window in tokens", { above: 0, tried: [3, 20] }),
    eps: real(1e-5, "ε of the batch norm", { above: 0, tried: [0.5] }),
  },
  axes: { N: (_, o) => o.m, Nm: (n) => n.N + n.M },
  domain: { bn: { usual: [0.25, 3] } },
  expects: {
    "the last row of bn holds variances, which must not be negative": ({ bn }, { Mo }) =>
      maximum(Mo, (j) => -bn(3, j)) <= 0,
  },
  properties: [
    { causal: "T", outputs: ["out", "h"] },
    { resumes: "T", states: "state" },
  ],
  run({ x, wU, bU, wH, bH, wP, bP, bn, state }, { T, M, N, A }, { theta, eps }) {
    const step = legendreStep(N, theta);
    const u = table([T], (t) => relu(sum(M, (m) => x(t, m) * wU(m, 0)) + bU(0)));
    const memory = scan(T, table([N], state), (before, t) =>
      table([N], (i) => sum(N, (j) => step(i, j) * before(j)) + step(i, N) * u(t)),
    );
    const h = table([T, A], (t, a) =>
      relu(sum(N, (i) => memory(t + 1)(i) * wH(i, a)) + sum(M, (m) => x(t, m) * wH(N + m, a)) + bH(a)),
    );
    const projected = (t: number, j: number) => sum(A, (a) => h(t, a) * wP(a, j)) + bP(j);
    return {
      out: (t, j) => (bn(0, j) * (projected(t, j) - bn(2, j))) / Math.sqrt(bn(3, j) + eps) + bn(1, j),
      h,
      state: memory(T),
    };
  },
});
