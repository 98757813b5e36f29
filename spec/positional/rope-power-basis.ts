import { mechanism, real, rotate, table } from "../page.ts";

/**
 * RoPE on a power-scaled basis: slow pairs are slowed further by a power of their place, fast ones hardly at all, so that
 * the slowest never turn far in a long context. Pal et al. 2023 (Giraffe), arXiv:2308.10882.
 *
 * $$ \begin{pmatrix} y_i \\ y_{i+D/2} \end{pmatrix} = \begin{pmatrix} \cos p_t\omega_i & -\sin p_t\omega_i \\ \sin p_t\omega_i & \cos p_t\omega_i \end{pmatrix}
 *    \begin{pmatrix} x_i \\ x_{i+D/2} \end{pmatrix}, \quad \omega_i = \frac{\theta^{-2i/D}}{\max(s, 1)} \Bigl(1 - \frac{2i}{D}\Bigr)^\kappa $$
 *
 * $\kappa = 0$ is RoPE. As in the authors' code linear scaling by $s$ may come first; a factor below 1 changes nothing.
 * Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd.
 */
export const ropePowerBasis = mechanism({
  id: "positional/rope-power-basis",
  name: "RoPE on a power-scaled basis",
  paper: "Pal et al., 2023, arXiv:2308.10882",
  code: "abacusai/Long-Context python/models/interpolate.py:ScaledLlamaRotaryEmbedding",
  inputs: { x: "T D", positions: "T" },
  outputs: { out: "T D", invFreq: "I" },
  options: {
    kappa: real(0, "κ, the power", { min: 0, tried: [0.5, 2] }),
    scale: real(1, "s, the factor of linear scaling", { above: 0, tried: [0.5, 2, 4] }),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
  },
  axes: { I: (n) => n.D / 2 },
  tried: { D: [2, 4, 6] },
  domain: { positions: { usual: [0, 20] } },
  properties: [
    { linear: "x", outputs: ["out"] },
    { independent: "T", outputs: ["out"] },
  ],
  run({ x, positions }, { D, I }, { kappa, scale, base }) {
    const invFreq = table([I], (i) => (base ** ((-2 * i) / D) / Math.max(scale, 1)) * (1 - (2 * i) / D) ** kappa);
    return {
      out: (t, d) =>
        rotate(
          (c) => x(t, c),
          D,
          "half",
          (i) => positions(t) * invFreq(i),
        )(d),
      invFreq,
    };
  },
});
