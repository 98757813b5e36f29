import { flag, integer, maximum, mechanism, range, real, sum, table, weigh } from "../page.ts";

/** What is known of one query after some blocks of keys. */
interface Row {
  readonly top: number;
  readonly total: number;
  readonly sum: (e: number) => number;
}

/**
 * Tiled attention with online softmax: scaled dot-product attention computed one block of keys at a time, with a
 * running maximum and a running sum for each query, so that a kernel never holds a row of scores. Dao et al. 2022,
 * arXiv:2205.14135, algorithm 1; dividing once at the end as in Dao 2023, arXiv:2307.08691; the recurrence is Milakov
 * and Gimelshein's 2018, arXiv:1805.02867.
 *
 * $$ \mu' = \max\bigl(\mu, \max_{s \in B} x_{t,s}\bigr), \quad
 *    \ell' = e^{\mu - \mu'} \ell + \sum_{s \in B} e^{x_{t,s} - \mu'}, \quad
 *    a' = e^{\mu - \mu'} a + \sum_{s \in B} e^{x_{t,s} - \mu'} v_s $$
 * $$ x_{t,s} = \sigma\, q_t \cdot k_s + b_{t,s}, \quad \mu_0 = -\infty,\ \ell_0 = 0,\ a_0 = 0, \quad
 *    o_t = a / \ell, \quad \mathrm{lse}_t = \mu + \ln \ell $$
 *
 * Queries come in blocks of `blockQ`, keys in blocks of `blockK`, the last of each perhaps shorter. A tile in which no
 * query sees a key is skipped: `tiles` is 1 for those computed. Nothing else depends on the block sizes: `out` and
 * `lse` are those of scaled-dot-product-attention to rounding. Keys are seen as there: `mask`, −∞ in `bias`, and
 * $s \le t + T_k - T_q$ if `causal`. A query that sees no key gets zeros and −∞. Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const flashAttention = mechanism({
  id: "core/flash-attention",
  name: "Tiled attention with online softmax (FlashAttention)",
  paper: "Dao et al., 2022, arXiv:2205.14135",
  code: "Dao-AILab/flash-attention tests/test_flash_attn.py:attention_ref",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1", bias: "Tq Tk = 0" },
  outputs: { out: "Tq E", lse: "Tq", tiles: "Bq Bk" },
  options: {
    blockQ: integer(64, "queries in a block", { min: 1, tried: [1, 2, 3] }),
    blockK: integer(64, "keys in a block", { min: 1, tried: [1, 2, 3] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.25, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  axes: { Bq: (n, o) => Math.ceil(n.Tq / o.blockQ), Bk: (n, o) => Math.ceil(n.Tk / o.blockK) },
  mayBeEmpty: ["Tk", "Bk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v", outputs: ["out"] },
    { averages: "v", along: "Tk", outputs: ["out"] },
    { even: ["q", "k"] },
    { unordered: "Tk", when: (_, o) => !o.causal, outputs: ["out", "lse"] },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk, outputs: ["out", "lse"] },
  ],
  run({ q, k, v, mask, bias }, { Tq, Tk, D, E, Bq, Bk }, { blockQ, blockK, scale, causal }) {
    const block = (n: number, size: number, i: number) => range(n).filter((s) => Math.floor(s / size) === i);
    const seen = (t: number, j: number) =>
      block(Tk, blockK, j).filter(
        (s) => !(causal && s > t + Tk - Tq) && mask(t, s) && bias(t, s) > Number.NEGATIVE_INFINITY,
      );
    const tile = table([Bq, Bk], (i, j) => (block(Tq, blockQ, i).some((t) => seen(t, j).length) ? 1 : 0));
    const x = table([Tq, Tk], (t, s) => scale * sum(D, (d) => q(t, d) * k(s, d)) + bias(t, s));

    const absorb = (t: number, row: Row, keys: readonly number[]): Row => {
      if (!keys.length) return row;
      const top = Math.max(
        row.top,
        maximum(keys, (s) => x(t, s)),
      );
      const kept = Math.exp(row.top - top);
      const power = weigh(keys, (s) => Math.exp(x(t, s) - top));
      return {
        top,
        total: kept * row.total + sum(power, (_, w) => w),
        sum: table([E], (e) => kept * row.sum(e) + sum(power, (s, w) => w * v(s, e))),
      };
    };
    const empty: Row = { top: Number.NEGATIVE_INFINITY, total: 0, sum: () => 0 };
    const row = table([Tq], (t) =>
      range(Bk)
        .filter((j) => tile(Math.floor(t / blockQ), j))
        .reduce((row, j) => absorb(t, row, seen(t, j)), empty),
    );
    return {
      out: (t, e) => (row(t).total ? row(t).sum(e) / row(t).total : 0),
      lse: (t) => row(t).top + Math.log(row(t).total),
      tiles: tile,
    };
  },
});
