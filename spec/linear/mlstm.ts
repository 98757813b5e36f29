import { layerNorm, logSigmoid, mechanism, real, scan, sum, table } from "../page.ts";

/**
 * The mLSTM cell of xLSTM: linear attention with a matrix memory that fades by a forget gate and is written with an
 * exponential input gate, and whose reading is divided by that of the keys alone. Beck et al. 2024, arXiv:2405.04517.
 *
 * $$ m_t = \max(\ln \sigma(f_t) + m_{t-1},\ i_t), \quad
 *    f'_t = e^{\ln \sigma(f_t) + m_{t-1} - m_t}, \quad i'_t = e^{i_t - m_t} $$
 * $$ C_t = f'_t C_{t-1} + i'_t\, \tfrac{k_t}{\sqrt D} v_t^\top, \quad
 *    n_t = f'_t n_{t-1} + i'_t \tfrac{k_t}{\sqrt D}, \quad
 *    h_t = \frac{C_t^\top q_t}{\max(|q_t \cdot n_t|,\ e^{-m_t}) + \epsilon} $$
 *
 * for each head. $m$ only keeps the exponentials in range: without it, at ε = 0,
 * $h = \tilde C^\top q / \max(|q \cdot \tilde n|, 1)$ with
 * $\tilde C_t = \sigma(f_t) \tilde C_{t-1} + e^{i_t} k_t v_t^\top / \sqrt D$. In parallel, with $F$ the running sum of
 * $\ln \sigma(f)$ and $Z_{ts} = e^{F_t - F_s + i_s - m_t}\, q_t \cdot k_s / \sqrt D$,
 * $h_t = \sum_{s \le t} Z_{ts} v_s / (\max(|\sum_s Z_{ts}|, e^{-m_t}) + \epsilon)$. $m$ starts at −∞, as in the
 * official parallel form; the official step starts it at 0, which differs only through ε, and is had by giving `m` = 0.
 * Where nothing has been written, all $i$ being −∞, $h$ is 0. States are `c`, `n` and `m`; the official chunked form
 * keeps $\sqrt D$ times these `c` and `n`.
 *
 * `i` and `f` are what the gates are made of; `wI`, `wF` add affine maps of the queries, keys and values of all heads,
 * in this order, as the layer has them. `gain` makes it a layer's output: each head's $h$ is normed to mean 0 and
 * variance 1 (ε `normEps`) and multiplied by it. The official norm stores the gain less 1. Cost: $O(T H D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, `c` or `n` comes without `m`, or a
 * weight of the gates is given where $D$ is not $E$.
 */
export const mlstm = mechanism({
  id: "linear/mlstm",
  name: "mLSTM cell (xLSTM)",
  paper: "Beck et al., 2024, arXiv:2405.04517",
  code: "NX-AI/xlstm xlstm/blocks/mlstm/backends.py:recurrent_step_stabilized_simple",
  inputs: {
    q: "T H D",
    k: "T H D",
    v: "T H E",
    i: "T H = 0",
    f: "T H = 0",
    wI: "(3 H D) H = none",
    wF: "(3 H D) H = none",
    bI: "H = 0",
    bF: "H = 0",
    gain: "H E = none",
    c: "H D E = 0",
    n: "H D = 0",
    m: "H = -Infinity",
  },
  outputs: { out: "T H E", c: "H D E", n: "H D", m: "H" },
  options: {
    eps: real(1e-6, "ε, added to the divisor", { min: 0, tried: [0, 0.5] }),
    normEps: real(1e-5, "ε of the norm of a head", { above: 0, tried: [0.5] }),
  },
  tried: { D: [1, 2, 3, 4], E: [1, 2, 3, 4] },
  requires: {
    "c and n need m": (_, __, given) => given.m || !(given.c || given.n),
    "wI and wF need D = E": (n, _, given) => n.D === n.E || !(given.wI || given.wF),
  },
  properties: [
    {
      linear: ["v", "c"],
      outputs: ["out", "c"],
      when: (_, __, given) => !(given.wI || given.wF || given.gain),
    },
    { linear: "gain", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["c", "n", "m"] },
    { even: ["q", "k", "c", "n"], outputs: ["out"], when: (_, __, given) => !(given.wI || given.wF) },
  ],
  run({ q, k, v, i, f, wI, wF, bI, bF, gain, c, n, m }, { T, H, D, E }, { eps, normEps }, given) {
    const affine = (w: typeof wI, t: number, h: number) =>
      sum(H, (g) =>
        sum(D, (d) => q(t, g, d) * w(0, g, d, h) + k(t, g, d) * w(1, g, d, h) + v(t, g, d) * w(2, g, d, h)),
      );
    const input = table([T, H], (t, h) => i(t, h) + bI(h) + (given.wI ? affine(wI, t, h) : 0));
    const forget = table([T, H], (t, h) => logSigmoid(f(t, h) + bF(h) + (given.wF ? affine(wF, t, h) : 0)));
    const key = (t: number, h: number, d: number) => k(t, h, d) / Math.sqrt(D);
    const peak = scan(T, table([H], m), (before, t) =>
      table([H], (h) => Math.max(forget(t, h) + before(h), input(t, h))),
    );
    const power = (x: number, top: number) => (x === Number.NEGATIVE_INFINITY ? 0 : Math.exp(x - top));
    const kept = table([T, H], (t, h) => power(forget(t, h) + peak(t)(h), peak(t + 1)(h)));
    const written = table([T, H], (t, h) => power(input(t, h), peak(t + 1)(h)));
    const C = scan(T, table([H, D, E], c), (before, t) =>
      table([H, D, E], (h, d, e) => kept(t, h) * before(h, d, e) + written(t, h) * key(t, h, d) * v(t, h, e)),
    );
    const N = scan(T, table([H, D], n), (before, t) =>
      table([H, D], (h, d) => kept(t, h) * before(h, d) + written(t, h) * key(t, h, d)),
    );
    const divisor = table([T, H], (t, h) => {
      const read = Math.abs(sum(D, (d) => q(t, h, d) * N(t + 1)(h, d)));
      return Math.max(read, Math.exp(-peak(t + 1)(h))) + eps;
    });
    const y = table([T, H, E], (t, h, e) => sum(D, (d) => q(t, h, d) * C(t + 1)(h, d, e)) / divisor(t, h));
    const unit = table([T, H], (t, h) => layerNorm(E, (e) => y(t, h, e), normEps));
    return {
      out: (t, h, e) => (given.gain ? gain(h, e) * unit(t, h)(e) : y(t, h, e)),
      c: C(T),
      n: N(T),
      m: peak(T),
    };
  },
});
