import { flag, gelu, mechanism, range, scan, sigmoid, sum, table } from "../page.ts";

type Complex = readonly [re: number, im: number];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const over = (x: Complex, [c, d]: Complex): Complex => times(x, [c / (c * c + d * d), -d / (c * c + d * d)]);

/**
 * S4D, the diagonal state-space layer: every channel drives $N$ complex states, each of which decays and turns at its
 * own rate, held for a step; then GELU, a dense layer and a GLU. Gu et al. 2022, arXiv:2206.11893.
 *
 * $$ x_{t,n} = e^{\Delta A_n} x_{t-1,n} + u_t, \quad
 *    y_t = 2 \operatorname{Re} \sum_n C_n \frac{e^{\Delta A_n} - 1}{A_n}\, x_{t,n} + D u_t, \quad
 *    [r; g] = \operatorname{gelu}(y_t) W + b, \quad o_t = r \odot \sigma(g) $$
 * $$ A_n = -e^{\texttt{aRe}_n} + i\,\texttt{aIm}_n, \quad \Delta = e^{\texttt{logDt}}, \quad
 *    \kappa_l = 2 \operatorname{Re} \sum_n C_n \frac{e^{\Delta A_n} - 1}{A_n}\, e^{l \Delta A_n} $$
 *
 * for each channel. $N$ counts one of each conjugate pair, the code's `d_state` both; $B$ is 1, and the input is held
 * over a step (zero-order hold). As a convolution, $y_t = \sum_{l \le t} \kappa_l u_{t-l} + D u_t$; `kernel` is
 * $\kappa$. Complex numbers are stored as real and imaginary part. `bidirectional` gives `c` a second half, rows $M$ to
 * $2M - 1$, for a kernel $\kappa'$ from the other side, and adds $\sum_{l \ge 0} \kappa'_l u_{t+1+l}$: it starts at the
 * next token, which is a choice of the official convolution. There is no state to hand over then. The GELU is exact.
 * Cost: $O(T M N)$ beside the projection, $O(T^2 M)$ from the other side.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a state comes with
 * `bidirectional`.
 */
export const s4d = mechanism({
  id: "linear/s4d",
  name: "S4D (diagonal state-space layer)",
  paper: "Gu et al., 2022, arXiv:2206.11893",
  code: "state-spaces/s4 models/s4/s4d.py:S4D",
  inputs: {
    u: "T M",
    logDt: "M",
    aRe: "M N",
    aIm: "M N",
    c: "Mk N 2",
    d: "M = 0",
    wOut: "M (2 Mo)",
    bOut: "(2 Mo) = 0",
    state: "M N 2 = 0",
  },
  outputs: { out: "T Mo", kernel: "Mk T", state: "M N 2 = none" },
  options: { bidirectional: flag(false, "a second kernel runs from the last token to the first") },
  axes: { Mk: (n, o) => (o.bidirectional ? 2 * n.M : n.M) },
  requires: { "a state needs bidirectional = false": (_, o, given) => !(o.bidirectional && given.state) },
  domain: { logDt: { usual: [-4, 0] }, aRe: { usual: [-2, 1] } },
  properties: [
    { linear: ["u", "state"], outputs: ["state"], when: (_, o) => !o.bidirectional },
    { linear: "c", outputs: ["kernel"] },
    { causal: "T", outputs: ["out", "kernel"], when: (_, o) => !o.bidirectional },
    { resumes: "T", states: "state", outputs: ["out", "state"], when: (_, o) => !o.bidirectional },
  ],
  run({ u, logDt, aRe, aIm, c, d, wOut, bOut, state }, { T, M, Mk, N, Mo }, { bidirectional }) {
    const A = table([M, N], (m, n): Complex => [-Math.exp(aRe(m, n)), aIm(m, n)]);
    const power = (m: number, n: number, l: number): Complex => {
      const [re, im] = A(m, n);
      const size = Math.exp(l * Math.exp(logDt(m)) * re);
      const angle = l * Math.exp(logDt(m)) * im;
      return [size * Math.cos(angle), size * Math.sin(angle)];
    };
    const pair = (f: typeof c, m: number, n: number): Complex => [f(m, n, 0), f(m, n, 1)];
    const keep = table([M, N, 2], (m, n, i) => power(m, n, 1)[i]!);
    const gain = table([Mk, N, 2], (m, n, i) => {
      const [re, im] = pair(keep, m % M, n);
      return times(pair(c, m, n), over([re - 1, im], A(m % M, n)))[i]!;
    });
    const read = (m: number, x: (n: number) => Complex) => 2 * sum(N, (n) => times(pair(gain, m, n), x(n))[0]);
    const kernel = table([Mk, T], (m, l) => read(m, (n) => power(m % M, n, l)));
    const x = scan(T, table([M, N, 2], state), (before, t) =>
      table([M, N, 2], (m, n, i) => times(pair(keep, m, n), pair(before, m, n))[i]! + (i === 0 ? u(t, m) : 0)),
    );
    const past = (t: number, m: number) => read(m, (n) => pair(x(t + 1), m, n));
    const future = (t: number, m: number) => sum(range(t + 1, T), (s) => kernel(M + m, s - t - 1) * u(s, m));
    const y = table([T, M], (t, m) => gelu(past(t, m) + (bidirectional ? future(t, m) : 0) + d(m) * u(t, m)));
    const half = table([T, 2, Mo], (t, i, j) => sum(M, (m) => y(t, m) * wOut(m, i, j)) + bOut(i, j));
    return {
      out: (t, j) => half(t, 0, j) * sigmoid(half(t, 1, j)),
      kernel,
      state: bidirectional ? undefined : x(T),
    };
  },
});
