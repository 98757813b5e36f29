import { choice, flag, integer, largest, mechanism, range, real, softmax, sum, table, weigh } from "../page.ts";

/**
 * Selective hard attention (AxFormer): in chosen layers a query aggregates only the few keys most relevant to it. One head;
 * a batch or the heads stand on a leading axis. Nagarajan et al. 2020, arXiv:2010.03688.
 *
 * $$ o_t = \sum_{s \in F_t} w_{t,s}\, v_s, \quad F_t = \text{the } \min(n, \lceil \rho\, T_k \rceil) \text{ keys of } S_t
 *    \text{ with the largest } m_{t,s} $$
 *
 * With `scoring` `dot`, $m_{t,s} = q_t \cdot k_s / \sqrt D$; with `sign` it is the number of features in which $q_t$ and $k_s$
 * have the same sign, zero counting as positive, as in the paper's first version. The weights are the softmax of
 * $q_t \cdot k_s / \sqrt D$ over $F_t$, or `hard`, $1/|F_t|$. Of equal keys the earlier is kept. Without limits it is ordinary
 * attention, which is what the layers not chosen compute. $S_t$ is the keys with `mask` true and, if `causal`, those with
 * $s \le t + T_k - T_q$; $T_k$ counts hidden keys too. A query that sees no key gets zeros.
 * Cost: $O(T_q T_k D)$ and a selection.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const selectiveHardAttention = mechanism({
  id: "score/selective-hard-attention",
  name: "Selective hard attention (AxFormer)",
  paper: "Nagarajan et al., 2020, arXiv:2010.03688",
  ours: "No code is public and the paper's rule for a relevant word could not be read: how many keys stay and how they are weighted is chosen here.",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1" },
  outputs: { out: "Tq E" },
  options: {
    keep: integer(Number.POSITIVE_INFINITY, "n, how many keys a query keeps at most", { min: 1, tried: [1, 2, 3] }),
    rho: real(1, "ρ, the share of all keys that a query keeps at most", { above: 0, max: 1, tried: [0.25, 0.5] }),
    weighting: choice(["softmax", "hard"], "softmax over the kept keys, or all of them alike"),
    scoring: choice(["dot", "sign"], "what selects: the scores, or in how many features the signs agree"),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v" },
    { averages: "v", along: "Tk" },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && o.rho === 1 && n.Tq === n.Tk },
    { even: ["q", "k"], when: (_, o) => o.scoring === "dot" },
    { scaleFree: "q", when: (_, o) => o.weighting === "hard" },
  ],
  run({ q, k, v, mask }, { Tq, Tk, D }, { keep, rho, weighting, scoring, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => mask(t, s) && (!causal || s <= t + Tk - Tq));
    const score = table([Tq, Tk], (t, s) => sum(D, (d) => q(t, d) * k(s, d)) / Math.sqrt(D));
    const agreeing = (t: number, s: number) => range(D).filter((d) => q(t, d) >= 0 === k(s, d) >= 0).length;
    const relevance = scoring === "sign" ? agreeing : score;
    const weights = table([Tq], (t) => {
      const kept = largest(Math.min(keep, Math.ceil(rho * Tk)), seen(t), (s) => relevance(t, s));
      return weighting === "hard" ? weigh(kept, () => 1 / kept.length) : softmax(kept, (s) => score(t, s));
    });
    return { out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)) };
  },
});
