import { flag, integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * The relative attention of Transformer-XL: causal multi-head attention over the tokens of a segment and a memory of
 * earlier hidden states, where the position of a key enters through its distance from the query alone. Dai et al. 2019,
 * arXiv:1901.02860, §3.
 *
 * $$ z_{h,t,s} = \frac{(q_{h,t} + u_h) \cdot k_{h,s} + (q_{h,t} + w_h) \cdot r_{h,\,t + T_m - s}}{\sqrt D}, \quad
 *    y_t = \sum_h \Bigl(\sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(z_{h,t,s})\, v_{h,s}\Bigr) W^O_h $$
 * $$ c = [\mathrm{mem};\, x], \quad q = x W^Q, \;\; k = c W^K, \;\; v = c W^V, \quad
 *    r_{\cdot,\delta} = [\sin \delta'\omega \,;\, \cos \delta'\omega]\, W^R, \quad
 *    \omega_i = 10000^{-2i/M}, \;\; \delta' = \min(\delta, \mathtt{clampLen}) $$
 *
 * Place $s$ counts from the start of the memory; $S_t$ is $s \le t + T_m$. All sines stand before all cosines. With
 * `sameLength` also $s > t - (T - \max(T_m + T - \mathtt{memLen},\, 0))$: with a full memory ($T_m$ = `memLen`) every
 * query sees exactly `memLen` keys, itself included, and with an empty one of `memLen` 0 none, for which it gets zeros.
 * Layer norm and residual around it are left out. The paper's shift of rows is a cheaper way to the same scores. $u$
 * and $w$ are the paper's $u$ and $v$. Cost: $O(H T (T_m + T)(D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $M$ is odd, or the memory is longer
 * than `memLen`.
 */
export const transformerXlRelativeAttention = mechanism({
  id: "positional/transformer-xl-relative-attention",
  name: "Transformer-XL relative attention",
  paper: "Dai et al., 2019, arXiv:1901.02860",
  code: "kimiyoung/transformer-xl pytorch/mem_transformer.py:RelPartialLearnableMultiHeadAttn",
  inputs: {
    x: "T M",
    mem: "Tm M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wR: "M (H D)",
    wO: "(H E) Mo",
    u: "H D",
    w: "H D",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    clampLen: integer(Infinity, "distances beyond count as this one", { min: 1, tried: [1, 2] }),
    sameLength: flag(false, "each query sees as many keys as the others, once the memory is full"),
    memLen: integer((n: { Tm: number }) => n.Tm, "how many states the memory can hold, for sameLength", {
      min: 0,
      tried: [5, 7],
    }),
  },
  axes: { H: (_, o) => o.heads },
  mayBeEmpty: ["Tm"],
  tried: { M: [2, 4] },
  requires: {
    "M must be even": (n) => n.M % 2 === 0,
    "memLen must be at least Tm": (n, o) => o.memLen >= n.Tm,
  },
  properties: [{ linear: "wO" }, { linear: "wV" }, { causal: "T" }],
  run({ x, mem, wQ, wK, wV, wR, wO, u, w }, { T, Tm, M, H, D, E }, { clampLen, sameLength, memLen }) {
    const Tk = Tm + T;
    const c = (s: number, m: number) => (s < Tm ? mem(s, m) : x(s - Tm, m));
    const q = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)));
    const k = table([Tk, H, D], (s, h, d) => sum(M, (m) => c(s, m) * wK(m, h, d)));
    const v = table([Tk, H, E], (s, h, e) => sum(M, (m) => c(s, m) * wV(m, h, e)));
    const angle = (distance: number, i: number) => Math.min(distance, clampLen) * 10000 ** ((-2 * i) / M);
    const wave = table([Tk, M], (distance, m) =>
      m < M / 2 ? Math.sin(angle(distance, m)) : Math.cos(angle(distance, m - M / 2)),
    );
    const r = table([Tk, H, D], (distance, h, d) => sum(M, (m) => wave(distance, m) * wR(m, h, d)));
    const cut = sameLength ? T - Math.max(Tk - memLen, 0) : T;
    const seen = (t: number) => range(Math.max(t - cut + 1, 0), t + Tm + 1);
    const score = (h: number, t: number, s: number) =>
      sum(D, (d) => (q(t, h, d) + u(h, d)) * k(s, h, d) + (q(t, h, d) + w(h, d)) * r(t + Tm - s, h, d)) / Math.sqrt(D);
    const weights = table([H, T], (h, t) => softmax(seen(t), (s) => score(h, t, s)));
    const o = table([T, H, E], (t, h, e) => sum(weights(h, t), (s, a) => a * v(s, h, e)));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) };
  },
});
