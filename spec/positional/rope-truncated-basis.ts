import { mechanism, real, rotate, table } from "../page.ts";

/**
 * RoPE on a truncated basis: pairs that go full circle within a length $L$ turn as ever, somewhat slower ones all turn at
 * one slow rate, and the slowest not at all. No pair is left that training saw only part of a turn of. Pal et al. 2023
 * (Giraffe), arXiv:2308.10882.
 *
 * $$ \begin{pmatrix} y_i \\ y_{i+D/2} \end{pmatrix} = \begin{pmatrix} \cos p_t\omega_i & -\sin p_t\omega_i \\ \sin p_t\omega_i & \cos p_t\omega_i \end{pmatrix}
 *    \begin{pmatrix} x_i \\ x_{i+D/2} \end{pmatrix}, \quad
 *    f_i = \frac{\theta^{-2i/D}}{\max(s, 1)} \Bigl(1 - \frac{2i}{D}\Bigr)^\kappa $$
 * $$ \omega_i = \begin{cases} f_i & f_i \ge b \\ \rho & a \le f_i < b \\ 0 & f_i < a \end{cases}, \quad
 *    b = \frac{2\pi}{L}, \quad a = \frac{b}{z}, \quad \rho = \frac{b}{r} $$
 *
 * The paper has any $a < b$ and $\rho$; its code ties them to $L$ with $z = 8$ and $r = 16$, so that $\rho < a$, and keeps a
 * frequency that is exactly a cutoff. Linear and power scaling may come first. $L = \infty$ truncates nothing.
 * Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd.
 */
export const ropeTruncatedBasis = mechanism({
  id: "positional/rope-truncated-basis",
  name: "RoPE on a truncated basis",
  paper: "Pal et al., 2023, arXiv:2308.10882",
  code: "abacusai/Long-Context python/models/interpolate.py:truncate_frequency",
  inputs: { x: "T D", positions: "T" },
  outputs: { out: "T D", invFreq: "I" },
  options: {
    lTrunc: real(Infinity, "L, the length within which a kept pair goes full circle", {
      above: 0,
      tried: [8, 64, 500],
    }),
    zeroRatio: real(8, "z = b/a, how far below the cutoff b pairs stop turning", { min: 1, tried: [2, 100] }),
    rateRatio: real(16, "r = b/ρ, how far below the cutoff b the one slow rate lies", { above: 0, tried: [4] }),
    kappa: real(0, "κ, the power of the power scaling", { min: 0, tried: [0.5] }),
    scale: real(1, "s, the factor of linear scaling", { above: 0, tried: [0.5, 2] }),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
  },
  axes: { I: (n) => n.D / 2 },
  tried: { D: [2, 4, 6, 8] },
  domain: { positions: { usual: [0, 20] } },
  properties: [
    { linear: "x", outputs: ["out"] },
    { independent: "T", outputs: ["out"] },
  ],
  run({ x, positions }, { D, I }, { lTrunc, zeroRatio, rateRatio, kappa, scale, base }) {
    const b = (2 * Math.PI) / lTrunc;
    const [a, rho] = [b / zeroRatio, b / rateRatio];
    const f = (i: number) => (base ** ((-2 * i) / D) / Math.max(scale, 1)) * (1 - (2 * i) / D) ** kappa;
    const invFreq = table([I], (i) => (f(i) >= b ? f(i) : f(i) >= a ? rho : 0));
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
