import { integer, layerNorm, mechanism, relu, softmax, sum, table } from "../page.ts";

/**
 * Induced set attention block (ISAB) of the Set Transformer: learned inducing points attend to the set, and the set
 * attends to what they gathered, so that the cost is linear in the size of the set. Lee et al. 2019, arXiv:1810.00825.
 *
 * $$ h = \operatorname{MAB}_0(I, X), \quad o = \operatorname{MAB}_1(X, h) $$
 * $$ \operatorname{MAB}(Q, K): \quad
 *    a = \operatorname{LN}_0\Bigl(q +
 *    \bigl\Vert_j \operatorname{softmax}\Bigl(\frac{q_j \cdot k_j}{\sqrt A}\Bigr) v_j\Bigr), \quad
 *    \operatorname{LN}_1\bigl(a + \operatorname{ReLU}(a W_O + b_O)\bigr) $$
 *
 * $q$, $k$, $v$ are $Q W_Q + b_Q$, $K W_K + b_K$, $K W_V + b_V$, of width $A$ in `heads` neighbouring parts. Two things
 * are as in the authors' code and not in the paper's formulas: the scale is that of the full width, not of a head, and
 * the residual is the projected query. There are layer norms ($\varepsilon = 10^{-5}$) only if `gain` is given, whose
 * axes are block 0 or 1, norm 0 or 1, feature. Weights that have one shape in both blocks stand in one tensor, block
 * first. Queries of block 0 are the inducing points, of width $A$; the keys of block 1 are $h$. `bK` moves all scores
 * of a query alike and so changes nothing. Cost: $O(T G A)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $A$ is no multiple of the heads, or
 * `shift` is given without `gain`.
 */
export const setTransformerIsab = mechanism({
  id: "low-rank/set-transformer-isab",
  name: "Induced set attention block (ISAB)",
  paper: "Lee et al., 2019, arXiv:1810.00825",
  code: "juho-lee/set_transformer modules.py:ISAB",
  inputs: {
    x: "T M",
    inducing: "G A",
    wQ0: "A A",
    wK0: "M A",
    wV0: "M A",
    wQ1: "M A",
    wK1: "A A",
    wV1: "A A",
    wO: "2 A A",
    bQ: "2 A = 0",
    bK: "2 A = 0",
    bV: "2 A = 0",
    bO: "2 A = 0",
    gain: "2 2 A = none",
    shift: "2 2 A = 0",
  },
  outputs: { out: "T A", h: "G A" },
  options: { heads: integer(4, "the number of heads", { min: 1, tried: [1, 2] }) },
  tried: { A: [1, 2, 4] },
  requires: {
    "A must be a multiple of heads": (n, o) => n.A % o.heads === 0,
    "shift needs gain": (_, _o, given) => given.gain || !given.shift,
  },
  properties: [{ equivariant: "T" }, { unordered: "G", outputs: ["out"] }],
  run(
    { x, inducing, wQ0, wK0, wV0, wQ1, wK1, wV1, wO, bQ, bK, bV, bO, gain, shift },
    { T, M, G, A },
    { heads },
    given,
  ) {
    type Rows = (t: number, a: number) => number;
    const width = A / heads;
    const projected = (n: number, inner: number, rows: Rows, w: Rows, b: (a: number) => number) =>
      table([n, A], (t, a) => sum(inner, (m) => rows(t, m) * w(m, a)) + b(a));
    const norm = (block: number, place: number, n: number, rows: Rows): Rows => {
      if (!given.gain) return rows;
      const normed = table([n], (t) => layerNorm(A, (a) => rows(t, a), 1e-5));
      return table([n, A], (t, a) => normed(t)(a) * gain(block, place, a) + shift(block, place, a));
    };
    const attend = (block: number, nq: number, nk: number, q: Rows, k: Rows, v: Rows): Rows => {
      const weights = table([nq, heads], (t, j) =>
        softmax(nk, (s) => sum(width, (d) => q(t, j * width + d) * k(s, j * width + d)) / Math.sqrt(A)),
      );
      const mixed = (t: number, a: number) => sum(weights(t, Math.floor(a / width)), (s, w) => w * v(s, a));
      const a = norm(
        block,
        0,
        nq,
        table([nq, A], (t, c) => q(t, c) + mixed(t, c)),
      );
      const fed = (t: number, c: number) => relu(sum(A, (i) => a(t, i) * wO(block, i, c)) + bO(block, c));
      return norm(
        block,
        1,
        nq,
        table([nq, A], (t, c) => a(t, c) + fed(t, c)),
      );
    };
    const bias = (b: Rows, block: number) => (a: number) => b(block, a);
    const h = attend(
      0,
      G,
      T,
      projected(G, A, inducing, wQ0, bias(bQ, 0)),
      projected(T, M, x, wK0, bias(bK, 0)),
      projected(T, M, x, wV0, bias(bV, 0)),
    );
    const out = attend(
      1,
      T,
      G,
      projected(T, M, x, wQ1, bias(bQ, 1)),
      projected(G, A, h, wK1, bias(bK, 1)),
      projected(G, A, h, wV1, bias(bV, 1)),
    );
    return { out, h };
  },
});
