import { integer, mechanism, real, scan, sum, table } from "../page.ts";

/**
 * Aaren, attention as a recurrent network: every position averages the values so far with the softmax of one learned
 * query that is the same for all positions, so that three running quantities per head are all the memory. Feng et al.
 * 2024, arXiv:2405.13956.
 *
 * $$ s_t = \sigma\, q \cdot k_t, \quad m_t = \max(m_{t-1}, s_t), \quad
 *    u_t = u_{t-1} e^{m_{t-1} - m_t} + e^{s_t - m_t}, \quad w_t = w_{t-1} e^{m_{t-1} - m_t} + e^{s_t - m_t}\, v_t $$
 * $$ o_t = \frac{w_t}{u_t} = \sum_{r \le t} \operatorname{softmax}_{r \le t}(s_r)\, v_r, \quad
 *    y_t = \sum_h o_{t,h} W^O_h $$
 *
 * $q$ = `qToken` $W^Q$, $k_t = x_t W^K$, $v_t = x_t W^V$, cut into heads. `m` starts at −∞, `u` and `w` at 0; they go
 * in and come out. Two stretches of tokens are joined the same way, $m = \max(m_A, m_B)$,
 * $u = u_A e^{m_A - m} + u_B e^{m_B - m}$, $w$ likewise, in any bracketing: the paper's parallel scan, which changes
 * nothing but rounding. The paper writes $q \cdot k$ without a factor; σ is $1/\sqrt D$ by default as is usual, and 1
 * gives the formula to the letter. Cost: $O(T H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into
 * heads.
 */
export const aaren = mechanism({
  id: "linear/aaren",
  name: "Aaren (attention as a recurrent network)",
  paper: "Feng et al., 2024, arXiv:2405.13956",
  inputs: {
    x: "T M",
    qToken: "M",
    wQ: "M (H D)",
    wK: "M (H D)",
    wV: "M (H E)",
    wO: "(H E) Mo",
    m: "H = -Infinity",
    u: "H = 0",
    w: "H E = 0",
  },
  outputs: { out: "T Mo", m: "H", u: "H", w: "H E" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [1] }),
  },
  axes: { H: (_, o) => o.heads },
  domain: { u: { usual: [0, 4] } },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: ["wV", "w"], outputs: ["out", "w"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["m", "u", "w"] },
    { even: ["qToken", "wK"] },
  ],
  run({ x, qToken, wQ, wK, wV, wO, m, u, w }, { T, M, H, D, E }, { scale }) {
    const q = table([H, D], (h, d) => sum(M, (c) => qToken(c) * wQ(c, h, d)));
    const k = table([T, H, D], (t, h, d) => sum(M, (c) => x(t, c) * wK(c, h, d)));
    const v = table([T, H, E], (t, h, e) => sum(M, (c) => x(t, c) * wV(c, h, e)));
    const score = table([T, H], (t, h) => scale * sum(D, (d) => q(h, d) * k(t, h, d)));
    const start = { m: table([H], m), u: table([H], u), w: table([H, E], w) };
    const after = scan(T, start, (before, t) => {
      const top = table([H], (h) => Math.max(before.m(h), score(t, h)));
      const kept = table([H], (h) => Math.exp(before.m(h) - top(h)));
      const added = table([H], (h) => Math.exp(score(t, h) - top(h)));
      return {
        m: top,
        u: table([H], (h) => before.u(h) * kept(h) + added(h)),
        w: table([H, E], (h, e) => before.w(h, e) * kept(h) + added(h) * v(t, h, e)),
      };
    });
    const o = table([T, H, E], (t, h, e) => after(t + 1).w(h, e) / after(t + 1).u(h));
    return { out: (t, c) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, c))), ...after(T) };
  },
});
