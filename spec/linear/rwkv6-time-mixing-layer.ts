import { layerNorm, mechanism, real, scan, silu, sum, table } from "../page.ts";

/**
 * The time mixing layer of RWKV-6 (Finch): each of five projections sees its own blend of a token and the one before,
 * chosen by the token; the decay is made from it too. Around `linear/rwkv6-time-mixing`. Peng et al. 2024,
 * arXiv:2404.05892.
 *
 * $$ \delta_t = x_{t-1} - x_t, \quad z_t = \tanh\bigl((x_t + \delta_t \odot \mu_x) A\bigr), \quad
 *    x^i_t = x_t + \delta_t \odot (\mu_i + z_{t,i} B_i), \quad i \in (r, w, k, v, g) $$
 * $$ r = x^r W^R, \quad k = x^k W^K, \quad v = x^v W^V, \quad g = x^g W^G, \quad
 *    w = \exp\bigl(-\exp(\lambda + \tanh(x^w A_\lambda) B_\lambda)\bigr) $$
 * $$ o_{t,h} = \bigl(S_{t-1,h} + \operatorname{diag}(u_h)\, k_{t,h} v_{t,h}^\top\bigr)^\top r_{t,h}, \quad
 *    S_{t,h} = \operatorname{diag}(w_{t,h})\, S_{t-1,h} + k_{t,h} v_{t,h}^\top $$
 * $$ y_t = \sum_h \bigl(\operatorname{silu}(g_{t,h})
 *    \odot (\nu_h \odot \operatorname{LayerNorm}(o_{t,h}) + \beta_h)\bigr)\, W^O_h $$
 *
 * The low-rank pairs are `mixA` and `mixB` for the blends, `decayA` and `decayB` with the bias `decay` = $\lambda$ for
 * the decay. The order of the five is that of flash-linear-attention; the authors' weights have $w$, $k$, $v$, $r$,
 * $g$. ε of the norm is 64·10⁻⁵ in the authors' code and 10⁻⁵ in that library. The token before the first is `last`,
 * zeros by default. Cost: $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const rwkv6TimeMixingLayer = mechanism({
  id: "linear/rwkv6-time-mixing-layer",
  name: "RWKV-6 (Finch) time mixing layer",
  paper: "Peng et al., 2024, arXiv:2404.05892",
  code: "fla-org/flash-linear-attention fla/layers/rwkv6.py:RWKV6Attention",
  inputs: {
    x: "T M",
    muX: "M",
    mu: "5 M",
    mixA: "M (5 R)",
    mixB: "5 R M",
    decay: "(H D)",
    decayA: "M Rw",
    decayB: "Rw (H D)",
    u: "H D",
    wR: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wG: "M (H E)",
    gnW: "(H E) = 1",
    gnB: "(H E) = 0",
    wO: "(H E) Mo",
    last: "M = 0",
    state: "H D E = 0",
  },
  outputs: { out: "T Mo", last: "M", state: "H D E" },
  options: { gnEps: real(64e-5, "ε of the norm of a head", { above: 0, tried: [1e-5, 0.5] }) },
  tried: { T: [1, 2, 4], M: [1, 2], Mo: [1, 2], H: [1, 2], D: [1, 2], E: [1, 2], R: [1, 2], Rw: [1, 2] },
  domain: { muX: { usual: [0, 1] }, mu: { usual: [0, 1] } },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["state", "last"] },
  ],
  run(x$, { T, M, H, D, E, R, Rw }, { gnEps }) {
    const { x, muX, mu, mixA, mixB, decay, decayA, decayB, u, wR, wK, wV, wG, gnW, gnB, wO, last, state } = x$;
    const delta = table([T, M], (t, m) => (t === 0 ? last(m) : x(t - 1, m)) - x(t, m));
    const z = table([T, 5, R], (t, i, r) => Math.tanh(sum(M, (m) => (x(t, m) + delta(t, m) * muX(m)) * mixA(m, i, r))));
    const blend = table(
      [5, T, M],
      (i, t, m) => x(t, m) + delta(t, m) * (mu(i, m) + sum(R, (r) => z(t, i, r) * mixB(i, r, m))),
    );
    const projected = (i: number, w: (m: number, h: number, c: number) => number, width: number) =>
      table([T, H, width], (t, h, c) => sum(M, (m) => blend(i, t, m) * w(m, h, c)));
    const [r, k, v, g] = [projected(0, wR, D), projected(2, wK, D), projected(3, wV, E), projected(4, wG, E)];
    const low = table([T, Rw], (t, a) => Math.tanh(sum(M, (m) => blend(1, t, m) * decayA(m, a))));
    const w = table([T, H, D], (t, h, d) =>
      Math.exp(-Math.exp(decay(h, d) + sum(Rw, (a) => low(t, a) * decayB(a, h, d)))),
    );
    const S = scan(T, table([H, D, E], state), (before, t) =>
      table([H, D, E], (h, d, e) => w(t, h, d) * before(h, d, e) + k(t, h, d) * v(t, h, e)),
    );
    const o = table([T, H, E], (t, h, e) =>
      sum(D, (d) => r(t, h, d) * (S(t)(h, d, e) + u(h, d) * k(t, h, d) * v(t, h, e))),
    );
    const normed = table([T, H], (t, h) => layerNorm(E, (e) => o(t, h, e), gnEps));
    const y = table([T, H, E], (t, h, e) => silu(g(t, h, e)) * (gnW(h, e) * normed(t, h)(e) + gnB(h, e)));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      last: (m) => x(T - 1, m),
      state: S(T),
    };
  },
});
