import { integer, mean, mechanism, real, sum, table } from "../page.ts";

/**
 * Gaussian-similarity positional encoding: a table whose rows are as similar as a Gaussian of their distance says, so
 * that an attention score tells how near two places are; a place in a grid is encoded by the rows of its coordinates
 * side by side. Fang et al. 2024, "OAT: Object-Level Attention Transformer for Gaze Scanpath Prediction" (ECCV).
 *
 * $$ y_t = \bigl(w_{i_{t,0}} \,\Vert\, w_{i_{t,1}} \,\Vert\, w_{i_{t,2}}\bigr)_{0 \ldots e-1}, \quad
 *    \mathcal L = \sum_{i,j} \Bigl(\frac{w_i \cdot w_j}{\lVert w_i \rVert \lVert w_j \rVert} - e^{-(i-j)^2 / 2\sigma^2}\Bigr)^2
 *    + \operatorname{mean}_i \bigl(\lVert w_i \rVert - \operatorname{mean}_j \lVert w_j \rVert\bigr)^2 $$
 *
 * The three indices are row, column and kind of the object. The table $w$ (in the paper 14 rows of 86, for codes 256
 * wide) is what gradient descent finds for $\mathcal L$ from a random start: it is unique up to a rotation at best, so
 * it is an input here, and `loss` says how well it fits. The code divides $\mathcal L$ by $P(P - 1)$, which moves no
 * minimum. Four indices behind the table, $P$ to $P + 3$, are special tokens and encode as zeros. The rows are used as
 * fitted, not normalised. A row of norm below $10^{-12}$ counts as that long. The code is set beside the features of
 * the object; tokens of the decoder have the sinusoid of their step added. Cost: $O(T e + P^2 D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, an index lies beyond the special
 * tokens or $e$ is larger than $3D$.
 */
export const gaussianSimilarityPositionalTable = mechanism({
  id: "positional/gaussian-similarity-positional-table",
  name: "Gaussian-similarity positional encoding (distance-preserving table)",
  paper: "Fang et al., 2024, OAT: Object-Level Attention Transformer for Gaze Scanpath Prediction, ECCV",
  code: "HKUST-NISL/oat_eccv24 src/model/positionalEncoding.py:calculate3DPositional_learned; src/model/positionalEncodingLearned.py",
  inputs: { index: "T 3", w: "P D" },
  outputs: { out: "T E", loss: "" },
  options: {
    e: integer((n: { D: number }) => 3 * n.D, "the width of the code, of 3D at most", { min: 1, tried: [1, 2, 3] }),
    sigma: real(2, "σ, the distance at which rows are e^(−1/2) alike", { above: 0, tried: [0.5] }),
  },
  axes: { E: (_, o) => o.e },
  requires: { "e must be at most 3·D": (n, o) => o.e <= 3 * n.D },
  domain: { index: { integers: [0, (n: { P: number }) => n.P + 3] } },
  properties: [
    { linear: "w", outputs: ["out"] },
    { independent: "T", outputs: ["out"] },
    { even: "w", outputs: ["loss"] },
  ],
  run({ index, w }, { P, D }, { sigma }) {
    const row = (i: number, d: number) => (i < P ? w(i, d) : 0);
    const norm = table([P], (i) => Math.sqrt(sum(D, (d) => w(i, d) ** 2)));
    const unit = table([P, D], (i, d) => w(i, d) / Math.max(norm(i), 1e-12));
    const cosine = (i: number, j: number) => sum(D, (d) => unit(i, d) * unit(j, d));
    const wanted = (i: number, j: number) => Math.exp(-((i - j) ** 2) / (2 * sigma ** 2));
    const usual = mean(P, norm);
    return {
      out: (t, e) => row(index(t, Math.floor(e / D)), e % D),
      loss: () =>
        sum(P, (i) => sum(P, (j) => (cosine(i, j) - wanted(i, j)) ** 2)) + mean(P, (i) => (norm(i) - usual) ** 2),
    };
  },
});
