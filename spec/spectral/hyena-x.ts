import { mechanism, sum, table } from "../page.ts";

/**
 * Hyena-X, Hyena-SE and Hyena-Y: gated convolutions with short filters. The tokens are projected to $q$, $k$ and $v$,
 * and $q \odot (k \odot v)$ is projected back, with a short causal convolution before the product (X), after the first
 * factor (Y) or at both places (SE). X and Y are Chandrasegaran et al. 2025, arXiv:2506.05340; SE is StripedHyena 2,
 * arXiv:2503.01868.
 *
 * $$ p_t = x_t W_{in} + b_{in}, \quad (q, k, v) = w * p + b, \quad g = w' * (k \odot v) + b', \quad
 *    y_t = (q_t \odot g_t) W_o + b_o $$
 * $$ (w * p)_{t,c} = \sum_{r=0}^{K-1} w_{c,K-1-r}\, p_{t-r,c} $$
 *
 * The first convolution is there if `shortW` is given, the second if `innerW` is: X gives the first, Y the second, SE
 * both. The last tap falls on the token itself; the papers have 4 taps each. Before the first token there are zeros, or
 * what `shortState` and `innerState` hold of the $K - 1$ places before: projections before the first convolution,
 * products before the second. Both come back for the next call. There is no activation. SE's code gives the second
 * filter the length of the first; here the lengths are free. Images are read row by row, so the convolution is causal
 * there too.
 * Cost: $O(T M (M + K))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a state does not fit its filter, or
 * a bias is given without its filter.
 */
export const hyenaX = mechanism({
  id: "spectral/hyena-x",
  name: "Hyena-X, Hyena-SE and Hyena-Y (short gated convolutions)",
  paper: "Chandrasegaran et al., 2025, arXiv:2506.05340",
  code: "keshik6/grafting src/operators/hyena/hyena_x.py:Hyena_X",
  inputs: {
    x: "T M",
    wIn: "M (3 M)",
    bIn: "(3 M) = 0",
    shortW: "(3 M) K = none",
    shortB: "(3 M) = 0",
    innerW: "M Ki = none",
    innerB: "M = 0",
    wO: "M Mo",
    bO: "Mo = 0",
    shortState: "Ks (3 M) = 0",
    innerState: "Kt M = 0",
  },
  outputs: { out: "T Mo", shortState: "Ks (3 M)", innerState: "Kt M" },
  options: {},
  axes: { Ks: (n) => Math.max(0, n.K - 1), Kt: (n) => Math.max(0, n.Ki - 1) },
  mayBeEmpty: ["Ks", "Kt"],
  requires: {
    "shortB needs shortW": (_, _o, given) => given.shortW || !given.shortB,
    "innerB needs innerW": (_, _o, given) => given.innerW || !given.innerB,
  },
  properties: [
    { linear: ["wO", "bO"], outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["shortState", "innerState"] },
  ],
  run(
    { x, wIn, bIn, shortW, shortB, innerW, innerB, wO, bO, shortState, innerState },
    { T, M, K, Ki, Ks, Kt },
    _,
    given,
  ) {
    const p = table([T, 3, M], (t, i, m) => sum(M, (c) => x(t, c) * wIn(c, i, m)) + bIn(i, m));
    const projected = (t: number, i: number, m: number) => (t < 0 ? shortState(Ks + t, i, m) : p(t, i, m));
    const featured = table([T, 3, M], (t, i, m) =>
      given.shortW ? sum(K, (r) => shortW(i, m, K - 1 - r) * projected(t - r, i, m)) + shortB(i, m) : p(t, i, m),
    );
    const kv = table([T, M], (t, m) => featured(t, 1, m) * featured(t, 2, m));
    const multiplied = (t: number, m: number) => (t < 0 ? innerState(Kt + t, m) : kv(t, m));
    const g = table([T, M], (t, m) =>
      given.innerW ? sum(Ki, (r) => innerW(m, Ki - 1 - r) * multiplied(t - r, m)) + innerB(m) : kv(t, m),
    );
    return {
      out: (t, m) => sum(M, (c) => featured(t, 0, c) * g(t, c) * wO(c, m)) + bO(m),
      shortState: (j, i, m) => projected(T - Ks + j, i, m),
      innerState: (j, m) => multiplied(T - Kt + j, m),
    };
  },
});
