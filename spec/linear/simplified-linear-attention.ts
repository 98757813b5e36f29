import { integer, mechanism, real, relu, sum, table } from "../page.ts";

/**
 * Simplified linear attention (SLAB): linear attention of rectified queries and keys, plus a small convolution of the
 * values over the grid of tokens that all heads share. For a square image or window. Guo et al. 2024, arXiv:2405.11582.
 *
 * $$ q = \max(x W^Q + b^Q, 0), \quad k = \max(x W^K + b^K + e, 0), \quad v = x W^V + b^V $$
 * $$ o_{t,h} = \frac{\sum_s (q_{t,h} \cdot k_{s,h})\, v_{s,h}}{\sum_s q_{t,h} \cdot k_{s,h} + \varepsilon}
 *    + b^C + \sum_{i,j} C_{i,j} \odot v_{t + (i,j) - \frac{K-1}{2},\, h}, \quad y_t = o_t W^O + b^O $$
 *
 * $e$ is a learned position code of every token, added to the keys alone. `dwc` $C$ holds a $K$ by $K$ kernel for each
 * channel of a head (5 by 5 in the models), `dwcB` its bias; tokens lie row by row, and beyond the border the values
 * are 0. A query whose rectified features are all 0 gets the convolution alone. Cost: $O(T H D^2)$ beside the
 * projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, the channels do not divide into
 * heads, the tokens form no square, or the kernel has no middle.
 */
export const simplifiedLinearAttention = mechanism({
  id: "linear/simplified-linear-attention",
  name: "Simplified linear attention (SLAB)",
  paper: "Guo et al., 2024, arXiv:2405.11582",
  code: "xinghaochen/SLAB classification/models/slab_swin.py:SimplifiedLinearAttention",
  inputs: {
    x: "T (H D)",
    wQkv: "(H D) (3 H D)",
    bQkv: "(3 H D) = 0",
    e: "T (H D) = 0",
    dwc: "D K K = 0",
    dwcB: "D = 0",
    wO: "(H D) Mo",
    bO: "Mo = 0",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    eps: real(1e-6, "ε, added to the denominator", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 4, 9], K: [1, 3, 5], D: [1, 2, 3] },
  requires: {
    "T must be a square": (n) => Number.isInteger(Math.sqrt(n.T)),
    "K must be odd": (n, _, given) => !given.dwc || n.K % 2 === 1,
  },
  properties: [{ linear: ["wO", "bO"] }, { equivariant: "T", when: (_, __, given) => !given.dwc }],
  run({ x, wQkv, bQkv, e, dwc, dwcB, wO, bO }, { T, H, D, K }, { eps }) {
    const all = (f: (g: number, c: number) => number) => sum(H, (g) => sum(D, (c) => f(g, c)));
    const projected = (p: number, t: number, h: number, d: number) =>
      all((g, c) => x(t, g, c) * wQkv(g, c, p, h, d)) + bQkv(p, h, d);
    const q = table([T, H, D], (t, h, d) => relu(projected(0, t, h, d)));
    const k = table([T, H, D], (t, h, d) => relu(projected(1, t, h, d) + e(t, h, d)));
    const v = table([T, H, D], (t, h, d) => projected(2, t, h, d));
    const weight = table([T, T, H], (t, s, h) => sum(D, (d) => q(t, h, d) * k(s, h, d)));

    const [side, reach] = [Math.sqrt(T), (K - 1) / 2];
    const convolved = (t: number, h: number, d: number) =>
      sum(K, (i) =>
        sum(K, (j) => {
          const [row, column] = [Math.floor(t / side) + i - reach, (t % side) + j - reach];
          const inside = Math.min(row, column) >= 0 && Math.max(row, column) < side;
          return inside ? dwc(d, i, j) * v(row * side + column, h, d) : 0;
        }),
      );
    const size = table([T, H], (t, h) => sum(T, (s) => weight(t, s, h)) + eps);
    const o = table(
      [T, H, D],
      (t, h, d) => sum(T, (s) => weight(t, s, h) * v(s, h, d)) / size(t, h) + convolved(t, h, d) + dwcB(d),
    );
    return { out: (t, m) => all((h, d) => o(t, h, d) * wO(h, d, m)) + bO(m) };
  },
});
