import { choice, integer, type Matrix, mechanism, scan, sum, table, type Vector } from "../page.ts";

/**
 * MesaNet, the recurrence: linear attention whose queries go through the inverse of the keys' running covariance, so
 * that each output is that of the ridge regression from keys to values of all tokens so far. Von Oswald et al. 2025,
 * arXiv:2506.05233.
 *
 * $$ G_t = e^{g_t} G_{t-1} + \beta_t k_t k_t^\top, \qquad H_t = e^{g_t} H_{t-1} + \beta_t k_t v_t^\top, \qquad
 *    o_t = H_t^\top \bigl(G_t + \operatorname{diag}(\lambda)\bigr)^{-1} q_t $$
 *
 * `solver` `exact` inverts; `cg` is what the code runs, `iters` steps of conjugate gradients on $x$, from $x = 0$ (as
 * over whole sequences) or, with `start` `diag`, from $x_i = q_i / (G_{ii} + \lambda_i)$ (as in decoding):
 *
 * $$ r = p = q - Mx; \qquad \alpha = \frac{r \cdot r}{p \cdot M p + \varepsilon}, \quad x \mathrel{+}= \alpha p, \quad
 *    r' = r - \alpha M p, \quad
 *    p = r' + \frac{r' \cdot r'}{r \cdot r + \varepsilon}\, p $$
 *
 * with $M = G_t + \operatorname{diag}(\lambda)$ and $\varepsilon = 10^{-5}$ in both denominators, which keeps it some
 * $10^{-4}$ away from the exact answer. $q$ and $k$ are meant to have length 1, $g \le 0$, $\beta$ between 0 and 1,
 * $\lambda > 0$ and `stateG` symmetric and positive semidefinite, so that $M$ has an inverse; none is enforced. The
 * official naive functions take $E = D$ only. The layer is `linear/mesanet-layer`. Cost: $O(T D (D^2 + E))$, with `cg`
 * $O(T D (\mathrm{iters} \cdot D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const mesanet = mechanism({
  id: "linear/mesanet",
  name: "MesaNet",
  paper: "von Oswald et al., 2025, arXiv:2506.05233",
  code: "fla-org/flash-linear-attention fla/ops/mesa_net/naive.py:naive_mesa_net_exact",
  inputs: {
    q: "T D",
    k: "T D",
    v: "T E",
    g: "T",
    beta: "T",
    lambda: "D",
    stateG: "D D = 0",
    stateH: "D E = 0",
  },
  outputs: { out: "T E", stateG: "D D", stateH: "D E" },
  options: {
    solver: choice(["exact", "cg"], "how the system is solved"),
    iters: integer(30, "steps of conjugate gradients", { min: 0, max: 10000, tried: [0, 1, 2, 3] }),
    start: choice(["zero", "diag"], "where conjugate gradients set out from"),
  },
  domain: {
    k: { usual: [-1, 1] },
    g: { usual: [-3, 0] },
    beta: { usual: [0, 1] },
    lambda: { usual: [2, 4] },
    stateG: { usual: [-0.25, 0.25] },
  },
  properties: [
    { linear: ["v", "stateH"], outputs: ["out", "stateH"] },
    { linear: "q", outputs: ["out"], when: (_, o) => o.solver === "exact" },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["stateG", "stateH"] },
    { even: ["k", "v"] },
    { even: ["q", "k", "stateH"], outputs: ["out", "stateG"] },
  ],
  run({ q, k, v, g, beta, lambda, stateG, stateH }, { T, D, E }, { solver, iters, start }) {
    const G = scan(T, table([D, D], stateG), (before, t) =>
      table([D, D], (i, j) => Math.exp(g(t)) * before(i, j) + beta(t) * k(t, i) * k(t, j)),
    );
    const H = scan(T, table([D, E], stateH), (before, t) =>
      table([D, E], (i, e) => Math.exp(g(t)) * before(i, e) + beta(t) * k(t, i) * v(t, e)),
    );
    const dot = (a: Vector, b: Vector) => sum(D, (i) => a(i) * b(i));

    /** x with M x = y, by elimination; the pivots of a positive definite M are not 0. */
    function solved(M: Matrix, y: Vector): Vector {
      const start = table([D, D + 1], (i, c) => (c < D ? M(i, c) : y(i)));
      const reduced = scan(D, start, (m, j) => {
        const row = table([D + 1], (c) => m(j, c) / m(j, j));
        return table([D, D + 1], (i, c) => (i === j ? row(c) : m(i, c) - m(i, j) * row(c)));
      });
      return (i) => reduced(D)(i, D);
    }

    function conjugateGradients(M: Matrix, y: Vector, x: Vector): Vector {
      const times = (p: Vector) => table([D], (i) => sum(D, (j) => M(i, j) * p(j)));
      const Mx = times(x);
      const r = table([D], (i) => y(i) - Mx(i));
      const after = scan(iters, { x, r, p: r }, ({ x, r, p }) => {
        const Mp = times(p);
        const step = dot(r, r) / (dot(p, Mp) + 1e-5);
        const rest = table([D], (i) => r(i) - step * Mp(i));
        const turn = dot(rest, rest) / (dot(r, r) + 1e-5);
        return {
          x: table([D], (i) => x(i) + step * p(i)),
          r: rest,
          p: table([D], (i) => rest(i) + turn * p(i)),
        };
      });
      return after(iters).x;
    }

    const solution = table([T], (t) => {
      const M = table([D, D], (i, j) => G(t + 1)(i, j) + (i === j ? lambda(i) : 0));
      const y = (i: number) => q(t, i);
      if (solver === "exact") return solved(M, y);
      return conjugateGradients(
        M,
        y,
        table([D], (i) => (start === "diag" ? y(i) / M(i, i) : 0)),
      );
    });
    return {
      out: (t, e) => sum(D, (i) => solution(t)(i) * H(t + 1)(i, e)),
      stateG: G(T),
      stateH: H(T),
    };
  },
});
