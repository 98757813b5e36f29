import { flag, integer, mechanism, real, rotate, table } from "../page.ts";

/**
 * NTK-aware RoPE: a longer context by a larger base, which leaves the fastest pair alone and slows the slowest by exactly
 * the factor wanted. The dynamic form grows the base with the sequence. bloc97 and emozilla 2023, written down by Peng et
 * al. 2023, arXiv:2309.00071.
 *
 * $$ \begin{pmatrix} y_i \\ y_{i+D/2} \end{pmatrix} = \begin{pmatrix} \cos p_t\omega_i & -\sin p_t\omega_i \\ \sin p_t\omega_i & \cos p_t\omega_i \end{pmatrix}
 *    \begin{pmatrix} x_i \\ x_{i+D/2} \end{pmatrix}, \quad \omega_i = \bigl(\theta\, \lambda^{D/(D-2)}\bigr)^{-2i/D} $$
 * $$ \lambda = \alpha \ \text{(static)}, \quad \lambda = \alpha\, \max(n, n_0)/n_0 - (\alpha - 1) \ \text{(dynamic)} $$
 *
 * Dynamic leaves sequences up to the training length $n_0$ alone; beyond it even $\alpha = 1$ stretches, by $n/n_0$. All
 * queries and keys of a call share one base: a cache must hold unturned keys, for keys turned with an earlier base do not
 * match. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd or below 4.
 */
export const ropeNtkAware = mechanism({
  id: "positional/rope-ntk-aware",
  name: "NTK-aware RoPE (static and dynamic)",
  paper: "bloc97 and emozilla, 2023; Peng et al., 2023, arXiv:2309.00071",
  code: "jquesnelle/yarn scaled_rope/LlamaDynamicScaledRotaryEmbedding.py:LlamaDynamicScaledRotaryEmbedding",
  inputs: { x: "T D", positions: "T" },
  outputs: { out: "T D", invFreq: "I" },
  options: {
    alpha: real(1, "α, the factor of the stretch", { min: 1, tried: [2, 4] }),
    dynamic: flag(false, "the base grows with the sequence instead of being fixed"),
    n0: integer(2048, "n₀, the length trained on (dynamic)", { min: 1, tried: [1, 2, 4] }),
    length: integer((n: { T: number }) => n.T, "n, the current length of the sequence (dynamic)", {
      min: 1,
      tried: [3, 8],
    }),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
  },
  axes: { I: (n) => n.D / 2 },
  tried: { D: [4, 6, 8] },
  requires: { "D must be at least 4": (n) => n.D >= 4 },
  domain: { positions: { usual: [0, 20] } },
  properties: [
    { linear: "x", outputs: ["out"] },
    { independent: "T", outputs: ["out"], when: (_, o) => !o.dynamic },
  ],
  run({ x, positions }, { D, I }, { alpha, dynamic, n0, length, base }) {
    const stretch = dynamic ? (alpha * Math.max(length, n0)) / n0 - (alpha - 1) : alpha;
    const invFreq = table([I], (i) => (base * stretch ** (D / (D - 2))) ** ((-2 * i) / D));
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
