import { layerNorm, mechanism, real, scan, sigmoid, sum, table } from "../page.ts";

/**
 * The time mixing layer of RWKV-7 (Goose): six blends of a token and the one before, from which decay, rate of removal,
 * gate and a way back to the first layer's values are made by low-rank maps. Around `linear/rwkv7-time-mixing`. Peng et
 * al. 2025, arXiv:2503.14456.
 *
 * $$ x^i_t = x_t + (x_{t-1} - x_t) \odot \mu_i, \quad i \in (r, w, k, v, a, g), \quad r = x^r W^R, \quad
 *    \tilde k = x^k W^K, \quad \tilde v = x^v W^V $$
 * $$ w = \exp\bigl(-e^{-1/2}\, s(\tanh(x^w A_w) B_w + b_w)\bigr), \quad a = s(x^a A_a B_a + b_a), \quad
 *    g = s(x^g A_g) B_g, \quad v = \tilde v + (v^{(1)} - \tilde v) \odot s(x^v A_v B_v + b_v) $$
 * $$ \kappa_h = \frac{\xi_h \odot \tilde k_h}{\max(\|\xi_h \odot \tilde k_h\|, 10^{-12})}, \quad
 *    k = \tilde k \odot (1 + (a - 1) \odot \alpha), \quad
 *    S_t = \operatorname{diag}(w_t)\, S_{t-1} - (a_t \odot \kappa_t)(S_{t-1}^\top \kappa_t)^\top + k_t v_t^\top, \quad
 *    o_t = S_t^\top r_t $$
 * $$ y_t = \sum_h \Bigl(g_{t,h} \odot \bigl(\nu_h \odot \operatorname{LayerNorm}(o_{t,h}) + \beta_h
 *    + (r_{t,h} \odot \rho_h) \cdot k_{t,h}\, v_{t,h}\bigr)\Bigr) W^O_h $$
 *
 * $s$ is the sigmoid. $v^{(1)}$ = `vFirst` are the values of the first layer; the first layer itself is given none and
 * returns its own, later ones return what they got. No decay is below $e^{-e^{-1/2}} \approx 0.545$. $\alpha$ =
 * `alphaK`, and $A_\bullet$, $B_\bullet$, $b_\bullet$ are `decayA` … `value`. ε of the norm is $D$ times 10⁻⁵, 64·10⁻⁵
 * in the released models. The order of the six is that of flash-linear-attention. The token before the first is `last`,
 * zeros by default. Cost: $O(T H D E)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * or `vFirst`, `valueA` and `valueB` are not given together.
 */
