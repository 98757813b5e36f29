import { integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * Wall attention: softmax attention in which every channel of the product of a query and a key fades by gates between
 * the two, so that a head can forget some features and keep others. Causal, with grouped key and value heads.
 * Contributed by Averbuch and Pai (Tilde Research) to flash-linear-attention, 2026.
 *
 * $$ o_{t,h} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(z_{t,s,h})\, v_{s,\gamma(h)}, \quad
 *    z_{t,s,h} = \sigma \sum_d q_{t,h,d}\, k_{s,\gamma(h),d}\, e^{P_{t,h,d} - P_{s,h,d}} + c_{t,h} - c_{s,h} $$
 * $$ P_{t,h,d} = \sum_{u \le t} g_{u,h,d}, \quad c_{t,h} = \sum_{u \le t} \bar g_{u,h}, \quad
 *    \gamma(h) = \lfloor h H_k / H_q \rfloor $$
 *
 * $g$ and $\bar g$ = `gScalar` are logarithms of gates, so at most 0 in use; the gate of a key's own token does not act
 * on it. The scalar gate adds to the scaled score as in forgetting attention. $S_t$ is the tokens $s \le t$, with
 * `window` those with $t - s <$ `window`. The softmax has one more place with the score `sink` and no value; the
 * weights then sum to less than 1. The official code computes in base 2, which is the same. Cost: $O(T^2 H_q (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $H_q$ is no multiple of $H_k$.
 */
export const wallAttention = mechanism({
  id: "score/wall-attention",
  name: "Wall attention",
  paper: "Averbuch and Pai (Tilde Research), 2026, fla-org/flash-linear-attention",
  code: "fla-org/flash-linear-attention fla/ops/wall_attn/naive.py:naive_wall_attn",
  inputs: {
    q: "T Hq D",
    k: "T Hk D",
    v: "T Hk E",
    g: "T Hq D",
    sink: "Hq = -Infinity",
    gScalar: "T Hq = 0",
  },
  outputs: { out: "T Hq E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the products", { tried: [0.5] }),
    window: integer(Number.POSITIVE_INFINITY, "how many tokens a query sees, itself included", {
      min: 1,
      tried: [1, 2, 3],
    }),
  },
  tried: { Hq: [1, 2, 4], Hk: [1, 2] },
  domain: { g: { usual: [-2, 0] }, gScalar: { usual: [-2, 0] } },
  requires: { "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0 },
  properties: [
    { linear: "v" },
    { causal: "T" },
    { averages: "v", along: "T", when: (_, __, given) => !given.sink },
    { even: ["q", "k"] },
  ],
  run({ q, k, v, g, sink, gScalar }, { T, Hq, Hk, D }, { scale, window }) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const P = table([T, Hq, D], (t, h, d) => sum(t + 1, (u) => g(u, h, d)));
    const c = table([T, Hq], (t, h) => sum(t + 1, (u) => gScalar(u, h)));
    const faded = (t: number, s: number, h: number) =>
      sum(D, (d) => q(t, h, d) * k(s, shared(h), d) * Math.exp(P(t, h, d) - P(s, h, d)));
    const seen = (t: number) => range(T).filter((s) => s <= t && t - s < window);
    const weights = table([T, Hq], (t, h) =>
      softmax(seen(t), (s) => scale * faded(t, s, h) + c(t, h) - c(s, h), sink(h)),
    );
    return { out: (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, shared(h), e)) };
  },
});
