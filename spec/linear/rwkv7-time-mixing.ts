import { mechanism, scan, sum, table } from "../page.ts";

/**
 * RWKV-7 (Goose) time mixing, the recurrence: a delta rule in which the key that removes differs from the key that
 * writes and every channel has its own decay and its own rate of removal. One head. Peng et al. 2025, arXiv:2503.14456.
 *
 * $$ S_t = \operatorname{diag}(w_t)\, S_{t-1} - (a_t \odot \kappa_t)\,(S_{t-1}^\top \kappa_t)^\top
 *    + k_t v_t^\top, \quad
 *    o_t = S_t^\top r_t $$
 *
 * $\kappa_t$ = `kk` is meant to have length 1, $w_t$ and $a_t$ to lie between 0 and 1 in every channel; nothing is
 * enforced. What is removed is read from the state before it fades. $r$ (receptance) is the query and sees what its own
 * token wrote; no scale. Written for column vectors; the paper's state is the transpose. The layer around this is
 * `linear/rwkv7-time-mixing-layer`. Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const rwkv7TimeMixing = mechanism({
  id: "linear/rwkv7-time-mixing",
  name: "RWKV-7 (Goose) time mixing",
  paper: "Peng et al., 2025, arXiv:2503.14456",
  code: "fla-org/flash-linear-attention fla/ops/generalized_delta_rule/dplr/naive.py:dplr_recurrence",
  inputs: { r: "T D", w: "T D", k: "T D", v: "T E", kk: "T D", a: "T D", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {},
  domain: { w: { usual: [0.5, 1] }, a: { usual: [0, 1] }, kk: { usual: [-1, 1] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "r", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: "kk" },
  ],
  run({ r, w, k, v, kk, a, state }, { T, D, E }) {
    const S = scan(T, table([D, E], state), (before, t) => {
      const held = table([E], (e) => sum(D, (d) => kk(t, d) * before(d, e)));
      return table([D, E], (d, e) => w(t, d) * before(d, e) - a(t, d) * kk(t, d) * held(e) + k(t, d) * v(t, e));
    });
    return {
      out: (t, e) => sum(D, (d) => r(t, d) * S(t + 1)(d, e)),
      state: S(T),
    };
  },
});
