import { mechanism, real, rmsNorm, scan, sigmoid, silu, softplus, sum, table } from "../page.ts";

/**
 * Rodimus: gated linear attention with data-dependent tempered selection: one gate, raised to a temperature, decides
 * both what is written and what fades. One head, the layer. He et al. 2024, arXiv:2410.06577.
 *
 * $$ u = x W^{\mathrm{up}}, \quad
 *    c_t = \operatorname{silu}\Bigl(b + \sum_{j<K} C_{\cdot,j} \odot u_{t-K+1+j}\Bigr), \quad
 *    g = \operatorname{softplus}(c W^g + b^g), \quad \tau = \operatorname{sigmoid}(c W^\tau + b^\tau) $$
 * $$ k_t = g_t^{\tau_t} \odot \frac{c_t W^K}{\max(\|c_t W^K\|, \epsilon_k)}, \quad
 *    v_t = \operatorname{sigmoid}(u_t V_A V_B + b^V) \odot u_t, \quad
 *    S_t = \operatorname{diag}(e^{-g_t \odot \tau_t})\, S_{t-1} + k_t v_t^\top $$
 * $$ y_t = \Bigl(\nu \odot \operatorname{RMSNorm}\bigl((\sigma S_t^\top c_t W^Q + \rho \odot c_t)
 *    \odot \operatorname{silu}(x_t W^{\mathrm{gate}})\bigr)\Bigr) W^{\mathrm{down}} $$
 *
 * Values come from $u$, before the convolution; the gate acts before the norm. $\sigma = 1/\sqrt N$ is the code's, not
 * the paper's; of it only its proportion to $\rho$ = `wRes` and ε counts. `tail` is the last $K - 1$ rows of $u$, the
 * oldest first, and is carried like `state`; before the first token they are 0. Rodimus+ puts sliding-window attention
 * with one shared key head beside this layer, which is not on this page. Cost: $O(T N A)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const rodimus = mechanism({
  id: "linear/rodimus",
  name: "Rodimus (data-dependent tempered selection)",
  paper: "He et al., 2024, arXiv:2410.06577",
  code: "fla-org/flash-linear-attention fla/layers/rodimus.py:RodimusAttention",
  inputs: {
    x: "T M",
    wUp: "M A",
    wGate: "M A",
    conv: "A K",
    convB: "A = 0",
    wQ: "A N",
    wK: "A N",
    wG: "A N",
    bG: "N = 0",
    wTau: "A N",
    bTau: "N = 0",
    vA: "A R",
    vB: "R A",
    vBias: "A = 0",
    wRes: "A = 1",
    norm: "A = 1",
    wDown: "A Mo",
    state: "N A = 0",
    tail: "Kt A = 0",
  },
  outputs: { out: "T Mo", state: "N A", tail: "Kt A" },
  options: {
    scale: real((n: { N: number }) => 1 / Math.sqrt(n.N), "σ, the factor on the queries", { tried: [0.5] }),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
    keyEps: real(1e-12, "the least length a key is divided by", { min: 0, tried: [0.5] }),
  },
  axes: { Kt: (n) => n.K - 1 },
  mayBeEmpty: ["Kt"],
  tried: { M: [1, 2, 3], A: [1, 2, 4], N: [1, 2, 3], K: [1, 2, 4], R: [1, 2] },
  properties: [
    { linear: "wDown", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "tail"] },
  ],
  run(
    { x, wUp, wGate, conv, convB, wQ, wK, wG, bG, wTau, bTau, vA, vB, vBias, wRes, norm, wDown, state, tail },
    { T, M, A, K, N, R, Kt },
    { scale, eps, keyEps },
  ) {
    const u = table([Kt + T, A], (t, a) => (t < Kt ? tail(t, a) : sum(M, (m) => x(t - Kt, m) * wUp(m, a))));
    const c = table([T, A], (t, a) => silu(convB(a) + sum(K, (j) => conv(a, j) * u(t + j, a))));
    const from = (w: (a: number, n: number) => number) => table([T, N], (t, n) => sum(A, (a) => c(t, a) * w(a, n)));
    const [q, plain, gate, heat] = [from(wQ), from(wK), from(wG), from(wTau)];
    const g = table([T, N], (t, n) => softplus(gate(t, n) + bG(n)));
    const tau = table([T, N], (t, n) => sigmoid(heat(t, n) + bTau(n)));
    const size = table([T], (t) => Math.max(Math.sqrt(sum(N, (n) => plain(t, n) ** 2)), keyEps));
    const k = table([T, N], (t, n) => (g(t, n) ** tau(t, n) * plain(t, n)) / size(t));
    const low = table([T, R], (t, r) => sum(A, (a) => u(Kt + t, a) * vA(a, r)));
    const v = table([T, A], (t, a) => sigmoid(sum(R, (r) => low(t, r) * vB(r, a)) + vBias(a)) * u(Kt + t, a));
    const S = scan(T, table([N, A], state), (before, t) =>
      table([N, A], (n, a) => Math.exp(-g(t, n) * tau(t, n)) * before(n, a) + k(t, n) * v(t, a)),
    );
    const open = table([T, A], (t, a) => silu(sum(M, (m) => x(t, m) * wGate(m, a))));
    const y = table(
      [T, A],
      (t, a) => (scale * sum(N, (n) => q(t, n) * S(t + 1)(n, a)) + wRes(a) * c(t, a)) * open(t, a),
    );
    const normed = table([T], (t) => rmsNorm(A, (a) => y(t, a), eps));
    return {
      out: (t, m) => sum(A, (a) => norm(a) * normed(t)(a) * wDown(a, m)),
      state: S(T),
      tail: (j, a) => u(T + j, a),
    };
  },
});
