import { choice, gelu, mechanism, real, softmax, sum, table } from "../page.ts";

/**
 * Attention with batch-normalised similarities (MaX-DeepLab, kMaX-DeepLab): the products of queries and keys are not
 * scaled by $1/\sqrt D$ but normalised for each head with the stored statistics of a BatchNorm; so is each channel of
 * the result. Inference only. Wang et al. 2021, arXiv:2012.00759.
 *
 * $$ z_{h,t,s} = \gamma_h\, \frac{q_{h,t} \cdot k_{h,s} - \mu_h}{\sqrt{\nu_h + \epsilon}} + \beta_h, \quad
 *    o_{h,t} = \sum_s \operatorname{softmax}_s(z_{h,t,s})\, v_{h,s}, \quad \ell_{h,t} = \ln \sum_s e^{z_{h,t,s}} $$
 * $$ y_{t,h,e} = \operatorname{gelu}\Bigl(\gamma'_{h,e}\, \frac{o_{h,t,e} - \mu'_{h,e}}{\sqrt{\nu'_{h,e} + \epsilon}} + \beta'_{h,e}\Bigr) $$
 *
 * The heads follow one another in the channels of $y$. The mean $\mu_h$ and shift $\beta_h$ of the similarities change
 * $\ell$ alone. The statistics of a fresh BatchNorm (0 and 1) are the defaults, and $\epsilon$ is $10^{-3}$ in the
 * official code, TensorFlow and PyTorch, not PyTorch's usual $10^{-5}$. Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a variance is negative.
 */
export const batchnormSimilarityAttention = mechanism({
  id: "score/batchnorm-similarity-attention",
  name: "Attention with batch-normalised similarities",
  paper: "Wang et al., 2021, arXiv:2012.00759",
  code: "bytedance/kmax-deeplab kmax_deeplab/modeling/transformer_decoder/kmax_transformer_decoder.py:AttentionOperation",
  inputs: {
    q: "H Tq D",
    k: "H Tk D",
    v: "H Tk E",
    simGamma: "H = 1",
    simBeta: "H = 0",
    simMu: "H = 0",
    simVar: "H = 1",
    outGamma: "(H E) = 1",
    outBeta: "(H E) = 0",
    outMu: "(H E) = 0",
    outVar: "(H E) = 1",
  },
  outputs: { out: "Tq (H E)", lse: "H Tq" },
  options: {
    eps: real(1e-3, "ε, added to the variances", { above: 0, tried: [0.5] }),
    activation: choice(["gelu", "none"], "what is applied to the normalised result"),
  },
  domain: { simVar: { within: [0, Infinity] }, outVar: { within: [0, Infinity] } },
  properties: [
    { linear: ["v", "outMu", "outBeta"], outputs: ["out"], when: (_, o) => o.activation === "none" },
    { unordered: "Tk" },
    { independent: "Tq" },
    { independent: "H" },
  ],
  run(
    { q, k, v, simGamma, simBeta, simMu, simVar, outGamma, outBeta, outMu, outVar },
    { H, Tq, Tk, D },
    { eps, activation },
  ) {
    const normal = (x: number, mu: number, variance: number) => (x - mu) / Math.sqrt(variance + eps);
    const similarity = (h: number, t: number, s: number) =>
      simGamma(h) *
        normal(
          sum(D, (d) => q(h, t, d) * k(h, s, d)),
          simMu(h),
          simVar(h),
        ) +
      simBeta(h);
    const weights = table([H, Tq], (h, t) => softmax(Tk, (s) => similarity(h, t, s)));
    const o = (h: number, t: number, e: number) => sum(weights(h, t), (s, w) => w * v(h, s, e));
    const y = (t: number, h: number, e: number) =>
      outGamma(h, e) * normal(o(h, t, e), outMu(h, e), outVar(h, e)) + outBeta(h, e);
    return {
      out: (t, h, e) => (activation === "gelu" ? gelu(y(t, h, e)) : y(t, h, e)),
      lse: (h, t) => weights(h, t).logSumExp,
    };
  },
});
