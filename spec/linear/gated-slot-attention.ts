import { choice, logAddExp, mechanism, real, scan, softmax, sum, table } from "../page.ts";

/**
 * Gated slot attention, the recurrence: softmax attention over a memory of N slots, each of which holds a key and a
 * value and forgets by its own gate what it makes room for. Zhang et al. 2024, arXiv:2409.07146. Its ungated
 * forerunner, attention with bounded-memory control, is `variant` `abc`: Peng et al. 2021, arXiv:2110.02488.
 *
 * $$ \tilde K_t = \tilde K_{t-1} \operatorname{diag}(a_t) + k_t (1 - a_t)^\top, \qquad
 *    \tilde V_t = \operatorname{diag}(a_t) \tilde V_{t-1} + (1 - a_t) v_t^\top, \qquad
 *    o_t = \tilde V_t^\top \operatorname{softmax}(\sigma\, \tilde K_t^\top q_t) $$
 *
 * With `abc`, `slotScores` $f$ take the place of the gates: $z_t = \ln \sum_{u \le t} e^{f_u}$, a slot keeps
 * $a_t = e^{z_{t-1} - z_t}$ and is written with strength $e^{f_t - z_t}$, so that it holds the softmax average over
 * time of what was written. Where no `z` is given, the first token keeps all of the state, as in the code; with the
 * `z` that comes out a cut sequence goes on as if it were whole. The code takes $\ln a$ and the strengths apart;
 * $1 - a$ is what its layer passes. $\sigma$ is $1/\sqrt D$ by default, 1 in the layer,
 * `linear/gated-slot-attention-layer`. Cost: $O(T N (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a gate lies outside 0 … 1, or the
 * gates or scores of the variant are missing or those of the other given.
 */
export const gatedSlotAttention = mechanism({
  id: "linear/gated-slot-attention",
  name: "Gated slot attention (GSA), and ABC",
  paper: "Zhang et al., 2024, arXiv:2409.07146; abc: Peng et al., 2021, arXiv:2110.02488",
  code: "fla-org/flash-linear-attention fla/ops/gsa/naive.py:naive_recurrent_gsa",
  inputs: {
    q: "T D",
    k: "T D",
    v: "T E",
    a: "T N = none",
    slotScores: "T N = none",
    stateK: "D N = 0",
    stateV: "N E = 0",
    z: "N = none",
  },
  outputs: { out: "T E", stateK: "D N", stateV: "N E", z: "N = none" },
  options: {
    variant: choice(["gsa", "abc"], "gates given one by one, or made from slot scores"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.5, 1] }),
  },
  domain: { a: { within: [0, 1] } },
  requires: {
    "variant gsa takes a and neither slotScores nor z; abc takes slotScores and no a": (_, o, given) =>
      o.variant === "gsa" ? given.a && !given.slotScores && !given.z : given.slotScores && !given.a,
  },
  properties: [
    { linear: ["v", "stateV"], outputs: ["out", "stateV"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["stateK", "stateV"], when: (_, o) => o.variant === "gsa" },
    { resumes: "T", states: ["stateK", "stateV", "z"], when: (_, o) => o.variant === "abc" },
    { even: ["q", "k", "stateK"], outputs: ["out", "stateV"] },
  ],
  run({ q, k, v, a, slotScores, stateK, stateV, z }, { T, D, E, N }, { variant, scale }, given) {
    const abc = variant === "abc";
    const start = table([N], (n) => (given.z ? z(n) : Number.NEGATIVE_INFINITY));
    const logSum = scan(abc ? T : 0, start, (before, t) => table([N], (n) => logAddExp(before(n), slotScores(t, n))));
    const kept = (t: number, n: number) => (t === 0 && !given.z ? 1 : Math.exp(logSum(t)(n) - logSum(t + 1)(n)));
    const keep = table([T, N], (t, n) => (abc ? kept(t, n) : a(t, n)));
    const write = table([T, N], (t, n) => (abc ? Math.exp(slotScores(t, n) - logSum(t + 1)(n)) : 1 - a(t, n)));

    const K = scan(T, table([D, N], stateK), (before, t) =>
      table([D, N], (d, n) => keep(t, n) * before(d, n) + k(t, d) * write(t, n)),
    );
    const V = scan(T, table([N, E], stateV), (before, t) =>
      table([N, E], (n, e) => keep(t, n) * before(n, e) + write(t, n) * v(t, e)),
    );
    const weights = table([T], (t) => softmax(N, (n) => scale * sum(D, (d) => q(t, d) * K(t + 1)(d, n))));
    return {
      out: (t, e) => sum(weights(t), (n, w) => w * V(t + 1)(n, e)),
      stateK: K(T),
      stateV: V(T),
      z: abc ? logSum(T) : undefined,
    };
  },
});
