import { mechanism, softmax, sum, table } from "../page.ts";

/**
 * Linformer attention: learned matrices mix the keys and the values of all tokens into a few, and softmax attention
 * runs over those. Wang et al. 2020, arXiv:2006.04768. One head; a batch or the heads stand on a leading axis.
 *
 * $$ k'_r = \sum_{s=0}^{T_k-1} e_{r,s} \mu_s k_s, \quad v'_r = \sum_{s=0}^{T_k-1} f_{r,s} \mu_s v_s, \quad
 *    o_t = \sum_r \operatorname{softmax}_r\Bigl(\frac{q_t \cdot k'_r}{\sqrt D}\Bigr)\, v'_r $$
 *
 * $e$ and $f$ are made for the longest sequence of $P$ tokens; a shorter one uses their first columns. `keyMask` $\mu$
 * zeroes padded tokens; the softmax still runs over all $R$ rows, which has no mask and no causal form, since each row
 * mixes all tokens. The weights need not be positive nor sum to 1 over the tokens. Matrices may be shared by $e$ and
 * $f$ (the default), by heads or by layers. Cost: $O(T_k R (D + E) + T_q R (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or there are more than $P$ keys.
 */
export const linformerAttention = mechanism({
  id: "low-rank/linformer-attention",
  name: "Linformer attention",
  paper: "Wang et al., 2020, arXiv:2006.04768",
  code: "mlpen/Nystromformer code/attention_linformer.py:LinformerAttention",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", e: "R P", f: "R P = e", keyMask: "Tk = 1" },
  outputs: { out: "Tq E" },
  options: {},
  domain: { keyMask: "boolean" },
  tried: { P: [3, 5, 6], Tk: [1, 2, 3, 5] },
  requires: { "P must be at least Tk": (n) => n.P >= n.Tk },
  properties: [{ linear: "v" }, { linear: "f" }, { even: ["q", "k"] }, { independent: "Tq" }, { unordered: "R" }],
  run({ q, k, v, e, f, keyMask }, { Tq, Tk, D, E, R }) {
    const keys = table([R, D], (r, d) => sum(Tk, (s) => e(r, s) * keyMask(s) * k(s, d)));
    const values = table([R, E], (r, c) => sum(Tk, (s) => f(r, s) * keyMask(s) * v(s, c)));
    const weights = table([Tq], (t) => softmax(R, (r) => sum(D, (d) => q(t, d) * keys(r, d)) / Math.sqrt(D)));
    return { out: (t, c) => sum(weights(t), (r, w) => w * values(r, c)) };
  },
});
