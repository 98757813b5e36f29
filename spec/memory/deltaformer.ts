import { mechanism, real, scan, softmax, sum, table } from "../page.ts";

/**
 * DeltaFormer: softmax attention whose values are first freed of what earlier tokens already hold for them, by the
 * delta rule with softmax weights in place of products of keys. Causal. Zhong, Xu, Ao and Shi 2025, arXiv:2505.19488.
 *
 * $$ u_t = v_t - \beta_t \sum_{s < t} \operatorname{softmax}_{s < t}(\sigma\, w_t \cdot k_s)\, u_s, \quad
 *    o_t = \sum_{s \le t} \operatorname{softmax}_{s \le t}(\sigma\, q_t \cdot k_s)\, u_s $$
 *
 * The first token has nothing before it, $u_1 = v_1$. With $P$ the strictly lower triangular weights this is the
 * solution of $(I + \operatorname{diag}(\beta) P)\, U = V$. $w$ is what asks for the part to be removed;
 * flash-linear-attention, whose form this page follows, takes the query itself, $w = q$, the default here. $\beta$ is 1
 * if not given; 0 leaves causal attention. `u` comes out too: it stands in a cache where the values stood. Cost:
 * $O(T^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const deltaformer = mechanism({
  id: "memory/deltaformer",
  name: "DeltaFormer (softmax delta rule)",
  paper: "Zhong et al., 2025, arXiv:2505.19488",
  code: "fla-org/flash-linear-attention fla/ops/deltaformer/naive.py:naive_deltaformer_attn",
  inputs: { q: "T D", k: "T D", v: "T E", beta: "T = 1", w: "T D = q" },
  outputs: { out: "T E", u: "T E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5, 1] }),
  },
  domain: { beta: { usual: [0, 1] } },
  properties: [{ linear: "v" }, { causal: "T" }, { even: ["q", "k", "w"] }],
  run({ q, k, v, beta, w }, { T, D, E }, { scale }) {
    const score = (ask: typeof q, t: number, s: number) => scale * sum(D, (d) => ask(t, d) * k(s, d));
    const held = table([T], (t) => softmax(t, (s) => score(w, t, s)));
    const weights = table([T], (t) => softmax(t + 1, (s) => score(q, t, s)));
    const after = scan(T, v, (u, t) => {
      const row = table([E], (e) => v(t, e) - beta(t) * sum(held(t), (s, p) => p * u(s, e)));
      return (s, e) => (s === t ? row(e) : u(s, e));
    });
    const u = table([T, E], after(T));
    return { out: (t, e) => sum(weights(t), (s, p) => p * u(s, e)), u };
  },
});
