import { flag, mechanism, scan, sigmoid, sum, table } from "../page.ts";

/**
 * Longhorn, the recurrence: a state-space model whose step is the closed-form answer to an online regression, so that
 * the size of a write already accounts for what it will change. One key and query of N numbers are shared by all A
 * channels. Liu et al. 2024, arXiv:2407.14207.
 *
 * $$ b_{t,a} = \operatorname{sigmoid}(\mathrm{dt}_{t,a}), \quad
 *    \Delta_{t,a} = \frac{b_{t,a}}{1 + b_{t,a} |k_t|^2}, \quad
 *    S_{t,a,n} = (1 - \Delta_{t,a} k_{t,n}^2)\, S_{t-1,a,n} + \Delta_{t,a} x_{t,a} k_{t,n} $$
 * $$ y_{t,a} = \sum_n S_{t,a,n}\, q_{t,n} + \mathrm{dSkip}_a\, x_{t,a} $$
 *
 * The square of $k$ stands for the matrix $k k^\top$, of which only the diagonal is kept. With `exact` it is kept
 * whole: $S_{t,a} = S_{t-1,a} + \Delta_{t,a} (x_{t,a} - S_{t-1,a} \cdot k_t)\, k_t$, which minimises
 * $|S_{t,a} - S_{t-1,a}|^2 + b_{t,a} (S_{t,a} \cdot k_t - x_{t,a})^2$. The official code has the diagonal alone. `dt`
 * comes with its bias added. `state` goes in and comes out. `linear/longhorn-layer` is the block around it. Cost:
 * $O(T A N)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const longhorn = mechanism({
  id: "linear/longhorn",
  name: "Longhorn",
  paper: "Liu et al., 2024, arXiv:2407.14207",
  code: "Cranial-XIX/longhorn models/longhorn.py:Longhorn.step",
  inputs: { x: "T A", k: "T N", q: "T N", dt: "T A", dSkip: "A", state: "A N = 0" },
  outputs: { out: "T A", state: "A N" },
  options: { exact: flag(false, "whether the whole of k kᵀ is used rather than its diagonal") },
  properties: [
    { linear: ["x", "state"] },
    { linear: ["q", "dSkip"], outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["k", "q", "state"], outputs: ["out"] },
    { even: ["k", "x"], outputs: ["state"] },
    { equivariant: "A" },
  ],
  run({ x, k, q, dt, dSkip, state }, { T, A, N }, { exact }) {
    const size = table([T], (t) => sum(N, (n) => k(t, n) ** 2));
    const step = table([T, A], (t, a) => {
      const b = sigmoid(dt(t, a));
      return b / (1 + b * size(t));
    });
    const S = scan(T, table([A, N], state), (before, t) => {
      const read = table([A], (a) => sum(N, (n) => before(a, n) * k(t, n)));
      const held = (a: number, n: number) => (exact ? read(a) : before(a, n) * k(t, n));
      return table([A, N], (a, n) => before(a, n) + step(t, a) * (x(t, a) - held(a, n)) * k(t, n));
    });
    return {
      out: (t, a) => sum(N, (n) => S(t + 1)(a, n) * q(t, n)) + dSkip(a) * x(t, a),
      state: S(T),
    };
  },
});
