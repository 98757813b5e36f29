import {
  flag,
  integer,
  logSigmoid,
  mechanism,
  range,
  real,
  rmsNorm,
  rotate,
  sigmoid,
  softmax,
  sum,
  table,
  type Vector,
} from "../page.ts";

/**
 * Forgetting attention (FoX): causal attention in which each token and head has a forget gate $f$ between 0 and 1, and
 * the weight of a key is multiplied by the gates of all tokens after it up to the query. Lin et al. 2025,
 * arXiv:2503.02130.
 *
 * $$ o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\sigma\, q_{h,t} \cdot k_{h,s} + \sum_{s < l \le p} \ln f_{l,h}\Bigr)\, v_{h,s}, \quad
 *    f_{l,h} = \operatorname{sigmoid}(x_l \cdot w^F_h + b^F_h) $$
 *
 * $p = t + T_k - T_q$ is the place of query $t$ among the keys and $S_t$ the keys with $0 \le p - s <$ `window`. The
 * decay is not scaled by $\sigma$; code keeps it as a difference of running sums. `logF` gives $\ln f$ itself, −∞ hides
 * what came before. $f = 1$ is plain causal attention, a constant $f$ is ALiBi. No position embedding is needed; `rope`
 * turns queries and keys by their places (half layout).
 *
 * The Pro block is had by giving its weights, each for itself. With $\alpha = \operatorname{sigmoid}(x_s \cdot w)$ a
 * shift makes $k_s$ into $\alpha k_{s-1} + (1 - \alpha) k_s$, of the unshifted keys, $k_{-1} = 0$ (`wShiftK`; `wShiftV`
 * for values); the gains `gQ`, `gK` ask for an RMS norm of each head's query and key (ε `qkEps`), after the shift and
 * before turning; `gO` for one of each head's result (ε `eps`), and `wGate` multiplies that by
 * $\operatorname{sigmoid}(x_p W^{gate}_h)$. The order and the two ε are the official code's; its pruning of small
 * weights is left out. Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $T_q > T_k$, neither `logF` nor `x`
 * with `wF` is given or both are, a weight that needs `x` comes without it, or $D$ is odd under `rope`.
 */
export const forgettingAttention = mechanism({
  id: "score/forgetting-attention",
  name: "Forgetting attention (FoX)",
  paper: "Lin et al., 2025, arXiv:2503.02130",
  code: "zhixuan-lin/forgetting-transformer src/forgetting_transformer/model/forgetting_transformer/modeling_forgetting_transformer.py:ForgettingAttentionLayer",
  inputs: {
    q: "H Tq D",
    k: "H Tk D",
    v: "H Tk E",
    x: "Tk M = none",
    wF: "M H = none",
    bF: "H = 0",
    logF: "Tk H = none",
    wShiftK: "M H = none",
    wShiftV: "M H = none",
    gQ: "H D = none",
    gK: "H D = none",
    gO: "H E = none",
    wGate: "M (H E) = none",
  },
  outputs: { out: "H Tq E" },
  options: {
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [0.5] }),
    window: integer(Infinity, "how many keys a query sees, its own included; ∞ for all", { min: 1, tried: [1, 2, 3] }),
    rope: flag(false, "queries and keys are turned by their place"),
    ropeBase: real(500000, "θ, the base of the rotary frequencies", { above: 0, tried: [100] }),
    qkEps: real(1e-5, "ε of the norm of queries and keys", { above: 0, tried: [0.5] }),
    eps: real(1e-6, "ε of the norm of the result", { above: 0, tried: [0.5] }),
  },
  tried: { D: [1, 2, 4] },
  domain: { logF: { usual: [-3, 0] } },
  requires: {
    "Tq must be at most Tk": (n) => n.Tq <= n.Tk,
    "D must be even under rope": (n, o) => !o.rope || n.D % 2 === 0,
    "the gates are either logF, or x with wF and perhaps bF": (_, _o, given) =>
      given.logF ? !given.wF && !given.bF : given.x && given.wF,
    "wShiftK, wShiftV and wGate need x": (_, _o, given) => given.x || !(given.wShiftK || given.wShiftV || given.wGate),
    "x needs a weight that reads it": (_, _o, given) =>
      !given.x || given.wF || given.wShiftK || given.wShiftV || given.wGate,
  },
  properties: [
    { linear: "v", when: (_, _o, given) => !given.gO },
    { linear: "gO", when: (_, _o, given) => given.gO === true },
    { averages: "v", along: "Tk", when: (_, _o, given) => !given.wShiftV && !given.gO && !given.wGate },
    { causal: ["Tq", "Tk"], when: (n) => n.Tq === n.Tk },
    { independent: "H" },
  ],
  run(
    { q, k, v, x, wF, bF, logF, wShiftK, wShiftV, gQ, gK, gO, wGate },
    { H, Tq, Tk, M, D, E },
    { scale, window, rope, ropeBase, qkEps, eps },
    given,
  ) {
    const place = (t: number) => t + Tk - Tq;
    const project = (s: number, w: (m: number) => number) => sum(M, (m) => x(s, m) * w(m));
    const lnF = table([Tk, H], (l, h) => (given.logF ? logF(l, h) : logSigmoid(project(l, (m) => wF(m, h)) + bF(h))));
    const decay = (h: number, p: number, s: number) => sum(range(s + 1, p + 1), (l) => lnF(l, h));

    const shifted = (wide: number, y: typeof k, w: typeof wShiftK, shifts: boolean) => {
      if (!shifts) return y;
      const alpha = table([H, Tk], (h, s) => sigmoid(project(s, (m) => w(m, h))));
      return table(
        [H, Tk, wide],
        (h, s, d) => alpha(h, s) * (s > 0 ? y(h, s - 1, d) : 0) + (1 - alpha(h, s)) * y(h, s, d),
      );
    };
    const turned = (rows: number, first: number, y: typeof q, gain: typeof gQ, normed: boolean) => {
      const ready = table([H, rows], (h, t): Vector => {
        const unit = rmsNorm(D, (d) => y(h, t, d), qkEps);
        return (d) => (normed ? gain(h, d) * unit(d) : y(h, t, d));
      });
      const angle = (t: number, i: number) => (first + t) * ropeBase ** ((-2 * i) / D);
      return table([H, rows, D], (h, t, d) => rotate(ready(h, t), rope ? D : 0, "half", (i) => angle(t, i))(d));
    };
    const query = turned(Tq, place(0), q, gQ, given.gQ);
    const key = turned(Tk, 0, shifted(D, k, wShiftK, given.wShiftK), gK, given.gK);
    const value = shifted(E, v, wShiftV, given.wShiftV);

    const seen = (t: number) => range(place(t) + 1).filter((s) => place(t) - s < window);
    const weights = table([H, Tq], (h, t) =>
      softmax(seen(t), (s) => scale * sum(D, (d) => query(h, t, d) * key(h, s, d)) + decay(h, place(t), s)),
    );
    const o = table([H, Tq, E], (h, t, e) => sum(weights(h, t), (s, w) => w * value(h, s, e)));
    const unit = table([H, Tq], (h, t) => rmsNorm(E, (e) => o(h, t, e), eps));
    const result = (h: number, t: number, e: number) => (given.gO ? gO(h, e) * unit(h, t)(e) : o(h, t, e));
    const gate = (h: number, t: number, e: number) =>
      given.wGate ? sigmoid(project(place(t), (m) => wGate(m, h, e))) : 1;
    return { out: (h, t, e) => gate(h, t, e) * result(h, t, e) };
  },
});
