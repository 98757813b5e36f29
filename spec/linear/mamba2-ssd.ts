import { flag, integer, mechanism, real, rmsNorm, scan, silu, softplus, sum, table } from "../page.ts";

/**
 * Mamba-2, or state-space duality (SSD): a state-space model whose heads decay by one number each, so that it is at
 * once linear attention with queries $C$, keys $B$ and a mask of decays. Dao and Gu 2024, arXiv:2405.21060.
 *
 * $$ S_{t,h} = e^{\Delta_{t,h} A_h} S_{t-1,h} + \Delta_{t,h}\, u_{t,h}\, B_{t,\gamma(h)}^\top, \quad
 *    y_{t,h} = S_{t,h}\, C_{t,\gamma(h)} + D_h u_{t,h}, \quad \gamma(h) = \lfloor h G / H \rfloor $$
 * $$ [u_t; B_t; C_t] = \operatorname{silu}\Bigl(\sum_{j<K} \kappa_j \odot r_{t-K+1+j} + \beta^\kappa\Bigr), \quad
 *    r_t = [u'_t + x_t W^U;\ b_t + x_t W^B;\ c_t + x_t W^C] $$
 * $$ \Delta_t = \operatorname{softplus}(\delta_t + x_t W^\Delta + \beta), \quad
 *    o_t = \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(y_t \odot \operatorname{silu}(x_t W^Z))\bigr) W^O $$
 *
 * As attention, $y_t = \sum_{s \le t} e^{A \sum_{s < r \le t} \Delta_r} (C_t \cdot B_s)\, \Delta_s u_s + D u_t$; chunks
 * mix the two forms and change nothing. The scan by itself is given $u'$ = `u`, `b`, `c` and $\delta$ = `dt`; the block
 * is given the tokens `x` and weights; where both are given they add. Without `conv` $[u; B; C]$ is $r$, without `wZ`
 * there is no gate and without `norm` no norm. The gate comes before the norm, which takes all heads together
 * (`normGroups` 1: the authors' Mamba2Simple, transformers 5.18) or $G$ parts of them (`normGroups` $G$: the authors'
 * Mamba2, transformers 5.24). $A$ is `a`, or with `logA` $-e^{\texttt{a}}$. The official block holds the five
 * projections in one weight, in the order $z, u, B, C, \Delta$. States are $S$ and the last $K$ rows of $r$, of which
 * the convolution still reads $K - 1$. Cost: $O(T H E N)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads
 * or groups, $H$ is no multiple of $G$ or $HE$ none of `normGroups`, neither `u` nor `x` is given, a weight on `x`
 * comes without `x`, or `convB` or `convState` without `conv`.
 */
