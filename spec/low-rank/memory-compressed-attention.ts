import { choice, flag, mechanism, range, silu, softmax, sum, table } from "../page.ts";

/**
 * Memory-compressed attention: a convolution whose stride is its length, 3 in the paper, merges every few neighbouring
 * keys, and likewise values, into one. Liu et al. 2018, arXiv:1801.10198. One head.
 *
 * $$ k'_j = \sum_{r=0}^{K-1} k_{Kj+r-p}\, C^K_r + b^K, \quad v'_j = \sum_{r=0}^{K-1} v_{Kj+r-p}\, C^V_r + b^V, \quad
 *    o_i = \sum_j \operatorname{softmax}_{j}\Bigl(\frac{q_i \cdot k'_j W^K}{\sqrt D}\Bigr)\, v'_j W^V $$
 *
 * The paper leaves the ends open; there are two public readings. `pad`, as in lucidrains' package: $p = -T \bmod K$
 * zeros stand before the first token, so $\lceil T/K \rceil$ blocks; with `causal` query $i$ sees the blocks whose last
 * token is not after it and one more place with the score 0 and the value 0, so that none sees nothing. $W^K$ and $W^V$
 * are the identity, as $k$ and $v$ are already projected. `t2t` (tensor2tensor): $p = 0$ and the rest of $T/K$ is
 * dropped; before the blocks stands token 0, not compressed; with `causal` a query sees the blocks whose last token is
 * before it, and always token 0. There one convolution compresses the tokens themselves ($k = v = x$), and the
 * projections $W^K$, $W^V$ come after. `silu` then acts on the compressed blocks. Cost: $O(T^2 (D + E) / K)$ beside the
 * convolutions.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const memoryCompressedAttention = mechanism({
  id: "low-rank/memory-compressed-attention",
  name: "Memory-compressed attention",
  paper: "Liu et al., 2018, arXiv:1801.10198",
  code: "tensorflow/tensor2tensor tensor2tensor/layers/common_attention.py:multihead_self_attention_reduced",
  inputs: {
    q: "T D",
    k: "T M",
    v: "T Mc",
    convK: "K M M",
    convV: "K Mc Mc",
    biasK: "M = 0",
    biasV: "Mc = 0",
    wK: "M D = identity",
    wV: "Mc E = identity",
  },
  outputs: { out: "T E" },
  options: {
    variant: choice(["pad", "t2t"], "zeros before the first token, or the first token apart and the rest dropped"),
    causal: flag(false, "a query sees only blocks that have ended"),
    nonlinearity: choice(["none", "silu"], "what acts on the compressed blocks"),
  },
  tried: { T: [1, 2, 5, 6, 9], K: [1, 2, 3] },
  properties: [
    { linear: "wV" },
    { linear: ["v", "biasV"], when: (_, o) => o.nonlinearity === "none" },
    { causal: "T", when: (n, o) => o.causal && (o.variant === "t2t" || n.K === 1) },
  ],
  run({ q, k, v, convK, convV, biasK, biasV, wK, wV }, { T, M, Mc, D, E, K }, { variant, causal, nonlinearity }) {
    const t2t = variant === "t2t";
    const pad = t2t ? 0 : (K - (T % K)) % K;
    const blocks = Math.floor((T + pad) / K);
    const act = (a: number) => (nonlinearity === "silu" ? silu(a) : a);
    type Rows = (t: number, m: number) => number;
    const memory = (
      x: Rows,
      width: number,
      kernel: (r: number, c: number, m: number) => number,
      bias: (m: number) => number,
    ) => {
      const token = (t: number, c: number) => (t < 0 ? 0 : x(t, c));
      const block = (j: number, m: number) =>
        sum(K, (r) => sum(width, (c) => token(K * j + r - pad, c) * kernel(r, c, m))) + bias(m);
      return table([blocks + 1, width], (u, m) => (u === 0 ? x(0, m) : act(block(u - 1, m))));
    };
    const [keyMemory, valueMemory] = [memory(k, M, convK, biasK), memory(v, Mc, convV, biasV)];
    const keys = table([blocks + 1, D], (u, d) => sum(M, (m) => keyMemory(u, m) * wK(m, d)));
    const values = table([blocks + 1, E], (u, e) => sum(Mc, (m) => valueMemory(u, m) * wV(m, e)));

    const last = (u: number) => K * u - 1 - pad;
    const visible = (i: number, u: number) => !causal || (t2t ? last(u) < i : last(u) <= i);
    const seen = (i: number) => range(t2t ? 0 : 1, blocks + 1).filter((u) => visible(i, u));
    const zeroPlace = causal && !t2t ? 0 : Number.NEGATIVE_INFINITY;
    const weights = table([T], (i) =>
      softmax(seen(i), (u) => sum(D, (d) => q(i, d) * keys(u, d)) / Math.sqrt(D), zeroPlace),
    );
    return { out: (i, e) => sum(weights(i), (u, w) => w * values(u, e)) };
  },
});
