import { flag, mechanism, range, real, scan, softmax, sum, table } from "../page.ts";

/**
 * PaTH attention: between a key and a query lies the product of the Householder-like reflections of the tokens on the way,
 * each made from its token; it takes the place of a rotation by the distance. Yang et al. 2025, arXiv:2505.16381.
 *
 * $$ H_u = I - \beta_u w_u w_u^\top, \quad
 *    z_{t,s} = \sigma\, q_t^\top H_t H_{t-1} \cdots H_{s+1} k_s + \sigma_g \sum_{u=s+1}^{t} g_u, \quad
 *    o_t = \sum_{s \le t} \operatorname{softmax}_{s \le t}(z_{t,s})\, v_s $$
 *
 * A key is met first by $H_{s+1}$, last by $H_t$; at $s = t$ by none. $w_u$ is meant to have length 1, $\beta_u$ to lie between
 * 0 and 2; neither is enforced. Decoding turns the cached keys instead: each new token reflects all of them. The layer takes
 * $w$ from a low-rank projection of the tokens, a causal convolution of three taps, SiLU and a norm to length 1 per head, and
 * $\beta = 2\operatorname{sigmoid}(\cdot)$. Query head $h$ reads key head $\lfloor h H_k / H_q \rfloor$. `g`, logarithms of
 * forget gates per query head, makes it PaTH-FoX; $\sigma_g = \sigma$ in the official code, `gateBiasScaled: false` is
 * $\sigma_g = 1$ as in the Forgetting Transformer. Cost: $O(H_k T^2 D + H_q T^2 (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $H_q$ is no multiple of $H_k$.
 */
export const pathAttention = mechanism({
  id: "positional/path-attention",
  name: "PaTH attention (data-dependent Householder positions)",
  paper: "Yang et al., 2025, arXiv:2505.16381",
  code: "fla-org/flash-linear-attention fla/ops/path_attn/naive.py:naive_path_attn",
  inputs: { q: "T Hq D", k: "T Hk D", v: "T Hk E", w: "T Hk D", beta: "T Hk", g: "T Hq = 0" },
  outputs: { out: "T Hq E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5] }),
    gateBiasScaled: flag(true, "whether the scale is on the gates too"),
  },
  tried: { Hq: [1, 2, 4], Hk: [1, 2] },
  requires: { "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0 },
  domain: { w: { usual: [-1, 1] }, beta: { usual: [0, 2] }, g: { usual: [-4, 0] } },
  properties: [{ linear: "v" }, { averages: "v", along: "T" }, { causal: "T" }, { even: "w" }, { even: ["q", "k"] }],
  run({ q, k, v, w, beta, g }, { T, Hq, Hk, D }, { scale, gateBiasScaled }) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const reflect = (h: number, u: number, key: (d: number) => number) => {
      const along = sum(D, (d) => w(u, h, d) * key(d));
      return table([D], (d) => key(d) - beta(u, h) * along * w(u, h, d));
    };
    const onTheWay = table([Hk, T], (h, s) =>
      scan(
        T - 1 - s,
        table([D], (d) => k(s, h, d)),
        (key, step) => reflect(h, s + 1 + step, key),
      ),
    );
    const gates = (h: number, s: number, t: number) => sum(range(s + 1, t + 1), (u) => g(u, h));
    const weights = table([T, Hq], (t, h) =>
      softmax(t + 1, (s) => {
        const key = onTheWay(shared(h), s)(t - s);
        return scale * sum(D, (d) => q(t, h, d) * key(d)) + (gateBiasScaled ? scale : 1) * gates(h, s, t);
      }),
    );
    return { out: (t, h, e) => sum(weights(t, h), (s, p) => p * v(s, shared(h), e)) };
  },
});
