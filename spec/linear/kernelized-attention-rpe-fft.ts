import { flag, integer, mechanism, range, real, sum, table } from "../page.ts";

/**
 * Kernelised attention with relative positions: random positive features of normalised queries and keys, and a learned
 * factor for each distance, which makes the sums over the keys products with Toeplitz matrices, so fast Fourier
 * transforms. One head. Luo et al. 2021, arXiv:2106.12566.
 *
 * $$ o_t = \frac{\sum_{s \in S_t} a_{t,s}\, v_s}{\sum_{s \in S_t} a_{t,s} + \varepsilon}, \quad
 *    a_{t,s} = e^{b_{s-t}}\, \phi(q_t) \cdot \phi(k_s), \quad
 *    \phi_j(x) = N^{-1/2}\, e^{w_j \cdot \hat x - \frac12 \|\hat x\|^2} $$
 *
 * $\hat x = x / \max(\|x\|, 10^{-12})$, or $D^{-1/4} x$ without `normalise`. The rows of $w$ are standard normal
 * vectors; with many of them this is softmax attention with scores $\hat q \cdot \hat k + b$. `b` is the biases of
 * distances $-(T-1)$ to $T-1$. With `width` the tokens are a grid of rows of that many, the last perhaps shorter, and
 * `b` has a bias for every pair of distances, by that of the rows first and then that within them:
 * $(2R-1)(2\,\texttt{width}-1)$ for $R$ rows. $S_t$ is all tokens, or with `causal` those $s \le t$. The transforms
 * change nothing but rounding; this is the sum itself. ε only guards the denominator. Cost: $O(T^2 (N + E))$ as
 * written, $O(N E\, T \log T)$ by transforms.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `b` has not one bias for each
 * distance.
 */
export const kernelizedAttentionRpeFft = mechanism({
  id: "linear/kernelized-attention-rpe-fft",
  name: "Kernelised attention with relative positions (NPRF with RPE)",
  paper: "Luo et al., 2021, arXiv:2106.12566",
  inputs: { q: "T D", k: "T D", v: "T E", w: "N D", b: "P = 0" },
  outputs: { out: "T E" },
  options: {
    normalise: flag(true, "whether queries and keys are brought to length 1"),
    width: integer(Number.POSITIVE_INFINITY, "tokens in a row of the grid; infinite means a sequence", {
      min: 1,
      tried: [1, 2],
    }),
    causal: flag(false, "token t sees only the tokens s ≤ t"),
    eps: real(1e-6, "ε, added to the denominator", { min: 0, tried: [0, 0.25] }),
  },
  axes: {
    P: (n, o) => (o.width < Infinity ? (2 * Math.ceil(n.T / o.width) - 1) * (2 * o.width - 1) : 2 * n.T - 1),
  },
  properties: [
    { linear: "v" },
    { averages: "v", along: "T", when: (_, o) => o.eps === 0 },
    { equivariant: "T", when: (_, o, given) => !o.causal && !given.b },
    { causal: "T", when: (_, o, given) => o.causal && !given.b },
    { scaleFree: "q", when: (_, o) => o.normalise },
    { scaleFree: "k", when: (_, o) => o.normalise },
    { even: ["q", "k", "w"] },
  ],
  run({ q, k, v, w, b }, { T, D, N }, { normalise, width, causal, eps }) {
    const phi = (x: (t: number, d: number) => number) => {
      const length = table([T], (t) => Math.sqrt(sum(D, (d) => x(t, d) ** 2)));
      const hat = (t: number, d: number) => x(t, d) / (normalise ? Math.max(length(t), 1e-12) : D ** 0.25);
      return table([T, N], (t, j) => Math.exp(sum(D, (d) => w(j, d) * hat(t, d) - hat(t, d) ** 2 / 2)) / Math.sqrt(N));
    };
    const [phiQ, phiK] = [phi(q), phi(k)];
    const columns = width < Infinity ? width : T;
    const rows = Math.ceil(T / columns);
    const distance = (t: number, s: number) => {
      const down = Math.floor(s / columns) - Math.floor(t / columns);
      const across = (s % columns) - (t % columns);
      return (down + rows - 1) * (2 * columns - 1) + across + columns - 1;
    };
    const weight = table([T, T], (t, s) => Math.exp(b(distance(t, s))) * sum(N, (j) => phiQ(t, j) * phiK(s, j)));
    const seen = (t: number) => range(causal ? t + 1 : T);
    const size = table([T], (t) => sum(seen(t), (s) => weight(t, s)) + eps);
    return { out: (t, e) => sum(seen(t), (s) => weight(t, s) * v(s, e)) / size(t) };
  },
});
