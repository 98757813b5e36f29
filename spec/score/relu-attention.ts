import { choice, flag, gelu, mechanism, range, real, relu, sigmoid, softplus, sum, table, weigh } from "../page.ts";

const activations = {
  relu,
  relu2: (z: number) => relu(z) ** 2,
  gelu,
  softplus,
  identity: (z: number) => z,
  relu6: (z: number) => Math.min(relu(z), 6),
  sigmoid,
};

/**
 * ReLU attention: each score passes a pointwise function and is divided by the number of keys, so that nothing is
 * normalised across the keys. One head; a batch or the heads stand on a leading axis. Wortsman et al. 2023,
 * arXiv:2309.08586.
 *
 * $$ o_t = \sum_{s \in S_t} L_t^{-\gamma}\, \phi\Bigl(\frac{q_t \cdot k_s}{\sqrt D}\Bigr) v_s $$
 *
 * $\phi$ is ReLU, the paper's choice, or one of those it compares with. The paper has no masks and $L$ is the sequence
 * length. Under a mask that can mean two things: `length` `allowed` counts the keys the query sees, $L_t = |S_t|$, which keeps
 * a causal layer causal; the first author's language-model code has `total`, all keys, $L_t = T_k$, and `mean`, what a causal
 * query sees on average, $(T_k + 1)/2$. A hidden key has weight 0, whatever $\phi$ would make of it. $S_t$ is the keys with
 * `mask` true and, if `causal`, those with $s \le t + T_k - T_q$. A query that sees no key gets zeros.
 * Cost: $O(T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const reluAttention = mechanism({
  id: "score/relu-attention",
  name: "ReLU attention (divided by sequence length)",
  paper: "Wortsman et al., 2023, arXiv:2309.08586",
  code: "mlfoundations/open_lm open_lm/attention.py:custom_attn",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", mask: "Tq Tk = 1" },
  outputs: { out: "Tq E" },
  options: {
    gamma: real(1, "γ, the power of the length that divides the weights", { tried: [0, 0.5] }),
    phi: choice(
      ["relu", "relu2", "gelu", "softplus", "identity", "relu6", "sigmoid"],
      "φ, the function a score passes; relu2 is its square, relu6 stops at 6",
    ),
    length: choice(["allowed", "total", "mean"], "L, the keys a query sees, all, or half of all and ½"),
    causal: flag(false, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  domain: { mask: "boolean" },
  properties: [
    { linear: "v" },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    {
      causal: ["Tq", "Tk"],
      when: (n, o) => o.causal && n.Tq === n.Tk && (o.length === "allowed" || o.gamma === 0),
    },
    { even: ["q", "k"] },
  ],
  run({ q, k, v, mask }, { Tq, Tk, D }, { gamma, phi, length, causal }) {
    const seen = (t: number) => range(Tk).filter((s) => mask(t, s) && (!causal || s <= t + Tk - Tq));
    const weights = table([Tq], (t) => {
      const L = { allowed: seen(t).length, total: Tk, mean: (Tk + 1) / 2 }[length];
      return weigh(seen(t), (s) => L ** -gamma * activations[phi](sum(D, (d) => q(t, d) * k(s, d)) / Math.sqrt(D)));
    });
    return { out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)) };
  },
});
