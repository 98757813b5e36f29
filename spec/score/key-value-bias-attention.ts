import { choice, flag, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * Attention with learned key and value biases: one key $k^*$ that belongs to no token stands before the others and draws
 * the attention that would otherwise sink into the first token. Its value is learned (`kv`), or zero (`k`); `v` has no such
 * key and adds a learned value to the output. Gu et al. 2024, arXiv:2410.10781.
 *
 * $$ o_{h,t} = \frac{e^{q_{h,t} \cdot k^*_h / \sqrt D}\, v^*_h + \sum_{s \in S_t} e^{q_{h,t} \cdot k_{h,s} / \sqrt D}\, v_{h,s}}
 *                   {e^{q_{h,t} \cdot k^*_h / \sqrt D} + \sum_{s \in S_t} e^{q_{h,t} \cdot k_{h,s} / \sqrt D}}
 *    \quad \text{or, in } \texttt{v}, \quad
 *    o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\frac{q_{h,t} \cdot k_{h,s}}{\sqrt D}\Bigr) v_{h,s} + v^*_h $$
 *
 * $S_t$ is every key, or with `causal` those with $s \le t + T_k - T_q$; $k^*$ is visible to every query. A rotary embedding
 * turns $q$ and $k$ beforehand, never $k^*$. Biases shared by the heads are the same for every $h$. A query that sees no
 * token's key gets $v^*$. Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or the biases are not those of `variant`.
 */
export const keyValueBiasAttention = mechanism({
  id: "score/key-value-bias-attention",
  name: "Attention with key and value biases (learned sink key)",
  paper: "Gu et al., 2024, arXiv:2410.10781",
  code: "sail-sg/Attention-Sink lit_gpt/model_kv_bias.py:CausalSelfAttention",
  inputs: { q: "H Tq D", k: "H Tk D", v: "H Tk E", kStar: "H D = 0", vStar: "H E = 0" },
  outputs: { out: "H Tq E" },
  options: {
    variant: choice(["kv", "k", "v"], "which biases are learned"),
    causal: flag(true, "a query sees only the keys up to its own place, and k*"),
  },
  mayBeEmpty: ["Tk"],
  requires: {
    "variant kv needs kStar and vStar, k only kStar, v only vStar": (_, { variant }, given) =>
      given.kStar === (variant !== "v") && given.vStar === (variant !== "k"),
  },
  properties: [
    { linear: ["v", "vStar"] },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "H" },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
    { even: ["q", "k", "kStar"] },
  ],
  run({ q, k, v, kStar, vStar }, { H, Tq, Tk, D }, { variant, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => !causal || s <= t + Tk - Tq);
    const own = table([H, Tq], (h, t) =>
      variant === "v" ? Number.NEGATIVE_INFINITY : sum(D, (d) => q(h, t, d) * kStar(h, d)) / Math.sqrt(D),
    );
    const weights = table([H, Tq], (h, t) =>
      softmax(seen(t), (s) => sum(D, (d) => q(h, t, d) * k(h, s, d)) / Math.sqrt(D), own(h, t)),
    );
    const weightOfStar = (h: number, t: number) =>
      variant === "v" ? 1 : Math.exp(own(h, t) - weights(h, t).logSumExp);
    return {
      out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)) + weightOfStar(h, t) * vStar(h, e),
    };
  },
});
