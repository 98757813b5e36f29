import { mechanism, numbers, product, real, rmsNorm, sigmoid, sum, table } from "../page.ts";

/**
 * Multi-dimensional Toeplitz position encoding by linear recurrence (MD-TPE) of LightNet: along every axis of a grid each head
 * keeps a running sum of the features that decays at its own rate; the axes are normed, projected and added.
 * Qin et al. 2024, arXiv:2405.21022.
 *
 * $$ S_{a,t} = \lambda_{a,h} S_{a,t - \epsilon_a} + k_{a,h} x_{t,h}^\top, \quad
 *    o_{a,t,h} = q_{a,h}^\top S_{a,t} = (q_{a,h} \cdot k_{a,h}) \sum_{j=0}^{c_a(t)} \lambda_{a,h}^j\, x_{t - j\epsilon_a,\,h}, \quad
 *    \lambda = \sigma(\mathrm{ld}) $$
 * $$ y_t = \sum_a \bigl(\gamma_a \odot \operatorname{RMSNorm}(o_{a,t})\bigr)\, W_a $$
 *
 * $t - \epsilon_a$ is the neighbour before $t$ on axis $a$ of the row-major `grid`, $c_a(t)$ the coordinate; before the border
 * there is nothing. $q$ and $k$ do not depend on the position. The norm runs over all heads together, and every axis has its
 * own weights, both as in the authors' later code. One axis is TPE. The norm takes the scale of $q \cdot k$ out again but for ε.
 * Cost: $O(T H D \sum_a n_a + A T M M_o)$ as written, a scan in the code.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the grid does not hold the tokens.
 */
export const mdTpe = mechanism({
  id: "positional/md-tpe",
  name: "Multi-dimensional Toeplitz position encoding (MD-TPE)",
  paper: "Qin et al., 2024, arXiv:2405.21022",
  code: "Doraemonzzz/xmixers xmixers/modules/pes/md/md_tpe.py:MdTpe",
  inputs: {
    x: "T (H D)",
    q: "L (H D)",
    k: "L (H D)",
    ld: "L H",
    gain: "L (H D) = 1",
    wO: "L (H D) Mo = identity",
  },
  outputs: { out: "T Mo" },
  options: {
    grid: numbers((n: { T: number }) => [n.T], "the length of every axis, the slowest first", {
      whole: true,
      tried: [
        [2, 2],
        [2, 3],
        [1, 2, 2],
      ],
    }),
    epsilon: real(1e-5, "ε of the norm", { min: 0, tried: [0.5] }),
  },
  axes: { L: (_, o) => o.grid.length },
  tried: { T: [1, 4, 6], H: [1, 2], D: [1, 2] },
  requires: {
    "the lengths of grid must be at least 1 and multiply to T": (n, o) =>
      o.grid.every((length) => length >= 1) && product(o.grid, (length) => length) === n.T,
  },
  properties: [{ linear: "wO", when: (_, __, given) => given.wO === true }],
  run({ x, q, k, ld, gain, wO }, { T, H, D, L }, { grid, epsilon }) {
    const places = (axis: number) => product(grid.slice(axis), (length) => length);
    const coordinate = (t: number, axis: number) => Math.floor((t % places(axis)) / places(axis + 1));
    const strength = table([L, H], (a, h) => sum(D, (d) => q(a, h, d) * k(a, h, d)));
    const lambda = table([L, H], (a, h) => sigmoid(ld(a, h)));
    const o = table(
      [L, T, H, D],
      (a, t, h, d) =>
        strength(a, h) * sum(coordinate(t, a) + 1, (j) => lambda(a, h) ** j * x(t - j * places(a + 1), h, d)),
    );
    const normed = table([L, T], (a, t) => rmsNorm(H * D, (i) => o(a, t, Math.floor(i / D), i % D), epsilon));
    return {
      out: (t, m) =>
        sum(L, (a) => sum(H, (h) => sum(D, (d) => gain(a, h, d) * normed(a, t)(h * D + d) * wO(a, h, d, m)))),
    };
  },
});
