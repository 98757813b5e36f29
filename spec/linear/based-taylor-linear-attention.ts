import { flag, integer, mechanism, real, scan, sum, table } from "../page.ts";

/**
 * The linear attention of Based: the exponential of softmax attention is replaced by its Taylor series up to the
 * square, which is a product of features of queries and keys. With the projections of the layer. Arora et al. 2024,
 * arXiv:2402.18668.
 *
 * $$ \phi(a) = \Bigl[1;\ D^{-1/4} a;\ \tfrac{1}{\sqrt{2 D}} \operatorname{vec}(a a^\top)\Bigr], \quad
 *    \phi(q) \cdot \phi(k) = 1 + u + \tfrac{u^2}{2}, \quad u = \frac{q \cdot k}{\sqrt D} $$
 * $$ S_t = S_{t-1} + \phi(k_t) v_t^\top, \quad z_t = z_{t-1} + \phi(k_t), \quad
 *    o_t = \frac{S_{n(t)}^\top \phi(q_t)}{\phi(q_t) \cdot z_{n(t)} + \varepsilon}, \quad y_t = \sum_h o_{t,h} W^O_h $$
 *
 * $q$, $k$, $v$ of head $h$ are $x$ times $W^Q_h$, $W^K_h$, $W^V_h$; $n(t)$ is $t$ itself, or the last token without
 * `causal`. The $N = 1 + D + D^2$ features hold $aa^\top$ in full, row by row. A weight is at least ½ before it is
 * divided. Models have $D = 16$ and alternate this layer with softmax attention over a window of 64 tokens. `state` $S$
 * and `z` go in and come out. In flash-linear-attention the parallel mode of this layer leaves out $1/\sqrt D$ and its
 * chunked mode does not; this page follows the authors' code. Cost: $O(T H D^2 E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const basedTaylorLinearAttention = mechanism({
  id: "linear/based-taylor-linear-attention",
  name: "Based linear attention (second-order Taylor features)",
  paper: "Arora et al., 2024, arXiv:2402.18668",
  code: "HazyResearch/based based/models/mixers/linear_attention.py:LinearAttention",
  inputs: {
    x: "T M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wO: "(H E) Mo",
    state: "H N E = 0",
    z: "H N = 0",
  },
  outputs: { out: "T Mo", state: "H N E", z: "H N" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    causal: flag(true, "token t sees only the tokens up to itself"),
    eps: real(1e-12, "ε, added to the denominator", { above: 0, tried: [0.3] }),
  },
  axes: { H: (_, o) => o.heads, N: (n) => 1 + n.D + n.D ** 2 },
  tried: { D: [1, 2, 3] },
  domain: { z: { usual: [0, 1] } },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: ["wV", "state"], outputs: ["out", "state"] },
    { equivariant: "T", when: (_, o) => !o.causal },
    { causal: "T", outputs: ["out"], when: (_, o) => o.causal },
    { resumes: "T", states: ["state", "z"], when: (_, o) => o.causal },
  ],
  run({ x, wQ, wK, wV, wO, state, z }, { T, M, H, D, E, N }, { causal, eps }) {
    const q = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)));
    const k = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wK(m, h, d)));
    const v = table([T, H, E], (t, h, e) => sum(M, (m) => x(t, m) * wV(m, h, e)));
    const taylor = (a: (t: number, h: number, d: number) => number) =>
      table([T, H, N], (t, h, i) => {
        const [row, column] = [Math.floor((i - 1) / D) - 1, (i - 1) % D];
        if (i === 0) return 1;
        return i <= D ? a(t, h, i - 1) / D ** 0.25 : (a(t, h, row) * a(t, h, column)) / Math.sqrt(2 * D);
      });
    const [phiQ, phiK] = [taylor(q), taylor(k)];
    const S = scan(T, table([H, N, E], state), (before, t) =>
      table([H, N, E], (h, i, e) => before(h, i, e) + phiK(t, h, i) * v(t, h, e)),
    );
    const Z = scan(T, table([H, N], z), (before, t) => table([H, N], (h, i) => before(h, i) + phiK(t, h, i)));
    const seen = (t: number) => (causal ? t + 1 : T);
    const o = table([T, H, E], (t, h, e) => {
      const size = sum(N, (i) => phiQ(t, h, i) * Z(seen(t))(h, i)) + eps;
      return sum(N, (i) => phiQ(t, h, i) * S(seen(t))(h, i, e)) / size;
    });
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))),
      state: S(T),
      z: Z(T),
    };
  },
});
