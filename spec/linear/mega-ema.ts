import { flag, mechanism, scan, sigmoid, silu, sum, table } from "../page.ts";

/**
 * The damped multi-dimensional moving average of Mega: every channel is spread over $N$ states, each a running average
 * with its own damped decay, and gathered again. Ma et al. 2022, arXiv:2209.10655.
 *
 * $$ h_t = (1 - p\,a) \odot h_{t-1} + p \odot \beta\, x_t, \quad
 *    y_t = \operatorname{silu}\Bigl(\tfrac{1}{\sqrt N} \gamma \cdot h_t + \omega x_t\Bigr), \quad
 *    p = \sigma(\delta), \quad a = \sigma(\alpha) $$
 *
 * for each channel. As a convolution, the kernel is
 * $\kappa_\ell = \frac{1}{\sqrt N} \sum_n \gamma_n p_n \beta_n (1 - p_n a_n)^\ell$. The paper calls the factor on the
 * input α and the damping δ; the code, followed here, names the two parameters the other way round, and adds the skip ω
 * and the SiLU. `bidirectional` adds a second average from the last token to the first, with rows $M$ to $2M - 1$ of
 * the parameters; both count the token itself. Only without it is there a state. Cost: $O(T M N)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a state comes with
 * `bidirectional`.
 */
export const megaEma = mechanism({
  id: "linear/mega-ema",
  name: "Mega's damped multi-dimensional moving average",
  paper: "Ma et al., 2022, arXiv:2209.10655",
  code: "facebookresearch/mega fairseq/modules/exponential_moving_average.py:MultiHeadEMA",
  inputs: {
    x: "T M",
    delta: "Mk N",
    alpha: "Mk N",
    beta: "Mk N",
    gamma: "Mk N",
    omega: "M = 0",
    state: "M N = 0",
  },
  outputs: { out: "T M", state: "M N = none" },
  options: { bidirectional: flag(false, "a second average runs from the last token to the first") },
  axes: { Mk: (n, o) => (o.bidirectional ? 2 * n.M : n.M) },
  requires: { "a state needs bidirectional = false": (_, o, given) => !(o.bidirectional && given.state) },
  properties: [
    { linear: ["x", "state"], outputs: ["state"], when: (_, o) => !o.bidirectional },
    { causal: "T", outputs: ["out"], when: (_, o) => !o.bidirectional },
    { resumes: "T", states: "state", when: (_, o) => !o.bidirectional },
    { even: ["beta", "gamma"], outputs: ["out"], when: (_, __, given) => !given.state },
  ],
  run({ x, delta, alpha, beta, gamma, omega, state }, { T, M, N }, { bidirectional }) {
    const average = (row: number, token: (step: number) => number, first: typeof state) =>
      scan(T, table([M, N], first), (h, step) =>
        table([M, N], (m, n) => {
          const p = sigmoid(delta(row + m, n));
          return (1 - p * sigmoid(alpha(row + m, n))) * h(m, n) + p * beta(row + m, n) * x(token(step), m);
        }),
      );
    const gathered = (row: number, m: number, h: typeof state) =>
      sum(N, (n) => gamma(row + m, n) * h(m, n)) / Math.sqrt(N);
    const past = average(0, (step) => step, state);
    const future = bidirectional
      ? average(
          M,
          (step) => T - 1 - step,
          () => 0,
        )
      : undefined;
    return {
      out: (t, m) =>
        silu(gathered(0, m, past(t + 1)) + (future ? gathered(M, m, future(T - t)) : 0) + omega(m) * x(t, m)),
      state: bidirectional ? undefined : past(T),
    };
  },
});
