import {
  clamp,
  flag,
  logAddExp,
  type Matrix,
  mechanism,
  real,
  scan,
  softmax,
  sum,
  table,
  type Vector,
} from "../page.ts";

/**
 * Attention with bounded-memory control (ABC): keys and values are written into a fixed number of slots, each a softmax
 * average over time, and queries attend to the slots alone. Peng et al. 2021, arXiv:2110.02488; with learned slot
 * scores.
 *
 * $$ \tilde K_n = \sum_j \operatorname{softmax}_{j}(s_{j,n})\, k_j, \quad
 *    \tilde V_n = \sum_j \operatorname{softmax}_{j}(s^V_{j,n})\, v_j, \quad
 *    o_t = \sum_n \operatorname{softmax}_n\bigl(\sigma\, q_t \cdot \tilde K_n\bigr)\, \tilde V_n $$
 *
 * The sums run over all keys, or with `causal` over those up to the query, $j \le t + T_k - T_q$, as a recurrence:
 *
 * $$ z_j = \ln(e^{z_{j-1}} + e^{s_j}), \quad
 *    \tilde K_j = \operatorname{diag}(e^{z_{j-1} - z_j}) \tilde K_{j-1} + e^{s_j - z_j} k_j^\top $$
 *
 * and so for $\tilde V$, whose slot scores $s^V$ are $s$ unless given. The layer makes $s$ from the tokens by a matrix,
 * and a head at a time. A score of −∞ writes nothing; a slot that nothing was written to has $z = -\infty$ and is not
 * attended to, and a query that finds no slot gets zeros. The state is the slots with their $z$ (two of them with
 * $s^V$), and goes in and comes out whole. The recurrence is that of flash-linear-attention, the scores apart those of
 * the CAB benchmark, whose causal branch leaves out the running sum and is not followed. Cost:
 * $O((T_q + T_k) N (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a state is given in part.
 */
export const abcAttention = mechanism({
  id: "memory/abc-attention",
  name: "Attention with bounded-memory control (ABC)",
  paper: "Peng et al., 2021, arXiv:2110.02488",
  code: "fla-org/flash-linear-attention fla/ops/abc/naive.py:naive_recurrent_abc",
  inputs: {
    q: "Tq D",
    k: "Tk D",
    v: "Tk E",
    s: "Tk N",
    sV: "Tk N = s",
    stateK: "N D = 0",
    stateV: "N E = 0",
    z: "N = -Infinity",
    zV: "N = -Infinity",
  },
  outputs: { out: "Tq E", stateK: "N D", stateV: "N E", z: "N", zV: "N = none" },
  options: {
    causal: flag(false, "a query reads the slots as they are at its own place"),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores of the slots", {
      tried: [0.5, 1],
    }),
  },
  mayBeEmpty: ["Tk"],
  requires: {
    "a state is stateK, stateV and z, and with sV also zV": (_n, _o, given) =>
      given.stateK === given.z && given.stateV === given.z && given.zV === (given.z && given.sV),
  },
  properties: [
    { linear: ["v", "stateV"], outputs: ["out", "stateV"] },
    { averages: "v", along: "Tk", outputs: ["out"], when: (_n, _o, given) => !given.stateV },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", outputs: ["out"], when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], outputs: ["out"], when: (_, o) => o.causal },
    { even: ["q", "k", "stateK"], outputs: ["out", "stateV"] },
  ],
  run({ q, k, v, s, sV, stateK, stateV, z, zV }, { Tq, Tk, D, E, N }, { causal, scale }, given) {
    const share = (part: number, whole: number) => (part === Number.NEGATIVE_INFINITY ? 0 : Math.exp(part - whole));
    const written = (width: number, score: Matrix, item: Matrix, first: Matrix, mass: Vector) =>
      scan(Tk, { slots: table([N, width], first), z: table([N], mass) }, (before, j) => {
        const after = table([N], (n) => logAddExp(before.z(n), score(j, n)));
        const slots = table(
          [N, width],
          (n, d) => share(before.z(n), after(n)) * before.slots(n, d) + share(score(j, n), after(n)) * item(j, d),
        );
        return { slots, z: after };
      });
    const keys = written(D, s, k, stateK, z);
    const values = written(E, sV, v, stateV, given.sV ? zV : z);
    const read = (t: number) => (causal ? clamp(t + 1 + Tk - Tq, 0, Tk) : Tk);
    const weights = table([Tq], (t) => {
      const { slots, z: mass } = keys(read(t));
      return softmax(N, (n) =>
        mass(n) > Number.NEGATIVE_INFINITY ? scale * sum(D, (d) => q(t, d) * slots(n, d)) : mass(n),
      );
    });
    return {
      out: (t, e) => sum(weights(t), (n, w) => w * values(read(t)).slots(n, e)),
      stateK: keys(Tk).slots,
      stateV: values(Tk).slots,
      z: keys(Tk).z,
      zV: given.sV ? values(Tk).z : undefined,
    };
  },
});
