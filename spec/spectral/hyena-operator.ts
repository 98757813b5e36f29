import { integer, mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Hyena operator of order $N$: in place of attention, $N$ gates made from the tokens alternate with $N - 1$ long causal
 * convolutions, whose filters a small network makes from the distance. Poli et al. 2023, arXiv:2302.10866.
 *
 * $$ (x_0, \dots, x_{N-1}, v)_t = \sum_{r<K} w_{K-1-r} \odot (x_{t-r} W_{in} + b_{in}) + b, \quad z^{(0)} = v $$
 * $$ g^{(o)} = x_{N-1-o} \odot z^{(o)}, \quad
 *    z^{(o+1)}_t = \sum_{r \le t} h^{(o)}[r] \odot g^{(o)}_{t-r} + D^{(o)} \odot g^{(o)}_t, \quad
 *    y_t = (x_{0,t} \odot z^{(N-1)}_t) W_o + b_o $$
 * $$ h_c[r] = \bigl(e^{\delta_c r/(L-1)} + \text{shift}\bigr)\,
 *    \bigl(s(s(s(\pi_r W_1 + b_1) W_2 + b_2) W_3 + b_3)\, W_4\bigr)_c, \quad
 *    s(a) = \sin(\mathrm{freq} \odot a) $$
 *
 * $\pi_r = (r/(L-1),\ \cos f_i \omega,\ -\sin f_i \omega)$ with $\omega = 2\pi r/L$, the longest length $L$ = `lMax`,
 * and frequencies $f_i$ evenly from $10^{-4}$ to their number less one. The rates $\delta_c$ go evenly from
 * $\ln(0.01)/1.5$ to $\ln(0.01)/0.3$ over the filter channels $c = m(N-1) + o$, in which `dSkip` and the columns of
 * `fW4` are laid out. One vector `freq` serves all three sines: 1 at first in the code, 10 in the paper. A single
 * frequency or rate is the first of its range. The short filters have $K = 3$ taps in the models, the last on the token
 * itself; the filter network is 64 wide. Before the first token there are zeros. The page follows safari; zoology's
 * copy lays out the gates differently.
 * Cost: $O(T M^2 N + T^2 M N)$ as written.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into the
 * parts, the position has not an odd number of features from 3, or the tokens are more than `lMax`.
 */
export const hyenaOperator = mechanism({
  id: "spectral/hyena-operator",
  name: "Hyena operator",
  paper: "Poli et al., 2023, arXiv:2302.10866",
  code: "HazyResearch/safari src/models/sequence/hyena.py:HyenaOperator",
  inputs: {
    x: "T M",
    wIn: "M (L M)",
    bIn: "(L M) = 0",
    shortW: "(L M) K",
    shortB: "(L M) = 0",
    fW1: "P A",
    fB1: "A = 0",
    fW2: "A A",
    fB2: "A = 0",
    fW3: "A A",
    fB3: "A = 0",
    fW4: "A (M Lc)",
    freq: "A = 1",
    dSkip: "(M Lc) = 0",
    wO: "M Mo",
    bO: "Mo = 0",
  },
  outputs: { out: "T Mo" },
  options: {
    order: integer(2, "N, the number of gates", { min: 2, tried: [2, 3, 4] }),
    lMax: integer((n: { T: number }) => n.T, "L, the longest length, to which the filters scale", {
      min: 1,
      tried: [6],
    }),
    shift: real(0, "what is added to the decay of the filters", { tried: [0.5] }),
  },
  axes: { L: (_, o) => o.order + 1, Lc: (_, o) => o.order - 1 },
  tried: { P: [3, 5, 7], M: [1, 2, 3], A: [1, 2] },
  requires: {
    "P must be odd and at least 3": (n) => n.P % 2 === 1 && n.P >= 3,
    "lMax must be at least T": (n, o) => n.T <= o.lMax,
  },
  properties: [{ linear: ["wO", "bO"] }, { causal: "T" }],
  run(
    { x, wIn, bIn, shortW, shortB, fW1, fB1, fW2, fB2, fW3, fB3, fW4, freq, dSkip, wO, bO },
    { T, M, L, Lc, K, P, A },
    { lMax, shift },
  ) {
    const p = table([T, L, M], (t, i, m) => sum(M, (c) => x(t, c) * wIn(c, i, m)) + bIn(i, m));
    const part = table(
      [T, L, M],
      (t, i, m) => sum(Math.min(K, t + 1), (r) => shortW(i, m, K - 1 - r) * p(t - r, i, m)) + shortB(i, m),
    );

    const evenly = (from: number, to: number, count: number) => (i: number) =>
      count === 1 ? from : from + (i * (to - from)) / (count - 1);
    const bands = (P - 1) / 2;
    const [time, frequency] = [evenly(0, 1, lMax), evenly(1e-4, bands - 1, bands)];
    const rate = evenly(Math.log(0.01) / 1.5, Math.log(0.01) / 0.3, M * Lc);
    const angle = (r: number, i: number) => (frequency(i) * 2 * Math.PI * r) / lMax;
    const position = table([T, P], (r, j) => {
      if (j === 0) return time(r);
      return j <= bands ? Math.cos(angle(r, j - 1)) : -Math.sin(angle(r, j - 1 - bands));
    });
    type Rows = (r: number, a: number) => number;
    const layer = (width: number, input: Rows, w: Rows, b: (a: number) => number) =>
      table([T, A], (r, a) => Math.sin(freq(a) * (sum(width, (j) => input(r, j) * w(j, a)) + b(a))));
    const hidden = layer(A, layer(A, layer(P, position, fW1, fB1), fW2, fB2), fW3, fB3);
    const h = table(
      [T, M, Lc],
      (r, m, o) => (Math.exp(rate(m * Lc + o) * time(r)) + shift) * sum(A, (a) => hidden(r, a) * fW4(a, m, o)),
    );

    const value = table([T, M], (t, m) => part(t, L - 1, m));
    const z = scan(Lc, value, (before, o) => {
      const g = table([T, M], (t, m) => part(t, Lc - o, m) * before(t, m));
      return table([T, M], (t, m) => sum(t + 1, (r) => h(r, m, o) * g(t - r, m)) + dSkip(m, o) * g(t, m));
    })(Lc);
    return { out: (t, m) => sum(M, (c) => part(t, 0, c) * z(t, c) * wO(c, m)) + bO(m) };
  },
});
