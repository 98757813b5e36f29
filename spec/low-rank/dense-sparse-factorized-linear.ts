import { integer, largest, mechanism, range, sum, table } from "../page.ts";

/**
 * Dense-sparse factorised linear layer (DSFormer): the weight is the product of a small dense and a semi-structured
 * sparse matrix, which keeps some entries of each group of rows in each column. Chand et al. 2023, arXiv:2312.13211.
 *
 * $$ y_t = x_t\, D\, S + b, \quad
 *    S_{r,j} = \begin{cases} \tilde S_{r,j} & r \text{ is among the } n \text{ of its group with the largest } |\tilde S_{\cdot,j}| \\
 *    0 & \text{else} \end{cases} $$
 *
 * A group is $g$ = `group` neighbouring rows of one column, $n$ = `keep`; of entries equal in size the first is kept.
 * All rows are one group unless given, and all entries are kept: then it is a plain low-rank layer. With $D = I$ it is
 * a dense layer of sparse weight. In training the straight-through factoriser passes the gradient of $S$ to all of
 * $\tilde S$; the result is that of this page. The paper factorises the blocks of a weight one by one. `sparse` is $S$.
 * Cost: $O(T M R + T R M_o\, n/g)$ if the zeros are left out.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the rows do not divide into
 * groups.
 */
export const denseSparseFactorizedLinear = mechanism({
  id: "low-rank/dense-sparse-factorized-linear",
  name: "Dense-sparse factorised linear layer (DSFormer)",
  paper: "Chand et al., 2023, arXiv:2312.13211",
  ours: "the abstract says semi-structured without saying how; groups of neighbouring rows within a column are chosen here",
  inputs: { x: "T M", d: "M R", sLatent: "R Mo", b: "Mo = 0" },
  outputs: { out: "T Mo", sparse: "R Mo" },
  options: {
    group: integer((n: { R: number }) => n.R, "g, how many neighbouring rows compete", { min: 1, tried: [1, 2, 3] }),
    keep: integer(Number.POSITIVE_INFINITY, "n, how many entries of a group are kept; infinite means all", {
      min: 0,
      tried: [0, 1, 2],
    }),
  },
  tried: { R: [1, 2, 4, 6] },
  requires: { "R must be a multiple of group": (n, o) => n.R % o.group === 0 },
  properties: [
    { linear: "x", outputs: ["out"], when: (_, _o, given) => !given.b },
    { linear: ["d", "b"], outputs: ["out"] },
    { independent: "T", outputs: ["out"] },
    { independent: "Mo" },
  ],
  run({ x, d, sLatent, b }, { T, R, Mo, M }, { group, keep }) {
    const rows = (g: number) => range(g * group, (g + 1) * group);
    const kept = table([R / group, Mo], (g, j) => largest(keep, rows(g), (r) => Math.abs(sLatent(r, j))));
    const sparse = table([R, Mo], (r, j) => (kept(Math.floor(r / group), j).includes(r) ? sLatent(r, j) : 0));
    const low = table([T, R], (t, r) => sum(M, (m) => x(t, m) * d(m, r)));
    return { out: (t, j) => sum(R, (r) => low(t, r) * sparse(r, j)) + b(j), sparse };
  },
});
