import { mechanism, sum } from "../page.ts";

/**
 * FNet's Fourier mixing: in place of attention, the real part of the discrete Fourier transform over the features and
 * over the tokens. It has no weights. Lee-Thorp et al. 2021, arXiv:2105.03824.
 *
 * $$ y_{t,m} = \operatorname{Re} \sum_{s=0}^{T-1} \sum_{c=0}^{M-1} x_{s,c}\, e^{-2\pi i (ts/T + mc/M)}
 *    = \sum_{s,c} x_{s,c} \cos 2\pi\Bigl(\frac{ts}{T} + \frac{mc}{M}\Bigr) $$
 *
 * Nothing is divided by the lengths, so sizes grow by up to $T M$. The real part is taken once, after both transforms:
 * it is $C_T X C_M - S_T X S_M$ with the matrices of cosines and sines, not a cosine transform along each axis. Padded
 * tokens take part like any other, and there is no causal form. In the model a residual and a layer norm follow.
 * Cost: $O(T^2 M^2)$ as written, $O(TM \log TM)$ by fast transforms.
 * Throws {@link PageError}, naming the argument, if `x` is empty.
 */
export const fnetFourierMixing = mechanism({
  id: "spectral/fnet-fourier-mixing",
  name: "FNet Fourier token mixing",
  paper: "Lee-Thorp et al., 2021, arXiv:2105.03824",
  code: "google-research/google-research f_net/layers.py:FourierTransform",
  inputs: { x: "T M" },
  outputs: { out: "T M" },
  options: {},
  properties: [{ linear: "x" }],
  run({ x }, { T, M }) {
    return {
      out: (t, m) =>
        sum(T, (s) => sum(M, (c) => x(s, c) * Math.cos(2 * Math.PI * (((t * s) % T) / T + ((m * c) % M) / M)))),
    };
  },
});
