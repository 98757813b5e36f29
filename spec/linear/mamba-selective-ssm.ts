import { flag, mechanism, scan, silu, softplus, sum, table } from "../page.ts";

/**
 * The selective state-space model of Mamba (S6): every channel keeps $N$ states that decay at rates of their own,
 * faster where the step $\Delta$ of the token is long; the token also decides what is written and what is read. Gu and
 * Dao 2023, arXiv:2312.00752, §3.2 and 3.4.
 *
 * $$ S_{t,i,n} = e^{\Delta_{t,i} A_{i,n}} S_{t-1,i,n} + \Delta_{t,i} B_{t,n}\, u_{t,i}, \quad
 *    y_{t,i} = \Bigl(\sum_n C_{t,n} S_{t,i,n} + D_i u_{t,i}\Bigr) \operatorname{silu}(z_{t,i}) $$
 * $$ \Delta_t = \operatorname{softplus}(\delta_t + u_t W^R W^{\Delta} + \beta), \quad
 *    B_t = b_t + u_t W^B, \quad C_t = c_t + u_t W^C $$
 * $$ u_t = \operatorname{silu}\Bigl(\sum_{j<K} \kappa_j \odot \hat u_{t-K+1+j} + \beta^\kappa\Bigr), \quad
 *    \hat u_t = u'_t + x_t W^U, \quad z_t = z'_t + x_t W^Z, \quad o_t = y_t W^O $$
 *
 * The scan by itself is given $u'$ = `u`, $\delta$, $b$, $c$ and perhaps the gate $z'$ = `z`; the block is given the
 * tokens `x` and weights; where both are given they add. Without `conv` $u$ is $\hat u$, without a gate there is no
 * factor. $A$ is `a`, or with `logA` $-e^{\texttt{a}}$. The paper's text holds the input for a step exactly,
 * $(e^{\Delta A} - 1) A^{-1} B$; its code, followed here, writes $\Delta B$. The official block holds $W^U, W^Z$ in one
 * weight, and $W^R, W^B, W^C$ in another. States are $S$ and the last $K$ rows of $\hat u$, of which the convolution
 * still reads $K - 1$. Cost: $O(T A N)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, neither `u` nor `x` is given, a
 * weight on `x` comes without `x`, `convB` or `convState` without `conv`, or one of `wR` and `wDt` without the other.
 */
export const mambaSelectiveSsm = mechanism({
  id: "linear/mamba-selective-ssm",
  name: "Selective state-space model (S6, Mamba)",
  paper: "Gu and Dao, 2023, arXiv:2312.00752",
  code: "state-spaces/mamba mamba_ssm/ops/selective_scan_interface.py:selective_scan_ref",
  inputs: {
    u: "T A = none",
    delta: "T A = 0",
    b: "T N = 0",
    c: "T N = 0",
    z: "T A = none",
    x: "T M = none",
    a: "A N",
    d: "A = 0",
    dtBias: "A = 0",
    wU: "M A = 0",
    wZ: "M A = none",
    conv: "A K = none",
    convB: "A = 0",
    wR: "A R = 0",
    wDt: "R A = 0",
    wB: "A N = 0",
    wC: "A N = 0",
    wOut: "A Mo = identity",
    state: "A N = 0",
    convState: "K A = 0",
  },
  outputs: { out: "T Mo", state: "A N", convState: "K A = none" },
  options: {
    softplus: flag(true, "whether the step is the softplus of what is given"),
    logA: flag(false, "whether a holds ln(−A), as the block's weights do"),
  },
  requires: {
    "u or x must be given": (_, __, given) => given.u || given.x,
    "wU and wZ need x": (_, __, given) => given.x || !(given.wU || given.wZ),
    "convB and convState need conv": (_, __, given) => given.conv || !(given.convB || given.convState),
    "wR and wDt come together": (_, __, given) => given.wR === given.wDt,
  },
  domain: {
    delta: { usual: [-2, 2] },
    a: { usual: [-2, 0] },
    dtBias: { usual: [-1, 1] },
  },
  properties: [
    { linear: ["c", "d"], outputs: ["out"], when: (_, __, given) => !given.wC },
    { linear: "wOut", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "convState"] },
    { even: ["b", "c", "wB", "wC", "state"], outputs: ["out"] },
  ],
  run(inputs, { T, M, A, N, K, R }, { softplus: positive, logA }, given) {
    const { u, delta, b, c, z, x, a, d, dtBias, wU, wZ, conv, convB, wR, wDt, wB, wC, wOut, state, convState } = inputs;
    const projected = (t: number, w: (m: number) => number) => (given.x ? sum(M, (m) => x(t, m) * w(m)) : 0);
    const raw = table([T, A], (t, i) => (given.u ? u(t, i) : 0) + projected(t, (m) => wU(m, i)));
    const before = (t: number, i: number) => (t < 0 ? convState(K + t, i) : raw(t, i));
    const token = table([T, A], (t, i) =>
      given.conv ? silu(sum(K, (j) => conv(i, j) * before(t - K + 1 + j, i)) + convB(i)) : raw(t, i),
    );
    const narrow = table([T, R], (t, r) => sum(A, (i) => token(t, i) * wR(i, r)));
    const Delta = table([T, A], (t, i) => {
      const step = delta(t, i) + sum(R, (r) => narrow(t, r) * wDt(r, i)) + dtBias(i);
      return positive ? softplus(step) : step;
    });
    const B = table([T, N], (t, n) => b(t, n) + sum(A, (i) => token(t, i) * wB(i, n)));
    const C = table([T, N], (t, n) => c(t, n) + sum(A, (i) => token(t, i) * wC(i, n)));
    const rate = table([A, N], (i, n) => (logA ? -Math.exp(a(i, n)) : a(i, n)));
    const S = scan(T, table([A, N], state), (held, t) =>
      table([A, N], (i, n) => Math.exp(Delta(t, i) * rate(i, n)) * held(i, n) + Delta(t, i) * B(t, n) * token(t, i)),
    );
    const gate = (t: number, i: number) =>
      given.z || given.wZ ? silu((given.z ? z(t, i) : 0) + (given.wZ ? projected(t, (m) => wZ(m, i)) : 0)) : 1;
    const y = table([T, A], (t, i) => (sum(N, (n) => C(t, n) * S(t + 1)(i, n)) + d(i) * token(t, i)) * gate(t, i));
    return {
      out: (t, m) => sum(A, (i) => y(t, i) * wOut(i, m)),
      state: S(T),
      convState: given.conv ? (row, i) => before(T - K + row, i) : undefined,
    };
  },
});
