import { flag, mechanism, silu, sum, table } from "../page.ts";
import { longhorn } from "./longhorn.ts";

/**
 * The Longhorn block, which is Mamba's around another recurrence: a projection into a branch that is convolved and
 * remembered and a gate, keys, queries and steps from the convolved branch, the recurrence (`linear/longhorn`), the
 * gate and the output projection. Liu et al. 2024, arXiv:2407.14207.
 *
 * $$ [\bar x_t; z_t] = u_t W^{\mathrm{in}}, \quad
 *    x_t = \mathrm{silu}(\operatorname{conv}(\bar x)_t + \mathrm{convB}), \quad
 *    [r_t; k_t; q_t] = x_t W^x, \quad \mathrm{dt}_t = r_t W^{\mathrm{dt}} + b^{\mathrm{dt}} $$
 * $$ y_t = \bigl(\mathrm{Longhorn}(x, k, q, \mathrm{dt})_t \odot \mathrm{silu}(z_t)\bigr) W^{\mathrm{out}} $$
 *
 * `wX` has R columns for the steps, then N for the key, then N for the query. The convolution runs over each channel's
 * last K values of $\bar x$, tap $K - 1$ on the token itself. `cache` holds the last $K$ of them, oldest first, zeros
 * at first; the oldest is not read, the official cache has it. With `exact` the recurrence keeps all of $k k^\top$.
 * Cost: $O(T A N)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the columns of `wX` do not
 * divide.
 */
export const longhornLayer = mechanism({
  id: "linear/longhorn-layer",
  name: "Longhorn block",
  paper: "Liu et al., 2024, arXiv:2407.14207",
  code: "Cranial-XIX/longhorn models/longhorn.py:Longhorn.step",
  inputs: {
    u: "T M",
    wIn: "M (2 A)",
    conv: "A K",
    convB: "A",
    wX: "A Ax",
    wDt: "R A",
    bDt: "A",
    dSkip: "A",
    wOut: "A Mo",
    state: "A N = 0",
    cache: "A K = 0",
  },
  outputs: { out: "T Mo", state: "A N", cache: "A K" },
  options: { exact: flag(false, "whether the whole of k kᵀ is used rather than its diagonal") },
  axes: { N: (n) => (n.Ax - n.R) / 2 },
  tried: { T: [1, 2, 4], Ax: [3, 4, 5], R: [1, 2] },
  requires: { "Ax must leave room for a key and a query beside R": (n) => n.N >= 1 },
  properties: [
    { linear: "wOut", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "cache"] },
  ],
  run({ u, wIn, conv, convB, wX, wDt, bDt, dSkip, wOut, state, cache }, { T, M, A, N, R, K, Ax }, { exact }) {
    const half = (part: number) => table([T, A], (t, a) => sum(M, (m) => u(t, m) * wIn(m, part, a)));
    const [branch, z] = [half(0), half(1)];
    // What is convolved, the cached values before those of the sequence.
    const stream = (s: number, a: number) => (s < K ? cache(a, s) : branch(s - K, a));
    const x = table([T, A], (t, a) => silu(sum(K, (j) => conv(a, j) * stream(t + 1 + j, a)) + convB(a)));
    const made = table([T, Ax], (t, c) => sum(A, (a) => x(t, a) * wX(a, c)));
    const inner = longhorn.page.run(
      {
        x,
        k: (t, n) => made(t, R + n),
        q: (t, n) => made(t, R + N + n),
        dt: (t, a) => sum(R, (r) => made(t, r) * wDt(r, a)) + bDt(a),
        dSkip,
        state,
      },
      { T, A, N },
      { exact },
      { state: true },
    );
    const y = table([T, A], (t, a) => inner.out(t, a) * silu(z(t, a)));
    return {
      out: (t, m) => sum(A, (a) => y(t, a) * wOut(a, m)),
      state: inner.state,
      cache: (a, j) => stream(T + j, a),
    };
  },
});