export const mamba2Ssd = mechanism({
  id: "linear/mamba2-ssd",
  name: "Mamba-2 (state-space duality, SSD)",
  paper: "Dao and Gu, 2024, arXiv:2405.21060",
  code: "state-spaces/mamba mamba_ssm/modules/mamba2_simple.py:Mamba2Simple",
  inputs: {
    u: "T H E = none",
    dt: "T H = 0",
    b: "T G N = 0",
    c: "T G N = 0",
    x: "T M = none",
    a: "H",
    d: "H = 0",
    dtBias: "H = 0",
    wZ: "M (H E) = none",
    wU: "M (H E) = 0",
    wB: "M (G N) = 0",
    wC: "M (G N) = 0",
    wDt: "M H = 0",
    conv: "Ac K = none",
    convB: "Ac = 0",
    norm: "(H E) = none",
    wOut: "(H E) Mo = identity",
    state: "H E N = 0",
    convState: "K Ac = 0",
  },
  outputs: { out: "T Mo", state: "H E N", convState: "K Ac = none" },
  options: {
    groups: integer(1, "G, groups of heads that share B and C", { min: 1, tried: [1, 2] }),
    softplus: flag(true, "whether the step is the softplus of what is given"),
    logA: flag(false, "whether a holds ln(−A), as the block's weights do"),
    normGroups: integer(1, "parts of the features that are normed apart", { min: 1, tried: [1, 2] }),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { G: (_, o) => o.groups, Ac: (n) => n.H * n.E + 2 * n.G * n.N },
  tried: { H: [1, 2, 2, 4], E: [1, 2], N: [1, 2], M: [1, 2], Mo: [1, 2, 3], K: [1, 2, 3] },
  requires: {
    "H must be a multiple of G": (n) => n.H % n.G === 0,
    "normGroups must divide H times E": (n, o) => (n.H * n.E) % o.normGroups === 0,
    "u or x must be given": (_, __, given) => given.u || given.x,
    "wZ, wU, wB, wC and wDt need x": (_, __, given) =>
      given.x || !(given.wZ || given.wU || given.wB || given.wC || given.wDt),
    "convB and convState need conv": (_, __, given) => given.conv || !(given.convB || given.convState),
  },
  domain: {
    dt: { usual: [0, 2] },
    a: { usual: [-2, 0] },
    dtBias: { usual: [0, 1] },
  },
  properties: [
    { linear: "wOut", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "convState"] },
    { even: ["b", "c", "wB", "wC", "state"], outputs: ["out"], when: (_, __, given) => !given.conv },
  ],
  run(inputs, { T, M, H, E, G, N, K, Ac }, { softplus: positive, logA, normGroups, eps }, given) {
    const { u, dt, b, c, x, a, d, dtBias, wZ, wU, wB, wC, wDt, conv, convB, norm, wOut, state, convState } = inputs;
    const projected = (t: number, w: (m: number) => number) => (given.x ? sum(M, (m) => x(t, m) * w(m)) : 0);
    const raw = table([T, Ac], (t, i) => {
      const [h, e] = [Math.floor(i / E), i % E];
      if (h < H) return (given.u ? u(t, h, e) : 0) + projected(t, (m) => wU(m, h, e));
      const [g, n] = [Math.floor((i - H * E) / N), (i - H * E) % N];
      return g < G
        ? b(t, g, n) + projected(t, (m) => wB(m, g, n))
        : c(t, g - G, n) + projected(t, (m) => wC(m, g - G, n));
    });
    const before = (t: number, i: number) => (t < 0 ? convState(K + t, i) : raw(t, i));
    const mixed = table([T, Ac], (t, i) =>
      given.conv ? silu(sum(K, (j) => conv(i, j) * before(t - K + 1 + j, i)) + convB(i)) : raw(t, i),
    );
    const shared = (h: number) => Math.floor((h * G) / H);
    const token = (t: number, h: number, e: number) => mixed(t, h * E + e);
    const B = (t: number, h: number, n: number) => mixed(t, H * E + shared(h) * N + n);
    const C = (t: number, h: number, n: number) => mixed(t, H * E + (G + shared(h)) * N + n);
    const Delta = table([T, H], (t, h) => {
      const step = dt(t, h) + projected(t, (m) => wDt(m, h)) + dtBias(h);
      return positive ? softplus(step) : step;
    });
    const decay = table([T, H], (t, h) => Math.exp(Delta(t, h) * (logA ? -Math.exp(a(h)) : a(h))));
    const S = scan(T, table([H, E, N], state), (held, t) =>
      table([H, E, N], (h, e, n) => decay(t, h) * held(h, e, n) + Delta(t, h) * token(t, h, e) * B(t, h, n)),
    );
    const y = table([T, H, E], (t, h, e) => sum(N, (n) => C(t, h, n) * S(t + 1)(h, e, n)) + d(h) * token(t, h, e));
    const gated = table([T, H, E], (t, h, e) => y(t, h, e) * (given.wZ ? silu(projected(t, (m) => wZ(m, h, e))) : 1));
    const part = (H * E) / normGroups;
    const unit = table([T, normGroups], (t, p) =>
      rmsNorm(part, (i) => gated(t, Math.floor((p * part + i) / E), (p * part + i) % E), eps),
    );
    const normed = (t: number, h: number, e: number) => {
      const i = h * E + e;
      return given.norm ? norm(h, e) * unit(t, Math.floor(i / part))(i % part) : gated(t, h, e);
    };
    const o = table([T, H, E], normed);
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wOut(h, e, m))),
      state: S(T),
      convState: given.conv ? (row, i) => before(T - K + row, i) : undefined,
    };
  },
});
