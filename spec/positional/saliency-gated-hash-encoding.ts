import { integer, mechanism, real, relu, sum, table } from "../page.ts";

/**
 * Multiresolution hash encoding with a saliency gate: a point of the unit cube is described by learned vectors at the
 * corners of the cells it lies in, on grids finer from level to level, whose corners share a table by hashing; a coarse
 * learned grid says how much of it counts. Müller et al. 2022 (Instant-NGP), arXiv:2201.05989, §3, for the encoding;
 * Xie et al. 2023 (HollowNeRF) for the gate.
 *
 * $$ y_l = m(x) \sum_{o \in \{0,1\}^3} \Bigl(\prod_a \beta_a^{o_a} (1 - \beta_a)^{1 - o_a}\Bigr)\,
 *    E_{l,\,\eta_l(\kappa + o)}, \quad
 *    \kappa_a = \min(\lfloor x_a N_l \rfloor, N_l - 1), \quad \beta = x N_l - \kappa, \quad
 *    N_l = \lfloor N_{\min} b^l \rfloor $$
 * $$ \eta_l(c) = \begin{cases} c_0 + c_1 (N_l + 1) + c_2 (N_l + 1)^2 & (N_l + 1)^3 \le P \\
 *    (c_0 \oplus 2654435761\, c_1 \oplus 805459861\, c_2) \bmod P
 *    & \text{otherwise, the products modulo } 2^{32} \end{cases} $$
 *
 * $m(x)$ is the interpolation of relu of the gate grid, cut at 1; its corners stand at $i/(Y - 1)$. A coordinate of 1
 * is the far corner of the last cell. At a corner the description is the stored row. The paper's form is followed; its
 * CUDA code is known to shift the grid by half a cell. Cost: $O(N L E)$ with eight corners each.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a coordinate lies outside [0, 1], or
 * the gate grid has fewer than two places.
 */
export const saliencyGatedHashEncoding = mechanism({
  id: "positional/saliency-gated-hash-encoding",
  name: "Multiresolution hash encoding with saliency gate",
  paper: "Müller et al., 2022, arXiv:2201.05989",
  ours: "the gate multiplies the finished features of all levels, is cut at 1 after interpolating, and its grid reaches from face to face of the cube; a coordinate of 1 belongs to the last cell",
  inputs: { x: "N 3", tables: "L P E", saliency: "Y Y Y" },
  outputs: { out: "N (L E)" },
  options: {
    nMin: integer(16, "cells along an edge at the coarsest level", { min: 1, tried: [1, 2, 3] }),
    b: real(1.38, "how much finer each level is than the one before", { min: 1, tried: [2] }),
  },
  tried: { P: [5, 8, 27, 70], Y: [2, 3], L: [1, 2, 3] },
  requires: { "saliency must have Y at least 2": (n) => n.Y >= 2 },
  domain: { x: { within: [0, 1] }, saliency: { usual: [-1, 2] } },
  properties: [{ linear: "tables" }, { independent: "N" }],
  run({ x, tables, saliency }, { N, P, Y }, { nMin, b }) {
    const interpolate = (n: number, cells: number, value: (i: number, j: number, k: number) => number) => {
      const cell = (a: number) => Math.min(Math.floor(x(n, a) * cells), cells - 1);
      const share = (a: number, corner: number) =>
        corner === 1 ? x(n, a) * cells - cell(a) : 1 + cell(a) - x(n, a) * cells;
      return sum(2, (i) =>
        sum(2, (j) =>
          sum(2, (k) => share(0, i) * share(1, j) * share(2, k) * value(cell(0) + i, cell(1) + j, cell(2) + k)),
        ),
      );
    };
    const cells = (l: number) => Math.floor(nMin * b ** l);
    const hash = (i: number, j: number, k: number) => (i ^ Math.imul(j, 2654435761) ^ Math.imul(k, 805459861)) >>> 0;
    const row = (side: number, i: number, j: number, k: number) =>
      side ** 3 <= P ? i + j * side + k * side ** 2 : hash(i, j, k) % P;
    const gate = table([N], (n) =>
      Math.min(
        interpolate(n, Y - 1, (i, j, k) => relu(saliency(i, j, k))),
        1,
      ),
    );
    return {
      out: (n, l, e) => gate(n) * interpolate(n, cells(l), (i, j, k) => tables(l, row(cells(l) + 1, i, j, k), e)),
    };
  },
});
