import { integer, mean, mechanism, product, range, real, sum, table } from "../page.ts";

/**
 * Gaussian adaptive attention (GAAM): each value is weighted by how near it lies to the mean of its chunk, as a product
 * of Gaussians says; nothing is mixed between places. Used by itself (added to its input) or on the keys or values of
 * ordinary attention. Ioannides et al. 2024, arXiv:2401.11143.
 *
 * $$ y_i = w_i x_i, \quad w_i = \frac{m_i}{\max\bigl(\sum_{j \in J} m_j, \epsilon\bigr)}, \quad
 *    m_i = \prod_k \frac{1}{\sqrt{2\pi \varsigma_k^2}} \exp\Bigl(-\frac{z_{k,i}^2}{2\varsigma_k^2}\Bigr), \quad
 *    z_{k,i} = \frac{x_i - (\mu + \delta_k)}{\sqrt{\nu + \epsilon}} $$
 *
 * One axis (`axis`: 0 the tokens, 1 the features) is cut into a chunk $J$ for each of the $H$ heads, the last one
 * taking what is left over; $\mu$ is the chunk's mean and $\nu$ its variance, divided by one less than its length.
 * Offsets $\delta_k$ and widths $\varsigma_k$ are each head's own. The paper speaks of a mixture; the official code
 * multiplies the Gaussians, and this page follows it. Entries equal to `paddingValue` come back as they are: they count
 * as 0 in mean and variance, and with their own value among the weights. $\epsilon$ is $10^{-8}$; the official
 * multi-head class takes another but passes it where the offset belongs, which has no effect. Cost: $O(T M K)$.
 * Throws {@link PageError}, naming the argument, if `w` holds 0 or a head has fewer than two places of the axis.
 */
export const gaussianAdaptiveAttention = mechanism({
  id: "score/gaussian-adaptive-attention",
  name: "Multi-head Gaussian adaptive attention (GAAM)",
  paper: "Ioannides et al., 2024, arXiv:2401.11143",
  code: "gioannides/Gaussian-Adaptive-Attention gaussian_adaptive_attention/GaussianBlock.py:MultiHeadGaussianAdaptiveAttention",
  inputs: { x: "T M", delta: "H K = 0", w: "H K" },
  outputs: { out: "T M", weights: "T M" },
  options: {
    axis: integer(1, "the axis that is cut into chunks: 0 tokens, 1 features", { min: 0, max: 1 }),
    heads: integer(1, "H, the number of chunks", { min: 1, tried: [1, 2] }),
    gaussians: integer(1, "K, the number of Gaussians that are multiplied", { min: 1, tried: [1, 2, 3] }),
    paddingValue: real(Infinity, "entries of this value are padding; ∞ for none", { tried: [0.5] }),
    eps: real(1e-8, "ε, added to the variance, and the least sum of weights", { above: 0, tried: [0.1] }),
  },
  axes: { H: (_, o) => o.heads, K: (_, o) => o.gaussians },
  domain: { w: { usual: [0.25, 2] } },
  requires: {
    "heads must leave at least two places of the axis to each": (n, o) =>
      Math.floor((o.axis === 0 ? n.T : n.M) / o.heads) >= 2,
  },
  expects: {
    "w must not hold 0": ({ w }, { H, K }) => range(H).every((h) => range(K).every((k) => w(h, k) !== 0)),
  },
  properties: [
    { even: "w" },
    { even: ["x", "delta"], outputs: ["weights"], when: (_, o) => o.paddingValue === Infinity },
    { independent: "T", when: (_, o) => o.axis === 1 },
    { independent: "M", when: (_, o) => o.axis === 0 },
    { equivariant: "T", when: (_, o) => o.axis === 1 || o.heads === 1 },
    { equivariant: "M", when: (_, o) => o.axis === 0 || o.heads === 1 },
  ],
  run({ x, delta, w }, { T, M, H, K }, { axis, paddingValue, eps }) {
    const [lines, length] = axis === 0 ? [M, T] : [T, M];
    const value = (l: number, i: number) => (axis === 0 ? x(i, l) : x(l, i));
    const size = Math.floor(length / H);
    const headOf = (i: number) => Math.min(Math.floor(i / size), H - 1);
    const chunk = (h: number) => range(h * size, h === H - 1 ? length : (h + 1) * size);

    const counted = (l: number, i: number) => (value(l, i) === paddingValue ? 0 : value(l, i));
    const mu = table([lines, H], (l, h) => mean(chunk(h), (i) => counted(l, i)));
    const deviation = table([lines, H], (l, h) =>
      Math.sqrt(sum(chunk(h), (i) => (counted(l, i) - mu(l, h)) ** 2) / (chunk(h).length - 1) + eps),
    );
    const gaussian = (z: number, width: number) =>
      Math.exp(-(z ** 2) / (2 * width ** 2)) / Math.sqrt(2 * Math.PI * width ** 2);
    const m = table([lines, length], (l, i) => {
      const h = headOf(i);
      return product(K, (k) => gaussian((value(l, i) - (mu(l, h) + delta(h, k))) / deviation(l, h), w(h, k)));
    });
    const total = table([lines, H], (l, h) =>
      Math.max(
        sum(chunk(h), (i) => m(l, i)),
        eps,
      ),
    );
    const weight = (l: number, i: number) => m(l, i) / total(l, headOf(i));
    const weights = (t: number, c: number) => (axis === 0 ? weight(c, t) : weight(t, c));
    return {
      out: (t, c) => (x(t, c) === paddingValue ? x(t, c) : x(t, c) * weights(t, c)),
      weights,
    };
  },
});
