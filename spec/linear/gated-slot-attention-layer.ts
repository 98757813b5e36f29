import { integer, logSigmoid, mechanism, real, rmsNorm, scan, silu, softmax, sum, table } from "../page.ts";

/**
 * The gated slot attention layer: projections with SiLU, the slot memory in each head (`linear/gated-slot-attention`),
 * a norm of all heads together and the output projection. Zhang et al. 2024, arXiv:2409.07146.
 *
 * $$ q_t, k_t, v_t = \mathrm{silu}(x_t W), \quad a_t = \operatorname{sigmoid}(x_t W^F)^{1/\tau}, \quad
 *    o_t = \tilde V_t^\top \operatorname{softmax}(\sigma\, \tilde K_t^\top q_t) $$
 * $$ y_t = \bigl(\mathrm{norm} \odot \operatorname{RMSNorm}(\mathrm{silu}(o_t))\bigr) W^O $$
 *
 * $\tilde K_t = \tilde K_{t-1} \operatorname{diag}(a_t) + k_t (1 - a_t)^\top$ and
 * $\tilde V_t = \operatorname{diag}(a_t) \tilde V_{t-1} + (1 - a_t) v_t^\top$. Query head $h$ reads the memory of head
 * $\lfloor h H_k / H_q \rfloor$. The scale $\sigma$ is 1 and $\tau$ 8, as in the code. The states go in and come out.
 * Cost: $O(T H_q N (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into
 * heads, or $H_q$ is no multiple of $H_k$.
 */
export const gatedSlotAttentionLayer = mechanism({
  id: "linear/gated-slot-attention-layer",
  name: "Gated slot attention layer",
  paper: "Zhang et al., 2024, arXiv:2409.07146",
  code: "fla-org/flash-linear-attention fla/layers/gsa.py:GatedSlotAttention",
  inputs: {
    x: "T M",
    wQ: "M (Hq D)",
    wK: "M (Hk D)",
    wV: "M (Hk E)",
    wF: "M (Hk N)",
    norm: "(Hq E)",
    wO: "(Hq E) Mo",
    stateK: "Hk D N = 0",
    stateV: "Hk N E = 0",
  },
  outputs: { out: "T Mo", stateK: "Hk D N", stateV: "Hk N E" },
  options: {
    heads: integer(1, "Hq, the number of query heads", { min: 1, tried: [1, 2] }),
    kvHeads: integer((n: { Hq: number }) => n.Hq, "Hk, the number of heads that have a memory", {
      min: 1,
      tried: [1, 2],
    }),
    tau: real(8, "τ, the root taken of the gates", { above: 0, tried: [1] }),
    scale: real(1, "σ, the factor on the slot scores", { tried: [0.5] }),
    eps: real(1e-5, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { Hq: (_, o) => o.heads, Hk: (_, o) => o.kvHeads },
  tried: { T: [1, 2, 4], M: [1, 2, 3], Mo: [1, 2], D: [1, 2, 3], E: [1, 2, 3], N: [1, 2, 3] },
  requires: { "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0 },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: ["stateK", "stateV"] },
  ],
  run({ x, wQ, wK, wV, wF, norm, wO, stateK, stateV }, { T, M, Hq, Hk, D, E, N }, { tau, scale, eps }) {
    type Weight = (m: number, h: number, d: number) => number;
    const projected = (H: number, width: number, w: Weight, act: (y: number) => number) =>
      table([T, H, width], (t, h, d) => act(sum(M, (m) => x(t, m) * w(m, h, d))));
    const q = projected(Hq, D, wQ, silu);
    const k = projected(Hk, D, wK, silu);
    const v = projected(Hk, E, wV, silu);
    const a = projected(Hk, N, wF, (f) => Math.exp(logSigmoid(f) / tau));

    const K = scan(T, table([Hk, D, N], stateK), (before, t) =>
      table([Hk, D, N], (h, d, n) => a(t, h, n) * before(h, d, n) + k(t, h, d) * (1 - a(t, h, n))),
    );
    const V = scan(T, table([Hk, N, E], stateV), (before, t) =>
      table([Hk, N, E], (h, n, e) => a(t, h, n) * before(h, n, e) + (1 - a(t, h, n)) * v(t, h, e)),
    );
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const weights = table([T, Hq], (t, h) =>
      softmax(N, (n) => scale * sum(D, (d) => q(t, h, d) * K(t + 1)(shared(h), d, n))),
    );
    const o = table([T, Hq, E], (t, h, e) => silu(sum(weights(t, h), (n, w) => w * V(t + 1)(shared(h), n, e))));
    const unit = table([T], (t) => rmsNorm(Hq * E, (i) => o(t, Math.floor(i / E), i % E), eps));
    return {
      out: (t, m) => sum(Hq, (h) => sum(E, (e) => unit(t)(h * E + e) * norm(h, e) * wO(h, e, m))),
      stateK: K(T),
      stateV: V(T),
    };
  },
});
