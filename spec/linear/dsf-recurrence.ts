import { mechanism, scan, sum, table } from "../page.ts";

/**
 * The recurrence of the dynamical systems framework: a linear system whose matrices change with every token, and of
 * which linear attention, selective state space models and gated recurrent networks are instances. Sieber et al. 2024,
 * arXiv:2405.15731.
 *
 * $$ h_t = \Lambda_t \odot h_{t-1} + B_t u_t, \qquad y_t = C_t h_t + D_t u_t $$
 *
 * As one matrix, $y = \Phi u$ with $\Phi_{t,s} = C_t \bigl(\prod_{r=s+1}^{t} \Lambda_r\bigr) B_s$ below the diagonal,
 * $C_t B_t + D_t$ on it and 0 above. $\Lambda$ is diagonal and the first one acts on the given `state` alone, which is
 * 0 by default. Linear attention with features φ and denominators $\eta_t$ has $\Lambda_t = \eta_{t-1}/\eta_t$,
 * $B_t = (I \otimes \phi(k_t))\, W_V^\top / \eta_t$ and $C_t = I \otimes \phi(q_t)^\top$, where the values are
 * $W_V^\top u$. A selective state space model has, in each channel, $\Lambda_t = e^{\Delta_t a}$, $B_t = \Delta_t b_t$
 * and $C_t = c_t^\top$. `state` comes out after the last token. Cost: $O(T N (M + M_o))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const dsfRecurrence = mechanism({
  id: "linear/dsf-recurrence",
  name: "Dynamical systems framework recurrence",
  paper: "Sieber et al., 2024, arXiv:2405.15731",
  inputs: { u: "T M", lambda: "T N", b: "T N M", c: "T Mo N", d: "T Mo M = 0", state: "N = 0" },
  outputs: { out: "T Mo", state: "N" },
  options: {},
  domain: { lambda: { usual: [-1, 1] } },
  properties: [
    { linear: ["u", "state"] },
    { linear: ["b", "d", "state"] },
    { linear: ["c", "d"], outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
  ],
  run({ u, lambda, b, c, d, state }, { T, M, N }) {
    const h = scan(T, table([N], state), (before, t) =>
      table([N], (i) => lambda(t, i) * before(i) + sum(M, (m) => b(t, i, m) * u(t, m))),
    );
    return {
      out: (t, m) => sum(N, (i) => c(t, m, i) * h(t + 1)(i)) + sum(M, (j) => d(t, m, j) * u(t, j)),
      state: h(T),
    };
  },
});