export const rwkv7TimeMixingLayer = mechanism({
  id: "linear/rwkv7-time-mixing-layer",
  name: "RWKV-7 (Goose) time mixing layer",
  paper: "Peng et al., 2025, arXiv:2503.14456",
  code: "fla-org/flash-linear-attention fla/layers/rwkv7.py:RWKV7Attention",
  inputs: {
    x: "T M",
    mu: "6 M",
    wR: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    decayA: "M Rw",
    decayB: "Rw (H D)",
    decay: "(H D) = 0",
    rateA: "M Ra",
    rateB: "Ra (H D)",
    rate: "(H D) = 0",
    gateA: "M Rg",
    gateB: "Rg (H E)",
    valueA: "M Rv = none",
    valueB: "Rv (H E) = none",
    value: "(H E) = 0",
    vFirst: "T (H E) = none",
    xi: "(H D)",
    alphaK: "(H D)",
    rho: "H D",
    gnW: "(H E) = 1",
    gnB: "(H E) = 0",
    wO: "(H E) Mo",
    last: "M = 0",
    state: "H D E = 0",
  },
  outputs: { out: "T Mo", vFirst: "T (H E)", last: "M", state: "H D E" },
  options: {
    gnEps: real((n: { D: number }) => n.D * 1e-5, "ε of the norm of a head", { above: 0, tried: [0.5] }),
  },
  tried: {
    T: [1, 2, 4],
    M: [1, 2],
    Mo: [1, 2],
    H: [1, 2],
    D: [1, 2],
    E: [1, 2],
    Rw: [1, 2],
    Ra: [1],
    Rg: [1],
    Rv: [1],
  },
  domain: { mu: { usual: [0, 1] } },
  requires: {
    "vFirst, valueA and valueB must be given together": (_, __, given) =>
      given.vFirst === given.valueA && given.vFirst === given.valueB && (given.vFirst || !given.value),
  },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: "gateB", outputs: ["out"] },
    { causal: "T", outputs: ["out", "vFirst"] },
    { resumes: "T", states: ["state", "last"] },
  ],
  run(inputs, { T, M, H, D, E, Rw, Ra, Rg, Rv }, { gnEps }, given) {
    const { x, mu, wR, wK, wV, xi, alphaK, rho, gnW, gnB, wO, last, state, vFirst } = inputs;
    const { decayA, decayB, decay, rateA, rateB, rate, gateA, gateB, valueA, valueB, value } = inputs;
    type Wide = (r: number, h: number, c: number) => number;
    const delta = table([T, M], (t, m) => (t === 0 ? last(m) : x(t - 1, m)) - x(t, m));
    const blend = table([6, T, M], (i, t, m) => x(t, m) + delta(t, m) * mu(i, m));
    const projected = (i: number, w: Wide, width: number) =>
      table([T, H, width], (t, h, c) => sum(M, (m) => blend(i, t, m) * w(m, h, c)));
    const lowRank = (i: number, R: number, A: (m: number, r: number) => number, f: (x: number) => number, B: Wide) => {
      const low = table([T, R], (t, r) => f(sum(M, (m) => blend(i, t, m) * A(m, r))));
      return (t: number, h: number, c: number) => sum(R, (r) => low(t, r) * B(r, h, c));
    };
    const same = (z: number) => z;
    const [forDecay, forRate] = [lowRank(1, Rw, decayA, Math.tanh, decayB), lowRank(4, Ra, rateA, same, rateB)];
    const w = table([T, H, D], (t, h, d) => Math.exp(-Math.exp(-0.5) * sigmoid(forDecay(t, h, d) + decay(h, d))));
    const a = table([T, H, D], (t, h, d) => sigmoid(forRate(t, h, d) + rate(h, d)));
    const g = table([T, H, E], lowRank(5, Rg, gateA, sigmoid, gateB));

    const [r, plain, own] = [projected(0, wR, D), projected(2, wK, D), projected(3, wV, E)];
    const mixed = () => {
      const forValue = lowRank(3, Rv, valueA, same, valueB);
      const back = (t: number, h: number, e: number) => sigmoid(forValue(t, h, e) + value(h, e));
      return table([T, H, E], (t, h, e) => own(t, h, e) + (vFirst(t, h, e) - own(t, h, e)) * back(t, h, e));
    };
    const v = given.vFirst ? mixed() : own;
    const size = table([T, H], (t, h) => Math.max(Math.sqrt(sum(D, (d) => (xi(h, d) * plain(t, h, d)) ** 2)), 1e-12));
    const kk = table([T, H, D], (t, h, d) => (xi(h, d) * plain(t, h, d)) / size(t, h));
    const k = table([T, H, D], (t, h, d) => plain(t, h, d) * (1 + (a(t, h, d) - 1) * alphaK(h, d)));

    const S = scan(T, table([H, D, E], state), (before, t) => {
      const held = table([H, E], (h, e) => sum(D, (d) => kk(t, h, d) * before(h, d, e)));
      const fresh = (h: number, d: number, e: number) =>
        k(t, h, d) * v(t, h, e) - a(t, h, d) * kk(t, h, d) * held(h, e);
      return table([H, D, E], (h, d, e) => w(t, h, d) * before(h, d, e) + fresh(h, d, e));
    });
    const o = table([T, H, E], (t, h, e) => sum(D, (d) => r(t, h, d) * S(t + 1)(h, d, e)));
    const normed = table([T, H], (t, h) => layerNorm(E, (e) => o(t, h, e), gnEps));
    const bonus = table([T, H], (t, h) => sum(D, (d) => r(t, h, d) * k(t, h, d) * rho(h, d)));
    const y = table(
      [T, H, E],
      (t, h, e) => g(t, h, e) * (gnW(h, e) * normed(t, h)(e) + gnB(h, e) + bonus(t, h) * v(t, h, e)),
    );
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => y(t, h, e) * wO(h, e, m))),
      vFirst: given.vFirst ? vFirst : own,
      last: (m) => x(T - 1, m),
      state: S(T),
    };
  },
});
