import {
  integer,
  type Matrix,
  matrixProduct,
  maximum,
  mean,
  mechanism,
  range,
  scan,
  softmax,
  sum,
  table,
} from "../page.ts";

/**
 * Nyströmformer attention: the softmax matrix is approximated through a few landmarks, the means of neighbouring
 * queries and of neighbouring keys, and a pseudo-inverse found by iteration. Xiong et al. 2021, arXiv:2102.03902. One
 * head; a batch or the heads stand on a leading axis.
 *
 * $$ o = F\, Z\, (B v) + \text{conv}(\mu v), \quad F = \operatorname{softmax}(q \tilde k^\top), \quad
 *    A = \operatorname{softmax}(\tilde q \tilde k^\top), \quad B = \operatorname{softmax}(\tilde q k^\top) $$
 * $$ Z_0 = \frac{A^\top}{\max_j \sum_i A_{ij}}, \quad
 *    Z_{n+1} = \tfrac14 Z_n \bigl(13 I - A Z_n (15 I - A Z_n (7 I - A Z_n))\bigr), \quad Z = Z_{\text{iters}} $$
 *
 * $q$ and $k$ are first multiplied by $D^{-1/4}$ and, where `keyMask` $\mu$ is false, set to zero; these zeros count in
 * the landmarks' means and as queries. $B$ runs over the unmasked keys. Where the landmarks $G$ do not divide the
 * tokens, segments of $\lfloor T/G \rfloor$ come first and those of one more last. With no more tokens than landmarks
 * it is softmax attention, whose sums, like those of $B$, are zero where all keys are masked. `conv` is a filter over
 * the masked values, alike for all features. Rows of $A$ sum to 1, so the divisor is the product of both norms of $A$.
 * The official code takes its maximum over the batch and all heads unless an option says otherwise, whose key is
 * misspelt, so that these act on one another; this page takes each by itself. CAB's copy scales $q$ and $k$ by
 * $D^{-1/2}$ each. Not causal.
 * Cost: $O(T G (D + E) + G^3 \cdot \text{iters})$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $K$ is even.
 */
export const nystromformerAttention = mechanism({
  id: "low-rank/nystromformer-attention",
  name: "Nyströmformer attention",
  paper: "Xiong et al., 2021, arXiv:2102.03902",
  code: "mlpen/Nystromformer code/attention_nystrom.py:NystromAttention",
  inputs: { q: "T D", k: "T D", v: "T E", keyMask: "T = 1", conv: "K = none" },
  outputs: { out: "T E" },
  options: {
    landmarks: integer(64, "G, the number of landmarks", { min: 1, tried: [1, 2, 3] }),
    iters: integer(6, "steps of the iteration to the pseudo-inverse", { min: 0, max: 100, tried: [0, 1, 12] }),
  },
  domain: { keyMask: "boolean" },
  tried: { T: [1, 2, 5, 6, 9], K: [1, 3, 5] },
  requires: { "K must be odd": (n, _, given) => !given.conv || n.K % 2 === 1 },
  properties: [{ linear: "v" }, { even: ["q", "k"] }],
  run({ q, k, v, keyMask, conv }, { T, D, E, K }, { landmarks: G, iters }, given) {
    const scaled = (x: Matrix) => table([T, D], (t, d) => (keyMask(t) * x(t, d)) / D ** 0.25);
    const [queries, keys] = [scaled(q), scaled(k)];
    const seen = range(T).filter((s) => keyMask(s));
    const attention = (rows: number, a: Matrix, over: readonly number[], b: Matrix) =>
      table([rows], (i) => softmax(over, (j) => sum(D, (d) => a(i, d) * b(j, d))));

    const segment = Math.floor(T / G);
    const start = (g: number) => g * segment + Math.max(0, g - (G * (segment + 1) - T));
    const landmarksOf = (x: Matrix) => table([G, D], (g, d) => mean(range(start(g), start(g + 1)), (t) => x(t, d)));
    const nystrom = () => {
      const [qMeans, kMeans] = [landmarksOf(queries), landmarksOf(keys)];
      const f = attention(T, queries, range(G), kMeans);
      const middle = attention(G, qMeans, range(G), kMeans);
      const b = attention(G, qMeans, seen, keys);
      const A = table([G, G], (i, j) => middle(i).of(j));
      const Z = pseudoInverse(A);
      const bv = table([G, E], (g, e) => sum(b(g), (s, w) => w * v(s, e)));
      const zbv = matrixProduct(G, G, E, Z, bv);
      return (t: number, e: number) => sum(f(t), (g, w) => w * zbv(g, e));
    };
    const pseudoInverse = (A: Matrix) => {
      const largest = maximum(G, (j) => sum(G, (i) => A(i, j)));
      const first = table([G, G], (i, j) => A(j, i) / largest);
      return scan(iters, first, (Z) => {
        const AZ = matrixProduct(G, G, G, A, Z);
        const less =
          (c: number, x: Matrix): Matrix =>
          (i, j) =>
            (i === j ? c : 0) - x(i, j);
        const inner = matrixProduct(G, G, G, AZ, less(7, AZ));
        const outer = matrixProduct(G, G, G, AZ, less(15, inner));
        const next = matrixProduct(G, G, G, Z, less(13, outer));
        return table([G, G], (i, j) => next(i, j) / 4);
      })(iters);
    };
    const exact = () => {
      const weights = attention(T, queries, seen, keys);
      return (t: number, e: number) => sum(weights(t), (s, w) => w * v(s, e));
    };
    const attended = T <= G ? exact() : nystrom();
    const near = (t: number) => range(K).filter((j) => seen.includes(t + j - (K - 1) / 2));
    return {
      out: (t, e) => attended(t, e) + (given.conv ? sum(near(t), (j) => conv(j) * v(t + j - (K - 1) / 2, e)) : 0),
    };
  },
});
