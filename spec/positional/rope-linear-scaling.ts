import { mechanism, real, rotate, table } from "../page.ts";

/**
 * RoPE with linear scaling, or position interpolation: all frequencies are divided by one factor, so that a context $s$
 * times as long spans the angles that training spanned. Found by kaiokendev and by Chen et al. 2023, arXiv:2306.15595.
 *
 * $$ \begin{pmatrix} y_i \\ y_{i+D/2} \end{pmatrix} = \begin{pmatrix} \cos p_t\omega_i & -\sin p_t\omega_i \\ \sin p_t\omega_i & \cos p_t\omega_i \end{pmatrix}
 *    \begin{pmatrix} x_i \\ x_{i+D/2} \end{pmatrix}, \quad \omega_i = \frac{\theta^{-2i/D}}{\max(s, 1)}, \quad 0 \le i < D/2 $$
 *
 * The same as RoPE at the positions $p_t/s$. The paper only stretches; a factor below 1 changes nothing, as in the code of
 * Pal et al. For queries and keys alike, before the scores. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd.
 */
export const ropeLinearScaling = mechanism({
  id: "positional/rope-linear-scaling",
  name: "RoPE with linear scaling (position interpolation)",
  paper: "Chen et al., 2023, arXiv:2306.15595",
  code: "abacusai/Long-Context python/models/interpolate.py:ScaledLlamaRotaryEmbedding",
  inputs: { x: "T D", positions: "T" },
  outputs: { out: "T D", invFreq: "I" },
  options: {
    scale: real(1, "s, how many times as long the context becomes", { above: 0, tried: [0.5, 2, 4] }),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
  },
  axes: { I: (n) => n.D / 2 },
  tried: { D: [2, 4, 6] },
  domain: { positions: { usual: [0, 20] } },
  properties: [
    { linear: "x", outputs: ["out"] },
    { independent: "T", outputs: ["out"] },
  ],
  run({ x, positions }, { D, I }, { scale, base }) {
    const invFreq = table([I], (i) => base ** ((-2 * i) / D) / Math.max(scale, 1));
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
