import { kernelizedAttentionRpeFft as kernelised } from "../../../spec/linear/kernelized-attention-rpe-fft.ts";
import { performerFavor } from "../../../spec/linear/performer-favor.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(kernelised);

const ln = Math.log;
const exact = { eps: 0 };
example(
  "b₀ = ln 3: the own token counts thrice",
  kernelised,
  { q: [[1], [1]], k: [[1], [1]], v: [[4], [8]], w: [[0]], b: [0, ln(3), 0] },
  { out: [[5], [7]] },
  exact,
);
example(
  "b₁ = ln 3, b₋₁ = ln 2: the token after counts thrice, the one before twice",
  kernelised,
  { q: [[1], [1]], k: [[1], [1]], v: [[4], [8]], w: [[0]], b: [ln(2), 0, ln(3)] },
  { out: [[7], [16 / 3]] },
  exact,
);
example(
  "causal: the first token sees itself alone",
  kernelised,
  { q: [[1], [1]], k: [[1], [1]], v: [[4], [8]], w: [[0]], b: [ln(3), 0, 9] },
  { out: [[4], [5]] },
  { ...exact, causal: true },
);
example(
  "of length 1 before they meet w = ln 3: keys 7 and −7 have features 3 and ⅓",
  kernelised,
  { q: [[1], [1]], k: [[7], [-7]], v: [[10], [0]], w: [[ln(3)]] },
  { out: [[9], [9]] },
  exact,
);
example(
  "not normalised at D = 16: halved; a key of length² 8 ln 3 has a third",
  kernelised,
  {
    q: [Array(16).fill(0), Array(16).fill(0)],
    k: [[Math.sqrt(8 * ln(3)), ...Array(15).fill(0)], Array(16).fill(0)],
    v: [[8], [4]],
    w: [Array(16).fill(0)],
  },
  { out: [[5], [5]] },
  { ...exact, normalise: false },
);
example(
  "a query shorter than 10⁻¹² counts by that: 10⁻¹³ is a tenth, of w = 10 ln 2",
  kernelised,
  { q: [[1e-13], [1]], k: [[0], [0]], v: [[3], [3]], w: [[10 * ln(2)], [0]] },
  { out: [[3 * (1 - 1 / (1 + Math.exp(-0.005) * 3))], [3 * (1 - 1 / (1 + Math.exp(-0.5) * (1 + 2 ** 10)))]] },
  { eps: 1 },
);
example(
  "the default ε of 10⁻⁶ halves what has a weight of 10⁻⁶",
  kernelised,
  { q: [[Math.sqrt(ln(1e6))]], k: [[Math.sqrt(ln(1e6))]], v: [[8]], w: [[0]] },
  { out: [[4]] },
  { normalise: false },
);
const grid = Array.from({ length: 9 }, (_, i) => ln(i + 1));
example(
  "a grid of two columns: factors 1 to 9 for rows and columns from −1 to 1; the own token's is 5",
  kernelised,
  { q: [[0], [0], [0], [0]], k: [[0], [0], [0], [0]], v: [[1], [0], [0], [0]], w: [[0]], b: grid },
  { out: [[5 / 28], [4 / 24], [2 / 16], [1 / 12]] },
  { ...exact, width: 2 },
);
example(
  "a grid of one row wider than the tokens: distances from −2 to 2",
  kernelised,
  { q: [[0], [0]], k: [[0], [0]], v: [[1], [0]], w: [[0]], b: grid.slice(0, 5) },
  { out: [[3 / 7], [2 / 5]] },
  { ...exact, width: 3 },
);
refuses("b has P = 3, but width = Infinity, T = 3 make it 5", kernelised, {
  q: [[1], [1], [1]],
  k: [[1], [1], [1]],
  v: [[1], [1], [1]],
  w: [[1]],
  b: [1, 2, 3],
});

law(
  "without biases and lengths it is Performer attention without its ε and maxima",
  cases(kernelised, { given: { b: false }, options: { normalise: false, eps: 0 } }),
  ({ x: { q, k, v, w }, o }) =>
    same(
      kernelised({ q, k, v, w }, o).out,
      performerFavor({ q, k, v, wP: w }, { eps: 0, stabilised: false, causal: o.causal, denominatorEps: 0 }).out,
    ),
);
law(
  "one constant more in all biases changes nothing without ε",
  cases(kernelised, { given: { b: true }, options: { eps: 0 } }),
  ({ x, o }) => same(kernelised({ ...x, b: edit(x.b, (v) => v + 0.75) }, o).out, kernelised(x, o).out),
);
law("a grid of one column is a sequence", cases(kernelised, { options: { width: 1 } }), ({ x, o }) =>
  same(kernelised(x, { ...o, width: Number.POSITIVE_INFINITY }).out, kernelised(x, o).out),
);
law(
  "a sequence by Fourier transforms: Toeplitz matrices in circulant ones of twice the length",
  cases(kernelised, { given: { b: true }, options: { width: Number.POSITIVE_INFINITY } }),
  ({ x, n, o }) => {
    const range = (count: number) => Array.from({ length: count }, (_, i) => i);
    const total = (count: number, f: (i: number) => number) => range(count).reduce((sum, i) => sum + f(i), 0);
    const phi = (t: typeof x.q) => {
      const length = (s: number) => Math.max(Math.sqrt(total(n.D, (d) => at(t, s, d) ** 2)), 1e-12);
      return tensor([n.T, n.N], (s, j) => {
        const hat = (d: number) => at(t, s, d) / (o.normalise ? length(s) : n.D ** 0.25);
        return Math.exp(total(n.D, (d) => at(x.w, j, d) * hat(d) - hat(d) ** 2 / 2)) / Math.sqrt(n.N);
      });
    };
    const [q, k] = [phi(x.q), phi(x.k)];
    const L = 2 * n.T;
    const angle = (f: number, i: number) => (2 * Math.PI * ((f * i) % L)) / L;
    const transform = (a: (i: number) => number) =>
      range(L).map(
        (f) => [total(L, (i) => a(i) * Math.cos(angle(f, i))), total(L, (i) => -a(i) * Math.sin(angle(f, i)))] as const,
      );
    const factor = (distance: number) =>
      Math.abs(distance) >= n.T || (o.causal && distance > 0) ? 0 : Math.exp(at(x.b, distance + n.T - 1));
    const circulant = transform((i) => factor(i < n.T ? -i : L - i));
    const toeplitz = (column: (s: number) => number) => {
      const spectrum = transform((i) => (i < n.T ? column(i) : 0)).map(
        ([re, im], f) =>
          [re * circulant[f]![0] - im * circulant[f]![1], re * circulant[f]![1] + im * circulant[f]![0]] as const,
      );
      return range(n.T).map(
        (t) => total(L, (f) => spectrum[f]![0] * Math.cos(angle(f, t)) - spectrum[f]![1] * Math.sin(angle(f, t))) / L,
      );
    };
    const D2 = range(n.N).map((j) => toeplitz((s) => at(k, s, j)));
    const D1 = range(n.N).map((j) => range(n.E).map((e) => toeplitz((s) => at(k, s, j) * at(x.v, s, e))));
    const size = (t: number) => total(n.N, (j) => at(q, t, j) * D2[j]![t]!) + o.eps;
    // The transform mixes all distances, so rounding is relative to the largest factor.
    const small = Array.from(x.b.data).every((v) => Math.abs(v) < 2);
    if (small)
      same(
        kernelised(x, o).out,
        tensor([n.T, n.E], (t, e) => total(n.N, (j) => at(q, t, j) * D1[j]![e]![t]!) / size(t)),
        1e-9,
      );
  },
  20,
);
