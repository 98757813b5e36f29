import {
  choice,
  flag,
  integer,
  layerNorm,
  mechanism,
  normalCdf,
  range,
  relu,
  sigmoid,
  silu,
  softmax,
  sum,
  table,
  weigh,
} from "../page.ts";

/**
 * Mega: single-head attention whose queries and keys come from a damped moving average of the tokens, gated on the way
 * out. Ma et al. 2022, arXiv:2209.10655, §3.
 *
 * $$ \bar x = \mathrm{LN}(x), \quad v = \mathrm{silu}(\bar x W^v + b^v), \quad
 *    \kappa_c(\tau) = \tfrac{1}{\sqrt N} \sum_r p_{cr} \beta_{cr} \gamma_{cr} (1 - p_{cr} a_{cr})^\tau, \quad
 *    \hat x_t = \mathrm{silu}\Bigl(\sum_{s \le t} \kappa(t - s)\, \bar x_s + \omega \bar x_t\Bigr) $$
 * $$ [u; z; r; g] = \hat x W + b, \quad
 *    q = \mathrm{silu}(z)\,\gamma_0 + \beta_0, \quad k = \mathrm{silu}(z)\,\gamma_1 + \beta_1, \quad
 *    o_t = \sum_{s \in S_t} w_{t,s} v_s $$
 * $$ y = x + \sigma(u) \odot \bigl(\mathrm{silu}(g + (o \odot \mathrm{silu}(r)) W^h + b^h) - x\bigr) $$
 *
 * $p = \sigma(\texttt{emaDelta})$ and $a = \sigma(\texttt{emaAlpha})$, products without a dot are coordinate by
 * coordinate. The paper calls the factor on the input α and the damping δ; the code, followed here, names the two
 * parameters the other way round. Without `causal` a second kernel, rows $M$ to $2M - 1$ of the average's parameters,
 * runs from the future, and both count the token itself. Kernel entries from `truncation` on are 0. The weights $w$ are
 * softmax of $q_t \cdot k_s / \sqrt D + B_{s-t}$, or, not normalised, $f\bigl(q_t \cdot k_s / |S_t| + B_{s-t}\bigr)$
 * with $f(x) = \tfrac12\bigl(1 + \operatorname{erf}\frac{x - 0.707107}{0.282095 \sqrt 2}\bigr)$ (`laplace`) or
 * $\max(x, 0)^2$ (`relu2`). $B$ is `bias`, distance 0 in its middle. $S_t$ is the tokens $s \le t$ if `causal`, and
 * with `chunk` only those of the same chunk; the last chunk may be shorter, which the code does not allow. The average
 * runs across chunks. The norm's ε is $10^{-5}$. The code's post-norm and rotary bias are not on this page. Cost:
 * $O(T^2 (D + E) + T^2 M)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the bias has no middle or is too
 * short.
 */
export const megaAttention = mechanism({
  id: "core/mega-attention",
  name: "Mega: moving-average gated attention",
  paper: "Ma et al., 2022, arXiv:2209.10655",
  code: "facebookresearch/mega fairseq/modules/moving_average_gated_attention.py:MovingAverageGatedAttention",
  inputs: {
    x: "T M",
    normG: "M",
    normB: "M",
    wV: "M E",
    bV: "E",
    w: "M A",
    b: "A",
    wH: "E M",
    bH: "M",
    gamma: "2 D",
    beta: "2 D",
    bias: "P",
    emaDelta: "Mk N",
    emaAlpha: "Mk N",
    emaBeta: "Mk N",
    emaGamma: "Mk N",
    emaOmega: "M",
  },
  outputs: { out: "T M" },
  options: {
    activation: choice(["softmax", "laplace", "relu2"], "what makes weights of scores"),
    causal: flag(true, "neither the average nor the attention looks ahead"),
    chunk: integer(Number.POSITIVE_INFINITY, "tokens in a chunk that attend to each other", {
      min: 1,
      tried: [1, 2, 3],
    }),
    truncation: integer(Number.POSITIVE_INFINITY, "length of the average's kernel", { min: 1, tried: [1, 2] }),
  },
  axes: { A: (n) => 2 * n.M + n.D + n.E, Mk: (n, o) => (o.causal ? n.M : 2 * n.M) },
  tried: { P: [5, 7, 9] },
  requires: {
    "P must be odd, and half of it reach across T or the chunk": (n, o) =>
      n.P % 2 === 1 && (n.P + 1) / 2 >= Math.min(n.T, o.chunk),
  },
  properties: [{ causal: "T", when: (_, o) => o.causal }],
  run(
    { x, normG, normB, wV, bV, w, b, wH, bH, gamma, beta, bias, emaDelta, emaAlpha, emaBeta, emaGamma, emaOmega },
    { T, M, A, D, E, P, Mk, N },
    { activation, causal, chunk, truncation },
  ) {
    const unit = table([T], (t) => layerNorm(M, (m) => x(t, m), 1e-5));
    const xn = table([T, M], (t, m) => unit(t)(m) * normG(m) + normB(m));
    const v = table([T, E], (t, e) => silu(sum(M, (m) => xn(t, m) * wV(m, e)) + bV(e)));

    const p = table([Mk, N], (c, r) => sigmoid(emaDelta(c, r)));
    const kernel = table([Mk, T], (c, lag) =>
      lag < truncation
        ? sum(N, (r) => p(c, r) * emaBeta(c, r) * emaGamma(c, r) * (1 - p(c, r) * sigmoid(emaAlpha(c, r))) ** lag) /
          Math.sqrt(N)
        : 0,
    );
    const past = (t: number, m: number) => sum(t + 1, (s) => kernel(m, t - s) * xn(s, m));
    const future = (t: number, m: number) => sum(range(t, T), (s) => kernel(M + m, s - t) * xn(s, m));
    const average = table([T, M], (t, m) => silu(past(t, m) + (causal ? 0 : future(t, m)) + emaOmega(m) * xn(t, m)));

    const base = table([T, A], (t, a) => sum(M, (m) => average(t, m) * w(m, a)) + b(a));
    const z = table([T, D], (t, d) => silu(base(t, M + d)));
    const q = table([T, D], (t, d) => z(t, d) * gamma(0, d) + beta(0, d));
    const k = table([T, D], (t, d) => z(t, d) * gamma(1, d) + beta(1, d));
    const seen = (t: number) =>
      range(causal ? t + 1 : T).filter((s) => Math.floor(s / chunk) === Math.floor(t / chunk));
    const product = (t: number, s: number) => sum(D, (d) => q(t, d) * k(s, d));
    const B = (t: number, s: number) => bias((P - 1) / 2 + s - t);
    const weights = table([T], (t) => {
      const keys = seen(t);
      const divided = (s: number) => product(t, s) / keys.length + B(t, s);
      if (activation === "softmax") return softmax(keys, (s) => product(t, s) / Math.sqrt(D) + B(t, s));
      if (activation === "relu2") return weigh(keys, (s) => relu(divided(s)) ** 2);
      return weigh(keys, (s) => normalCdf((divided(s) - 707107e-6) / 282095e-6));
    });
    const gated = table([T, E], (t, e) => sum(weights(t), (s, a) => a * v(s, e)) * silu(base(t, M + D + e)));
    const h = (t: number, m: number) => silu(base(t, M + D + E + m) + sum(E, (e) => gated(t, e) * wH(e, m)) + bH(m));
    return { out: (t, m) => x(t, m) + sigmoid(base(t, m)) * (h(t, m) - x(t, m)) };
  },
});
