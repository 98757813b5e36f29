import { choice, integer, mechanism, range, sigmoid, softmax, sum, table } from "../page.ts";

/**
 * Luong's attention: four ways to score a target state against the source states, over the whole source or over a
 * window that moves with the target. Luong, Pham and Manning 2015, arXiv:1508.04025, §3.1 (global) and §3.2 (local).
 *
 * $$ e_{t,s} = g\, h_t \cdot c_s \;(\texttt{dot}), \quad g\, h_t W^A c_s \;(\texttt{general}), \quad
 *    v^A \cdot \tanh\bigl([h_t; c_s] W^A\bigr) \;(\texttt{concat}), \quad (h_t W^L)_s \;(\texttt{location}) $$
 * $$ \alpha_{t,\cdot} = \operatorname{softmax}_{s \in S_t} e_{t,\cdot} \cdot
 *    \Bigl(e^{-(s - p_t)^2 / 2\sigma^2} \text{ if local-p}\Bigr), \quad o_t = \sum_s \alpha_{t,s} c_s, \quad
 *    \tilde h_t = \tanh\bigl([o_t; h_t] W^C\bigr) $$
 *
 * $S_t$ is the whole source, or locally the places $|s - p_t| \le D$ about $p_t = t$ (`m`, monotonic) or
 * $p_t = T_k\, \operatorname{sigmoid}\bigl(v^P \cdot \tanh(h_t W^P)\bigr)$ (`p`, predictive), $\sigma = D/2$; the bell
 * of local-p comes after the softmax over the window and its weights sum to less than 1. An empty window gives zeros.
 * The location score knows $P$ places and never sees those beyond. No scale by width; TensorFlow's `scale` is the
 * number $g$. The target stands first in $[h_t; c_s]$, last in $[o_t; h_t]$. Weights the chosen form does not use are
 * not read. `attnVector` is $\tilde h$, absent without $W^C$. Official code covers `dot` and `general`. Cost:
 * $O(T_q T_k M)$, for `concat` $O(T_q T_k A)$, beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the chosen form lacks a weight.
 */
export const luongAttention = mechanism({
  id: "core/luong-attention",
  name: "Multiplicative attention (Luong)",
  paper: "Luong, Pham and Manning, 2015, arXiv:1508.04025",
  code: "tensorflow/addons tensorflow_addons/seq2seq/attention_wrapper.py:_luong_score",
  ours: "places are counted from 0 in both local forms, where the paper counts from 1",
  inputs: {
    target: "Tq M",
    source: "Tk Mc",
    wA: "M Mc = none",
    wConcat: "Mj A = none",
    vA: "A = none",
    wL: "M P = none",
    wP: "M Ap = none",
    vP: "Ap = none",
    wC: "Mj Mo = none",
    g: " = 1",
  },
  outputs: { out: "Tq Mc", weights: "Tq Tk", attnVector: "Tq Mo = none" },
  options: {
    score: choice(["dot", "general", "concat", "location"], "how a target state scores a source state"),
    local: choice(["none", "m", "p"], "whether a window moves with the target, by its place or as predicted"),
    halfWidth: integer(10, "D, places on either side of the window's middle", { min: 1, tried: [1, 2] }),
  },
  axes: { Mj: (n) => n.M + n.Mc },
  tried: { M: [1, 2], Mc: [1, 2] },
  requires: {
    "score dot needs M = Mc": (n, o) => o.score !== "dot" || n.M === n.Mc,
    "score general needs wA": (_, o, given) => o.score !== "general" || given.wA,
    "score concat needs wConcat and vA": (_, o, given) => o.score !== "concat" || (given.wConcat && given.vA),
    "score location needs wL": (_, o, given) => o.score !== "location" || given.wL,
    "local p needs wP and vP": (_, o, given) => o.local !== "p" || (given.wP && given.vP),
    "g is for the scores dot and general": (_, o, given) => !given.g || o.score === "dot" || o.score === "general",
  },
  properties: [
    { unordered: "Tk", when: (_, o) => o.score !== "location" && o.local === "none", outputs: ["out", "attnVector"] },
    { independent: "Tq", when: (_, o) => o.local !== "m" },
    { causal: "Tq" },
    { even: ["wConcat", "vA"] },
    { even: ["wP", "vP"] },
  ],
  run(
    { target, source, wA, wConcat, vA, wL, wP, vP, wC, g },
    { Tq, Tk, M, Mc, A, Ap, P },
    { score, local, halfWidth },
    given,
  ) {
    const hidden = (t: number, s: number, a: number) =>
      Math.tanh(sum(M, (m) => target(t, m) * wConcat(m, a)) + sum(Mc, (c) => source(s, c) * wConcat(M + c, a)));
    const scored = {
      dot: (t: number, s: number) => g() * sum(M, (m) => target(t, m) * source(s, m)),
      general: (t: number, s: number) => g() * sum(M, (m) => target(t, m) * sum(Mc, (c) => wA(m, c) * source(s, c))),
      concat: (t: number, s: number) => sum(A, (a) => vA(a) * hidden(t, s, a)),
      location: (t: number, s: number) => sum(M, (m) => target(t, m) * wL(m, s)),
    }[score];
    const predicted = (t: number) =>
      Tk * sigmoid(sum(Ap, (a) => vP(a) * Math.tanh(sum(M, (m) => target(t, m) * wP(m, a)))));
    const middle = table([Tq], (t) => (local === "p" ? predicted(t) : t));
    const known = (s: number) => score !== "location" || s < P;
    const near = (t: number, s: number) => local === "none" || Math.abs(s - middle(t)) <= halfWidth;
    const seen = (t: number) => range(Tk).filter((s) => known(s) && near(t, s));
    const align = table([Tq], (t) => softmax(seen(t), (s) => scored(t, s)));
    const bell = (t: number, s: number) =>
      local === "p" ? Math.exp(-((s - middle(t)) ** 2) / (2 * (halfWidth / 2) ** 2)) : 1;
    const weight = table([Tq, Tk], (t, s) => align(t).of(s) * bell(t, s));
    const o = table([Tq, Mc], (t, c) => sum(Tk, (s) => weight(t, s) * source(s, c)));
    return {
      out: o,
      weights: weight,
      attnVector: given.wC
        ? (t, m) => Math.tanh(sum(Mc, (c) => o(t, c) * wC(c, m)) + sum(M, (c) => target(t, c) * wC(Mc + c, m)))
        : undefined,
    };
  },
});
