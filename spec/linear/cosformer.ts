import { choice, flag, integer, mechanism, real, relu, scan, sum, table } from "../page.ts";

/**
 * cosFormer attention: linear attention with rectified queries and keys, whose weights fall off as the cosine of the
 * distance of two tokens. One head. Qin et al. 2022, arXiv:2202.08791, §3.
 *
 * $$ w_{t,s} = \phi(q_t) \cdot \phi(k_s) \cos(a_t - a_s), \quad a_t = \frac{\pi}{2} \cdot \frac{t + 1}{m}, \quad
 *    o_t = \frac{\sum_{s \in S_t} w_{t,s}\, v_s}{\max\bigl(\sum_{s \in S_t} w_{t,s},\, \varepsilon\bigr)} $$
 *
 * Since $\cos(a - b) = \sin a \sin b + \cos a \cos b$, the sums over the keys are taken once, of $2D$ features each:
 * first $\phi(k) \sin a$, then $\phi(k) \cos a$. Tokens count from 0 here and from 1 in the angle. $\phi$ is
 * $\max(x, 0)$, or $\operatorname{elu}(x) + 1$ with `act` `elu1`, which the official code offers but cannot run. $S_t$
 * is all keys, or with `causal` those with $s \le t$. $m$ is the longer of the two lengths by default; a sequence fed
 * piece by piece needs one $m$ for all, `offset` for the tokens that came before, and `state` $\sum \phi(k) v^\top$ and
 * `z` $\sum \phi(k)$ carried on. A query whose weights are all 0 gets zeros. Cost: $O((T_q + T_k) D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a token lies beyond $m$, or queries
 * and keys differ in number with `causal`.
 */
export const cosformer = mechanism({
  id: "linear/cosformer",
  name: "cosFormer attention",
  paper: "Qin et al., 2022, arXiv:2202.08791",
  code: "OpenNLPLab/cosFormer cosformer.py:CosformerAttention",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", state: "(2 D) E = 0", z: "(2 D) = 0" },
  outputs: { out: "Tq E", state: "(2 D) E", z: "(2 D)" },
  options: {
    m: integer((n: { Tq: number; Tk: number }) => Math.max(n.Tq, n.Tk), "how many tokens a right angle spans", {
      min: 1,
      tried: [7, 12],
    }),
    offset: integer(0, "how many tokens came before the first", { min: 0, tried: [2] }),
    act: choice(["relu", "elu1"], "φ, on each coordinate: max(x, 0) or elu(x) + 1"),
    causal: flag(false, "a query sees only the keys up to its own place"),
    eps: real(1e-6, "ε, the least denominator", { above: 0, tried: [0.5] }),
  },
  domain: { z: { usual: [0, 3] } },
  requires: {
    "offset + Tq and offset + Tk must be at most m": (n, o) => o.offset + Math.max(n.Tq, n.Tk) <= o.m,
    "with causal, Tq must be Tk": (n, o) => !o.causal || n.Tq === n.Tk,
  },
  properties: [
    { linear: ["v", "state"], outputs: ["out", "state"] },
    { causal: ["Tq", "Tk"], outputs: ["out"], when: (_, o) => o.causal },
  ],
  run({ q, k, v, state, z }, { Tq, Tk, D, E }, { m, offset, act, causal, eps }) {
    const phi = { relu, elu1: (x: number) => (x > 0 ? x + 1 : Math.exp(x)) }[act];
    const angle = (t: number) => ((Math.PI / 2) * (offset + t + 1)) / m;
    const turned = (T: number, x: (t: number, d: number) => number) =>
      table([T, 2, D], (t, c, d) => phi(x(t, d)) * [Math.sin, Math.cos][c]!(angle(t)));
    const [phiQ, phiK] = [turned(Tq, q), turned(Tk, k)];
    const S = scan(Tk, table([2, D, E], state), (before, s) =>
      table([2, D, E], (c, d, e) => before(c, d, e) + phiK(s, c, d) * v(s, e)),
    );
    const Z = scan(Tk, table([2, D], z), (before, s) => table([2, D], (c, d) => before(c, d) + phiK(s, c, d)));
    const along = (t: number, sums: (c: number, d: number) => number) =>
      sum(2, (c) => sum(D, (d) => phiQ(t, c, d) * sums(c, d)));
    const seen = (t: number) => (causal ? t + 1 : Tk);
    const size = table([Tq], (t) => Math.max(along(t, Z(seen(t))), eps));
    return {
      out: (t, e) => along(t, (c, d) => S(seen(t))(c, d, e)) / size(t),
      state: S(Tk),
      z: Z(Tk),
    };
  },
});
