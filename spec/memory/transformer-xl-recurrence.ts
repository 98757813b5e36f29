import { integer, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Segment recurrence of Transformer-XL: a long sequence is read in segments, and the hidden states before a segment,
 * which are the memory of its layer, are attended to along with it; positions enter by distance alone. Dai et al. 2019,
 * arXiv:1901.02860, §3.
 *
 * $$ z_{h,t,s} = \frac{(q_{t,h} + u_h) \cdot k_{s,h} + (q_{t,h} + b_h) \cdot r_{t-s,h}}{\sqrt D}, \quad
 *    y_t = \sum_h \Bigl(\sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(z_{h,t,s})\, v_{s,h}\Bigr) W^O_h $$
 * $$ S_t = \bigl\{ s \le t : s \ge t_0 - \mathtt{memLen},\; t - s < \mathtt{window} \bigr\}, \quad
 *    r_{\delta} = [\sin \delta'\omega \,;\, \cos \delta'\omega]\, W^R, \quad \omega_i = 10000^{-2i/M} $$
 *
 * $s < 0$ are the states of the memory `mem` given, the last of them −1; $t_0$ is the first token of the segment of
 * $t$. $q$ comes from the tokens, $k$ and $v$ from tokens and memory by the same maps.
 * $\delta' = \min(\delta, \mathtt{clampLen})$; all sines stand before all cosines. `mem` that comes out is the last
 * `memLen` of memory and tokens: what the next segment is to be given. One segment with a full memory and `window` =
 * `memLen` is the official `same_length`. Nothing passes from the tokens of a segment to those before it, but in a
 * stack of layers the memory of each layer carries the context further than `memLen`. Residual and norm around the
 * layer are left out, and the stop of the gradient does not show. The single segment also has a page of its own,
 * `positional/transformer-xl-relative-attention`. Cost: $O(H T (T_m + T)(D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $M$ is odd, or the memory is longer
 * than `memLen`.
 */
export const transformerXlRecurrence = mechanism({
  id: "memory/transformer-xl-recurrence",
  name: "Transformer-XL segment recurrence",
  paper: "Dai et al., 2019, arXiv:1901.02860",
  code: "kimiyoung/transformer-xl pytorch/mem_transformer.py:RelPartialLearnableMultiHeadAttn",
  inputs: {
    x: "T M",
    mem: "Tm M = none",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wR: "M (H D)",
    wO: "(H E) Mo",
    u: "H D",
    b: "H D",
  },
  outputs: { out: "T Mo", mem: "Tn M" },
  options: {
    segment: integer(Infinity, "how many tokens are read at a time", { min: 1, tried: [1, 2, 3] }),
    memLen: integer(Infinity, "how many states the memory holds", { min: 0, tried: [0, 1, 2, 5] }),
    window: integer(Infinity, "how many states a query sees at most, its own included", { min: 1, tried: [1, 2, 3] }),
    clampLen: integer(Infinity, "distances beyond count as this one", { min: 1, tried: [1, 2] }),
  },
  axes: { Tn: (n: { T: number; Tm: number }, o) => Math.min(o.memLen, n.Tm + n.T) },
  mayBeEmpty: ["Tm"],
  tried: { M: [2, 4] },
  requires: {
    "M must be even": (n) => n.M % 2 === 0,
    "memLen must be at least Tm": (n, o) => o.memLen >= n.Tm,
  },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: "wV", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    {
      resumes: "T",
      states: "mem",
      when: (_, o) =>
        o.segment === 1 || (o.segment === Number.POSITIVE_INFINITY && o.memLen === Number.POSITIVE_INFINITY),
    },
  ],
  run({ x, mem, wQ, wK, wV, wR, wO, u, b }, { T, Tm, Tn, M, H, D, E }, { segment, memLen, window, clampLen }) {
    const Tk = Tm + T;
    const c = table([Tk, M], (s, m) => (s < Tm ? mem(s, m) : x(s - Tm, m)));
    const q = table([T, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)));
    const k = table([Tk, H, D], (s, h, d) => sum(M, (m) => c(s, m) * wK(m, h, d)));
    const v = table([Tk, H, E], (s, h, e) => sum(M, (m) => c(s, m) * wV(m, h, e)));
    const angle = (distance: number, i: number) => Math.min(distance, clampLen) * 10000 ** ((-2 * i) / M);
    const wave = table([Tk, M], (distance, m) =>
      m < M / 2 ? Math.sin(angle(distance, m)) : Math.cos(angle(distance, m - M / 2)),
    );
    const r = table([Tk, H, D], (distance, h, d) => sum(M, (m) => wave(distance, m) * wR(m, h, d)));
    const seen = (t: number) => {
      const start = t - (t % segment);
      return range(Math.max(0, Tm + start - memLen, Tm + t - window + 1), Tm + t + 1);
    };
    const score = (h: number, t: number, s: number) =>
      sum(D, (d) => (q(t, h, d) + u(h, d)) * k(s, h, d) + (q(t, h, d) + b(h, d)) * r(Tm + t - s, h, d)) / Math.sqrt(D);
    const weights = table([H, T], (h, t) => softmax(seen(t), (s) => score(h, t, s)));
    const o = table([T, H, E], (t, h, e) => sum(weights(h, t), (s, a) => a * v(s, h, e)));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))),
      mem: (s, m) => c(Tk - Tn + s, m),
    };
  },
});
