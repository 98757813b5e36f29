import { mechanism, scan, sum, table } from "../page.ts";

/**
 * RWKV-6 (Finch) time mixing, the recurrence: one head keeps a $D \times E$ state whose rows fade by a factor of every
 * token; a token reads the state before it has written, and its own value with a bonus instead. Peng et al. 2024,
 * arXiv:2404.05892.
 *
 * $$ o_t = \bigl(S_{t-1} + \operatorname{diag}(u)\, k_t v_t^\top\bigr)^\top r_t, \quad
 *    S_t = \operatorname{diag}(w_t)\, S_{t-1} + k_t v_t^\top $$
 *
 * $w_t$ are the factors themselves, between 0 and 1 in use, not their logarithms. The factor of a token acts on what
 * came before it, and on what that token reads only from the next token on. $r$ (receptance) is the query; no scale. In
 * parallel form,
 * $o_t = \sum_{s<t} \bigl(r_t \odot \prod_{s<i<t} w_i\bigr) \cdot k_s\, v_s + (r_t \odot u) \cdot k_t\, v_t$. The layer
 * around this is `linear/rwkv6-time-mixing-layer`. Cost: $O(T D E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const rwkv6TimeMixing = mechanism({
  id: "linear/rwkv6-time-mixing",
  name: "RWKV-6 (Finch) time mixing",
  paper: "Peng et al., 2024, arXiv:2404.05892",
  code: "fla-org/flash-linear-attention fla/ops/rwkv6/recurrent_naive.py:naive_recurrent_rwkv6",
  inputs: { r: "T D", k: "T D", v: "T E", w: "T D", u: "D", state: "D E = 0" },
  outputs: { out: "T E", state: "D E" },
  options: {},
  domain: { w: { usual: [0, 1] } },
  properties: [
    { linear: ["v", "state"] },
    { linear: "r", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
    { even: ["r", "k", "state"], outputs: ["out"] },
  ],
  run({ r, k, v, w, u, state }, { T, D, E }) {
    const S = scan(T, table([D, E], state), (before, t) =>
      table([D, E], (d, e) => w(t, d) * before(d, e) + k(t, d) * v(t, e)),
    );
    return {
      out: (t, e) => sum(D, (d) => r(t, d) * (S(t)(d, e) + u(d) * k(t, d) * v(t, e))),
      state: S(T),
    };
  },
});
