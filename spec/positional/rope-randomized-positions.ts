import { mechanism, real, rotate, sum, table } from "../page.ts";

/**
 * RoPE at random positions while training, so that the model meets more distances than the positions in order have: the
 * steps from token to token are random and average 1. Pal et al. 2023 (Giraffe), arXiv:2308.10882, after the randomised
 * positions of Ruoss et al. 2023, arXiv:2305.16843, which draw whole numbers from a longer range instead.
 *
 * $$ t_j = \sum_{l \le j} 2u_l, \quad p_j = t_j\, \frac{T}{\max(t_{T-1}, T)}, \quad
 *    \begin{pmatrix} y_i \\ y_{i+D/2} \end{pmatrix} = \begin{pmatrix} \cos p_j\omega_i & -\sin p_j\omega_i \\ \sin p_j\omega_i & \cos p_j\omega_i \end{pmatrix}
 *    \begin{pmatrix} x_i \\ x_{i+D/2} \end{pmatrix}, \quad \omega_i = \theta^{-2i/D} $$
 *
 * `u` is one uniform number for each token, drawn afresh for each sequence and shared by queries and keys; the positions
 * shrink if the last would pass $T$, so that training positions lie in $[0, T]$ and the first is $2u_0$, not 0. Without
 * `u` it is evaluation: $p_j = j$. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $D$ is odd or a $u_j$ is not in $[0, 1]$.
 */
export const ropeRandomizedPositions = mechanism({
  id: "positional/rope-randomized-positions",
  name: "RoPE at randomised positions",
  paper: "Pal et al., 2023, arXiv:2308.10882; Ruoss et al., 2023, arXiv:2305.16843",
  code: "abacusai/Long-Context python/models/interpolate.py:ScaledLlamaRotaryEmbedding.random_init_forward",
  inputs: { x: "T D", u: "T = none" },
  outputs: { out: "T D", positions: "T" },
  options: { base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }) },
  tried: { D: [2, 4, 6] },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  domain: { u: { within: [0, 1] } },
  properties: [
    { linear: "x", outputs: ["out"] },
    { causal: "T", when: (_n, _o, given) => !given.u },
  ],
  run({ x, u }, { T, D }, { base }, given) {
    const walked = (j: number) => sum(j + 1, (l) => 2 * u(l));
    const positions = table([T], (j) => (given.u ? (walked(j) * T) / Math.max(walked(T - 1), T) : j));
    return {
      out: (j, d) =>
        rotate(
          (c) => x(j, c),
          D,
          "half",
          (i) => positions(j) * base ** ((-2 * i) / D),
        )(d),
      positions,
    };
  },
});
