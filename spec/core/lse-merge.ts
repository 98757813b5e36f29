import { mechanism, softmax, sum, table } from "../page.ts";

/**
 * Merge of partial attentions: results over disjoint sets of keys, each with the log-sum-exp of its scores, become the
 * result over all keys. What split-K decoding, ring attention and prefix sharing do at the end. Milakov and Gimelshein
 * 2018, arXiv:1805.02867 (the running maximum and sum); Dao et al. 2022, arXiv:2205.14135.
 *
 * $$ \ell_t = \ln \sum_p e^{\ell_{p,t}}, \quad o_t = \sum_p e^{\ell_{p,t} - \ell_t}\, o_{p,t} $$
 *
 * A part that saw no key has $\ell_{p,t} = -\infty$ and adds nothing, whatever its $o$. Where no part saw a key, and
 * where there is no part at all, the result is zeros and $\ell_t = -\infty$; NATTEN's merge, which folds the parts in
 * pairs, gives NaN there and for $\ell$ after an empty first part. Cost: $O(P T_q E)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const lseMerge = mechanism({
  id: "core/lse-merge",
  name: "Log-sum-exp merge of partial attentions",
  paper: "Milakov and Gimelshein, 2018, arXiv:1805.02867; Dao et al., 2022, arXiv:2205.14135",
  code: "SHI-Labs/NATTEN src/natten/attn_merge.py:_merge_attentions_fn",
  inputs: { oParts: "P Tq E", lseParts: "P Tq" },
  outputs: { out: "Tq E", lse: "Tq" },
  options: {},
  mayBeEmpty: ["P"],
  properties: [
    { linear: "oParts", outputs: ["out"] },
    { averages: "oParts", along: "P", outputs: ["out"] },
    { unordered: "P" },
    { independent: "Tq" },
  ],
  run({ oParts, lseParts }, { P, Tq }) {
    const share = table([Tq], (t) => softmax(P, (p) => lseParts(p, t)));
    return {
      out: (t, e) => sum(share(t), (p, w) => w * oParts(p, t, e)),
      lse: (t) => share(t).logSumExp,
    };
  },
});
