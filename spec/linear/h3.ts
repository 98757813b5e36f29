import { integer, mechanism, sum, table } from "../page.ts";

/**
 * H3, "hungry hungry hippos": linear attention with two state-space models in it. The keys pass a short filter, so that
 * a token can be compared with the ones before it; the products of keys and values pass a long one, which is the memory
 * that the query reads. Fu et al. 2022, arXiv:2212.14052.
 *
 * $$ k'_t = \sum_{l < \min(N, t + 1)} \Bigl(\sum_{j < N - l} B_j C_{j + l}\Bigr) k_{t - l} + D^K k_t, \quad
 *    Z_{t,h} = \sum_{s \le t} K_{h, t - s}\, k'_{s,h} v_{s,h}^\top + D_h\, k'_{t,h} v_{t,h}^\top, \quad
 *    y_{t,h} = Z_{t,h}^\top q_{t,h} $$
 *
 * $q$, $k$, $v$ are projections of the tokens. The shift model has $N$ states which hold the last $N$ keys; it has a
 * learned input vector $B$ beside $C$, so its taps are sums of products, and $C$ alone only where $B$ is
 * $(1, 0, …, 0)$, as at the start of training. The long kernel $K$ is `kDiag`, that of a diagonal model such as S4D's;
 * all entries of a head's matrix share it. Any kernel does, so this page has no state to hand over. As in the official
 * code a head's $D$ features stand side by side in $q$, $k$ and $v$, but are spread in the result, which the output
 * projection reads as $(j, h)$, $h$ fastest. Cost: $O(T^2 H D^2)$ as written, FFTs in the code.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const h3 = mechanism({
  id: "linear/h3",
  name: "H3 (hungry hungry hippos)",
  paper: "Fu et al., 2022, arXiv:2212.14052",
  code: "HazyResearch/H3 src/models/ssm/h3.py:H3",
  inputs: {
    u: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H D)",
    wO: "(D H) Mo",
    bQ: "(H D) = 0",
    bK: "(H D) = 0",
    bV: "(H D) = 0",
    bO: "Mo = 0",
    bShift: "(H D) N",
    cShift: "(H D) N",
    dK: "(H D) = 0",
    kDiag: "H T",
    d: "H = 0",
  },
  outputs: { out: "T Mo" },
  options: { headDim: integer(1, "D, features of a head", { min: 1, tried: [1, 2, 3] }) },
  axes: { D: (_, o) => o.headDim },
  properties: [
    { causal: "T" },
    { linear: ["wO", "bO"] },
    { linear: ["wV", "bV"], when: (_, __, given) => !given.bO },
    { linear: ["kDiag", "d"], when: (_, __, given) => !given.bO },
  ],
  run({ u, wQ, wK, wV, wO, bQ, bK, bV, bO, bShift, cShift, dK, kDiag, d }, { T, M, H, D, N }) {
    const project = (w: typeof wQ, b: typeof bQ) =>
      table([T, H, D], (t, h, i) => sum(M, (m) => u(t, m) * w(m, h, i)) + b(h, i));
    const [q, k, v] = [project(wQ, bQ), project(wK, bK), project(wV, bV)];
    const tap = table([H, D, N], (h, i, l) => sum(N - l, (j) => bShift(h, i, j) * cShift(h, i, j + l)));
    const shifted = table(
      [T, H, D],
      (t, h, i) => sum(Math.min(N, t + 1), (l) => tap(h, i, l) * k(t - l, h, i)) + dK(h, i) * k(t, h, i),
    );
    const kv = (t: number, h: number, i: number, j: number) => shifted(t, h, i) * v(t, h, j);
    const Z = (t: number, h: number, i: number, j: number) =>
      sum(t + 1, (s) => kDiag(h, t - s) * kv(s, h, i, j)) + d(h) * kv(t, h, i, j);
    const y = table([T, D, H], (t, j, h) => sum(D, (i) => q(t, h, i) * Z(t, h, i, j)));
    return { out: (t, m) => sum(D, (j) => sum(H, (h) => y(t, j, h) * wO(j, h, m))) + bO(m) };
  },
});
