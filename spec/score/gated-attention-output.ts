import {
  choice,
  flag,
  integer,
  mechanism,
  range,
  real,
  rmsNorm,
  rotate,
  sigmoid,
  silu,
  softmax,
  sum,
  table,
} from "../page.ts";

/**
 * Gated attention: what each head attended to is multiplied, before the output projection, by a gate computed from the
 * same token as the query. Qwen3-Next uses it. Qiu et al. 2025, arXiv:2505.06708.
 *
 * $$ o_{t,h} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}\Bigl(\tfrac{1}{\sqrt D}\, q_{t,h} \cdot k_{s,\gamma(h)}\Bigr)\, v_{s,\gamma(h)}, \quad
 *    g_t = \phi(x_t W^G), \quad y_t = \sum_h (g_{t,h} \odot o_{t,h})\, W^O_h, \quad \gamma(h) = \lfloor h H_k / H_q \rfloor $$
 *
 * $\phi$ is the logistic function (`silu` is an ablation of the paper). `elementwise` has a gate for each channel of
 * each head, `headwise` one for each head. $x$ is the layer's input after its norm, for the gate as for the queries.
 * $q$ and $k$ are the projections, then RMS-normalised over $D$ if `qkNorm` is not `none` (`rms`: gain $g$, the
 * authors' code; `rms1p`: gain $1 + g$, Qwen3-Next; without a gain given, none), then turned by rotary embedding in the
 * half layout on the first $\lfloor \rho D \rfloor$ features, $\rho$ = `partialRotary` (Qwen3-Next: ¼), if `ropeTheta`
 * is finite. $S_t$ is the tokens $s \le t$, or all without `causal`. Checkpoints hold $W^Q$ and $W^G$ interleaved: by
 * key head in the authors' code, by query head in Qwen3-Next. Cost: $O(T^2 H_q (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * $H_q$ is no multiple of $H_k$, an odd number of features would turn, or a gain is given that no norm uses.
 */
export const gatedAttentionOutput = mechanism({
  id: "score/gated-attention-output",
  name: "Gated attention",
  paper: "Qiu et al., 2025, arXiv:2505.06708",
  code: "qiuzh20/gated_attention modeling_qwen3.py:Qwen3Attention",
  inputs: {
    x: "T M",
    wQ: "M (Hq D)",
    wK: "M (Hk D)",
    wV: "M (Hk E)",
    wO: "(Hq E) Mo",
    wG: "M (Hq Eg)",
    gQ: "D = none",
    gK: "D = none",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "Hq, the number of query heads", { min: 1, tried: [1, 2, 4] }),
    granularity: choice(["elementwise", "headwise"], "a gate for each channel or for each head"),
    activation: choice(["sigmoid", "silu"], "φ, the function of the gate"),
    causal: flag(true, "token t sees only the tokens s ≤ t"),
    qkNorm: choice(["none", "rms", "rms1p"], "whether queries and keys are normalised, with gain g or 1 + g"),
    normEps: real(1e-6, "ε of that norm", { above: 0, tried: [0.5] }),
    ropeTheta: real(Infinity, "θ, the base of the rotary frequencies; ∞ for no turning", { above: 0, tried: [100] }),
    partialRotary: real(1, "ρ, the fraction of the features that turn", { min: 0, max: 1, tried: [0.5] }),
  },
  axes: { Hq: (_, o) => o.heads, Eg: (n, o) => (o.granularity === "headwise" ? 1 : n.E) },
  tried: { D: [1, 2, 4], Hk: [1, 2] },
  requires: {
    "heads must be a multiple of Hk": (n, o) => o.heads % n.Hk === 0,
    "partialRotary must turn an even number of the D features": (n, o) =>
      o.ropeTheta === Infinity || Math.floor(o.partialRotary * n.D) % 2 === 0,
    "gQ and gK are gains of the norm: set qkNorm": (_, o, given) => o.qkNorm !== "none" || !(given.gQ || given.gK),
  },
  properties: [
    { linear: "wO" },
    { linear: "wV" },
    { even: ["wQ", "wK"] },
    { equivariant: "T", when: (_, o) => !o.causal && o.ropeTheta === Infinity },
    { causal: "T", when: (_, o) => o.causal },
  ],
  run(
    { x, wQ, wK, wV, wO, wG, gQ, gK },
    { T, M, Hq, Hk, D, E, Eg },
    { granularity, activation, causal, qkNorm, normEps, ropeTheta, partialRotary },
    given,
  ) {
    const shared = (h: number) => Math.floor((h * Hk) / Hq);
    const R = ropeTheta === Infinity ? 0 : Math.floor(partialRotary * D);
    const projected = (heads: number, w: typeof wQ, g: typeof gQ, gained: boolean) => {
      const gain = (d: number) => (gained ? g(d) + (qkNorm === "rms1p" ? 1 : 0) : 1);
      const plain = table([T, heads, D], (t, h, d) => sum(M, (m) => x(t, m) * w(m, h, d)));
      const normal = table([T, heads], (t, h) => {
        const vector = (d: number) => plain(t, h, d);
        const unit = rmsNorm(D, vector, normEps);
        return qkNorm === "none" ? vector : (d: number) => unit(d) * gain(d);
      });
      return table([T, heads, D], (t, h, d) =>
        rotate(normal(t, h), R, "half", (i) => t * ropeTheta ** ((-2 * i) / R))(d),
      );
    };
    const q = projected(Hq, wQ, gQ, given.gQ);
    const k = projected(Hk, wK, gK, given.gK);
    const v = table([T, Hk, E], (t, h, e) => sum(M, (m) => x(t, m) * wV(m, h, e)));
    const weights = table([T, Hq], (t, h) =>
      softmax(range(causal ? t + 1 : T), (s) => sum(D, (d) => q(t, h, d) * k(s, shared(h), d)) / Math.sqrt(D)),
    );
    const phi = activation === "sigmoid" ? sigmoid : silu;
    const gate = table([T, Hq, Eg], (t, h, e) => phi(sum(M, (m) => x(t, m) * wG(m, h, e))));
    const gated = table(
      [T, Hq, E],
      (t, h, e) =>
        gate(t, h, granularity === "headwise" ? 0 : e) * sum(weights(t, h), (s, w) => w * v(s, shared(h), e)),
    );
    return { out: (t, m) => sum(Hq, (h) => sum(E, (e) => gated(t, h, e) * wO(h, e, m))) };
  },
});
