import { choice, clamp, flag, integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * The disentangled attention of DeBERTa: beside content to content, the query's content meets a vector of the
 * distance, and the key's content meets another. He et al. 2020, arXiv:2006.03654 (v1, v2); He et al. 2021,
 * arXiv:2111.09543 (v3).
 *
 * $$ z_{t,s} = \frac{q_t \cdot k_s + q_t \cdot k^r_{\delta(t,s)} + k_s \cdot q^r_{\delta(t,s)}}{\sqrt{f D}}, \quad
 *    k^r_i = r_i W^{rK} + b^{rK}, \quad q^r_i = r_i W^{rQ} + b^{rQ}, \quad
 *    \delta(t, s) = \operatorname{clip}(\beta(t - s) + K,\, 0,\, 2K - 1) $$
 *
 * for each head, of a table $r$ with $P = 2K$ rows. $f$ counts the terms in use: 1 and each of `c2p` (the second) and
 * `p2c` (the third). $\beta$ is the identity, or with a finite `maxPosition` $N$ buckets that grow with the distance
 * (v2, v3): with $m = \lfloor K/2 \rfloor$ it is $\beta(j) = j$ for $|j| \le m$, else $\operatorname{sign}(j)\bigl(m +
 * \lceil \ln(|j|/m) / \ln((N-1)/m) \cdot (m-1) \rceil\bigr)$, in float64 as written. The paper's third term takes
 * $\delta(s, t)$; every official version computes $\delta(t, s)$, and so does this page unless `p2cIndex` is `paper`.
 * With `shareAttKey` (v3) the table goes through the weights and biases of the content. v1 has no bias on keys and on
 * $k^r$. A layer norm on the table (v2, v3) comes before, the output layer after. A query whose keys are all masked
 * gets zeros, as in the authors' code; Hugging Face's gives it the mean of all values. Cost: $O(T^2 H (D + E))$ beside
 * the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into
 * heads, the table's length is odd, `maxPosition` leaves no room for buckets, or a projection of the table is missing
 * or not used.
 */
export const disentangledAttention = mechanism({
  id: "positional/disentangled-attention",
  name: "Disentangled attention (DeBERTa)",
  paper: "He et al., 2020, arXiv:2006.03654; He et al., 2021, arXiv:2111.09543",
  code: "huggingface/transformers src/transformers/models/deberta_v2/modeling_deberta_v2.py:DisentangledSelfAttention, make_log_bucket_position",
  inputs: {
    hidden: "T M",
    wQ: "M (H D)",
    bQ: "(H D) = 0",
    wK: "M (H D)",
    bK: "(H D) = 0",
    wV: "M (H E)",
    bV: "(H E) = 0",
    relTable: "P M",
    wPk: "M (H D) = none",
    bPk: "(H D) = 0",
    wPq: "M (H D) = none",
    bPq: "(H D) = 0",
    mask: "T T = 1",
  },
  outputs: { out: "T (H E)" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    c2p: flag(true, "the term of the query's content and the distance"),
    p2c: flag(true, "the term of the key's content and the distance"),
    p2cIndex: choice(["code", "paper"], "whether the third term takes the distance as the second does, or reversed"),
    shareAttKey: flag(false, "the table goes through the weights of the content"),
    maxPosition: integer(Number.POSITIVE_INFINITY, "N, the distance that the last bucket reaches", {
      min: 3,
      tried: [4, 5, 8],
    }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { P: [2, 4, 6, 8] },
  requires: {
    "P must be even": (n) => n.P % 2 === 0,
    "maxPosition must exceed P/4 + 1, and P be at least 4": (n, o) =>
      o.maxPosition === Number.POSITIVE_INFINITY || (n.P >= 4 && o.maxPosition > Math.floor(n.P / 4) + 1),
    "wPk belongs to c2p without shareAttKey": (_, o, given) => given.wPk === (o.c2p && !o.shareAttKey),
    "wPq belongs to p2c without shareAttKey": (_, o, given) => given.wPq === (o.p2c && !o.shareAttKey),
    "bPk and bPq belong to wPk and wPq": (_, __, given) => !((given.bPk && !given.wPk) || (given.bPq && !given.wPq)),
  },
  domain: { mask: "boolean" },
  properties: [{ linear: ["wV", "bV"] }],
  run(
    { hidden, wQ, bQ, wK, bK, wV, bV, relTable, wPk, bPk, wPq, bPq, mask },
    { T, M, H, D, E, P },
    { c2p, p2c, p2cIndex, shareAttKey, maxPosition },
  ) {
    type Rows = (t: number, m: number) => number;
    type Weight = (m: number, h: number, d: number) => number;
    type Bias = (h: number, d: number) => number;
    const project = (n: number, x: Rows, width: number, w: Weight, b: Bias) =>
      table([n, H, width], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)) + b(h, d));
    const q = project(T, hidden, D, wQ, bQ);
    const k = project(T, hidden, D, wK, bK);
    const v = project(T, hidden, E, wV, bV);
    const kr = shareAttKey ? project(P, relTable, D, wK, bK) : c2p ? project(P, relTable, D, wPk, bPk) : undefined;
    const qr = shareAttKey ? project(P, relTable, D, wQ, bQ) : p2c ? project(P, relTable, D, wPq, bPq) : undefined;
    const K = P / 2;
    const middle = Math.floor(K / 2);
    const bucket = (j: number) => {
      if (maxPosition === Number.POSITIVE_INFINITY || Math.abs(j) <= middle) return j;
      const far = Math.log(Math.abs(j) / middle) / Math.log((maxPosition - 1) / middle);
      return Math.sign(j) * (middle + Math.ceil(far * (middle - 1)));
    };
    const delta = table([T, T], (t, s) => clamp(bucket(t - s) + K, 0, 2 * K - 1));
    const f = 1 + (c2p ? 1 : 0) + (p2c ? 1 : 0);
    const score = (t: number, s: number, h: number) => {
      const [i, j] = [delta(t, s), p2cIndex === "code" ? delta(t, s) : delta(s, t)];
      const content = sum(D, (d) => q(t, h, d) * k(s, h, d));
      const contentToPlace = c2p && kr ? sum(D, (d) => q(t, h, d) * kr(i, h, d)) : 0;
      const placeToContent = p2c && qr ? sum(D, (d) => k(s, h, d) * qr(j, h, d)) : 0;
      return (content + contentToPlace + placeToContent) / Math.sqrt(f * D);
    };
    const weights = table([T, H], (t, h) =>
      softmax(
        range(T).filter((s) => mask(t, s)),
        (s) => score(t, s, h),
      ),
    );
    return { out: (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)) };
  },
});
