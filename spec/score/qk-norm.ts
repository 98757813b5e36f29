import {
  choice,
  flag,
  layerNorm,
  mechanism,
  range,
  real,
  rmsNorm,
  rotate,
  softmax,
  sum,
  table,
  type Vector,
} from "../page.ts";

type Heads = (h: number, t: number, d: number) => number;

const norms = {
  rms: rmsNorm,
  layer: layerNorm,
  l2: (n: number, x: Vector, epsilon: number): Vector => {
    const size = Math.max(Math.sqrt(sum(n, (i) => x(i) ** 2)), epsilon);
    return (i) => x(i) / size;
  },
};

/**
 * Query–key normalisation: queries and keys are brought to one length before their product, so that scores stay bounded;
 * values are not touched. Henry et al. 2020, arXiv:2010.04245 (`l2`); Dehghani et al. 2023, arXiv:2302.05442 (`layer`, ViT-22B);
 * `rms` is Qwen3's and, with `scope` `full`, OLMo 2's.
 *
 * $$ \hat q_{h,t} = g^q_h \odot \nu(q_{h,t}), \quad \hat k_{j,s} = g^k_j \odot \nu(k_{j,s}), \quad
 *    o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\bigl(\sigma\, \rho_t \hat q_{h,t} \cdot \rho_s \hat k_{j,s}\bigr)\, v_{j,s}, \quad
 *    j = \lfloor h H_k / H_q \rfloor $$
 *
 * | kind | $\nu(x)$ | $\sigma$ |
 * | --- | --- | --- |
 * | `rms` | $x / \sqrt{\operatorname{mean}(x^2) + \varepsilon}$ | $\gamma / \sqrt D$ |
 * | `layer` | the same of $x - \operatorname{mean}(x)$; no shift is added | $\gamma / \sqrt D$ |
 * | `l2` | $x / \max(\lVert x \rVert, \varepsilon)$ | $\gamma$ |
 *
 * With `scope` `head` the norm runs over the $D$ features of one head, and one gain of $D$ serves all heads; with `full` it
 * runs over all heads' features side by side, with a gain for each. Henry et al. learn the one scalar $\gamma$, begun at
 * $\log_2(L^2 - L)$ for length $L$; the others have none and let it be 1. Gemma 3 stores the gain less 1. $\rho$ is a rotary
 * embedding (half layout, all $D$ features) after the norm, if `ropeTheta` is finite; since distances alone matter, places
 * count from the last token, query or key. $S_t$ is every key, or with `causal` those with $s \le t + T_k - T_q$. A query that
 * sees no key gets zeros.
 * Cost: $O(H_q T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $H_q$ is no multiple of $H_k$, or $D$ is odd
 * and `ropeTheta` finite.
 */
export const qkNorm = mechanism({
  id: "score/qk-norm",
  name: "Query–key normalisation (QK-norm)",
  paper: "Henry et al., 2020, arXiv:2010.04245",
  code: "huggingface/transformers src/transformers/models/qwen3/modeling_qwen3.py:Qwen3Attention",
  inputs: {
    q: "Hq Tq D",
    k: "Hk Tk D",
    v: "Hk Tk E",
    gQ: "Gq = 1",
    gK: "Gk = 1",
    gamma: " = 1",
  },
  outputs: { out: "Hq Tq E" },
  options: {
    kind: choice(["rms", "layer", "l2"], "ν, what the norm is"),
    scope: choice(["head", "full"], "whether it runs over one head or over all of them"),
    eps: real(1e-6, "ε, which keeps the norm of a zero vector finite", { above: 0, tried: [1e-3, 1] }),
    causal: flag(false, "a query sees only the keys up to its own place"),
    ropeTheta: real(Number.POSITIVE_INFINITY, "θ, the base of the rotary embedding; infinite means none", {
      above: 0,
      tried: [100, 10000],
    }),
  },
  axes: {
    Gq: (n, o) => (o.scope === "full" ? n.Hq * n.D : n.D),
    Gk: (n, o) => (o.scope === "full" ? n.Hk * n.D : n.D),
  },
  mayBeEmpty: ["Tk"],
  tried: { Hq: [1, 2, 4], Hk: [1, 2] },
  requires: {
    "Hq must be a multiple of Hk": (n) => n.Hq % n.Hk === 0,
    "D must be even where ropeTheta is finite": (n, o) => o.ropeTheta === Number.POSITIVE_INFINITY || n.D % 2 === 0,
  },
  properties: [
    { linear: "v" },
    { averages: "v", along: "Tk" },
    { unordered: "Tk", when: (_, o) => !o.causal && o.ropeTheta === Number.POSITIVE_INFINITY },
    { independent: "Tq", when: (_, o) => !o.causal && o.ropeTheta === Number.POSITIVE_INFINITY },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
    { even: ["q", "k"] },
  ],
  run({ q, k, v, gQ, gK, gamma }, { Hq, Hk, Tq, Tk, D, Gq, Gk }, { kind, scope, eps, causal, ropeTheta }) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const full = scope === "full";
    const normalised = (H: number, T: number, G: number, x: Heads, g: Vector) => {
      const unit = table([H, T], (h, t) => norms[kind](G, (i) => x(full ? Math.floor(i / D) : h, t, i % D), eps));
      const place = (h: number, d: number) => (full ? h * D + d : d);
      return table([H, T, D], (h, t, d) => g(place(h, d)) * unit(h, t)(place(h, d)));
    };
    const turned = (H: number, T: number, x: Heads) => {
      const angle = (t: number) => (i: number) => (t - T) * ropeTheta ** ((-2 * i) / D);
      const head = (h: number, t: number) => (d: number) => x(h, t, d);
      if (ropeTheta === Number.POSITIVE_INFINITY) return x;
      return table([H, T, D], (h, t, d) => rotate(head(h, t), D, "half", angle(t))(d));
    };
    const qHat = turned(Hq, Tq, normalised(Hq, Tq, Gq, q, gQ));
    const kHat = turned(Hk, Tk, normalised(Hk, Tk, Gk, k, gK));
    const sigma = kind === "l2" ? gamma() : gamma() / Math.sqrt(D);
    const seen = (t: number) => range(Tk).filter((s) => !causal || s <= t + Tk - Tq);
    const weights = table([Hq, Tq], (h, t) =>
      softmax(seen(t), (s) => sigma * sum(D, (d) => qHat(h, t, d) * kHat(shared(h), s, d))),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(shared(h), s, e)) };
  },
});
