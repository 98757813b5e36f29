import { choice, flag, integer, mechanism, range, real, rmsNorm, rotate, softmax, sum, table } from "../page.ts";

/**
 * Multi-head latent attention: keys and values of all heads are spread out from one short latent vector of a token, and
 * only that vector and one rotary key shared by the heads are cached. DeepSeek-AI 2024, arXiv:2405.04434, §2.1 (V2);
 * 2024, arXiv:2412.19437, §2.1.1 (V3).
 *
 * $$ q_{t,h} = \bigl[q^C_{t,h};\, \mathrm{R}_t(q^R_{t,h})\bigr] = \mathrm{RMS}(x_t W^{DQ})\, W^{UQ}_h, \quad
 *    [\tilde c_t;\, r_t] = x_t W^{DKV}, \quad c_t = \mathrm{RMS}(\tilde c_t) $$
 * $$ [k_{s,h};\, v_{s,h}] = c_s W^{UKV}_h, \quad
 *    x_{t,s,h} = \sigma\,\bigl(q^C_{t,h} \cdot k_{s,h} + \mathrm{R}_t(q^R_{t,h}) \cdot \mathrm{R}_s(r_s)\bigr) $$
 * $$ o_{t,h} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(x_{t,s,h})\, v_{s,h}, \quad
 *    y_t = \sum_h o_{t,h} W^O_h $$
 *
 * $\sigma = \mu^2 / \sqrt{d_n + d_r}$ with $\mu = 1$, or $\mu = 0.1\, a \ln f + 1$ for `yarnFactor` $f > 1$ and
 * `mscaleAllDim` $a$. Without `wQa` the query is not compressed: $W^{UQ}$ then reads $x$ itself, without a norm. RMS
 * divides by $\sqrt{\text{mean of squares} + \varepsilon}$ and multiplies by a gain; the rotary key is not normalised.
 * $\mathrm R$ is the rotary embedding by position, the place of the token unless given; `invFreq` gives other
 * frequencies (YaRN's) and `attentionScaling` a factor on cosine and sine, both as in rotary-position-embedding. $S_t$
 * is the tokens $s \le t$, or all without `causal`. `latent` $c$ and `kRope` $\mathrm R(r)$ are what a decoder caches;
 * with $W^{UKV}_h$ taken into query and output it is multi-query attention with key $[c; \mathrm R(r)]$ and value $c$.
 * The papers leave the layout of the pairs open; the checkpoints interleave them. Official code reorders the turned
 * features to evens, then odds: its cached rotary key is a permutation of `kRope`, its output is the same. Cost:
 * $O(T^2 H (d_n + d_r + d_v))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $d_r$ is odd.
 */
export const multiHeadLatentAttention = mechanism({
  id: "heads/multi-head-latent-attention",
  name: "Multi-head latent attention (MLA)",
  paper: "DeepSeek-AI, 2024, arXiv:2405.04434",
  code: "huggingface/transformers src/transformers/models/deepseek_v3/modeling_deepseek_v3.py:DeepseekV3Attention",
  inputs: {
    x: "T M",
    wQa: "M Rq = identity",
    gQ: "Rq = 1",
    wQb: "Rq (H Dq)",
    wKva: "M Rk",
    gKv: "Rc = 1",
    wKvb: "Rc (H Dk)",
    wO: "(H E) Mo",
    positions: "T = none",
    invFreq: "I = none",
  },
  outputs: { out: "T Mo", latent: "T Rc", kRope: "T Dr" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    dn: integer(
      (n: { Dq: number; Rk: number; Rc: number }) => n.Dq - n.Rk + n.Rc,
      "features without position of a query",
      {
        min: 0,
        tried: [1, 2, 3],
      },
    ),
    dr: integer((n: { Rk: number; Rc: number }) => n.Rk - n.Rc, "rotary features of a query; even", {
      min: 0,
      tried: [0, 2, 4],
    }),
    dv: integer((n: { E: number }) => n.E, "features of a value", { min: 1, tried: [1, 2, 3] }),
    ropeLayout: choice(["interleaved", "half"], "which rotary features pair up"),
    base: real(10000, "θ, the base of the rotary frequencies", { above: 0, tried: [100] }),
    attentionScaling: real(1, "the factor on cosine and sine", { tried: [1.5] }),
    yarnFactor: real(1, "f, how much YaRN stretches the context; 1 is none", { min: 1, tried: [4] }),
    mscaleAllDim: real(0, "a, YaRN's weight of ln f in the scale", { tried: [0.7] }),
    eps: real(1e-6, "ε of the norms", { above: 0, tried: [0.5] }),
    causal: flag(true, "token t sees only the tokens s ≤ t"),
  },
  axes: {
    H: (_, o) => o.heads,
    Dr: (_, o) => o.dr,
    I: (_, o) => o.dr / 2,
    Rk: (n, o) => n.Rc + o.dr,
    Dq: (_, o) => o.dn + o.dr,
    Dk: (_, o) => o.dn + o.dv,
    E: (_, o) => o.dv,
  },
  mayBeEmpty: ["I"],
  domain: { positions: { usual: [0, 20] } },
  requires: {
    "without wQa the query is not compressed: M = Rq, and no gQ": (n, _, given) =>
      given.wQa || (n.M === n.Rq && !given.gQ),
  },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { equivariant: "T", when: (_, o, given) => !o.causal && given.positions === true },
    { causal: "T", when: (_, o) => o.causal },
  ],
  run(
    { x, wQa, gQ, wQb, wKva, gKv, wKvb, wO, positions, invFreq },
    { T, M, H, Rq, Rk, Rc, Dq, Dk, E },
    { dn, dr, ropeLayout, base, attentionScaling, yarnFactor, mscaleAllDim, eps, causal },
    given,
  ) {
    const turned = (t: number, vector: (d: number) => number) =>
      rotate(
        vector,
        dr,
        ropeLayout,
        (i) => (given.positions ? positions(t) : t) * (given.invFreq ? invFreq(i) : base ** ((-2 * i) / dr)),
        attentionScaling,
      );
    const project = (width: number, w: typeof x) => table([T, width], (t, r) => sum(M, (m) => x(t, m) * w(m, r)));
    const normed = (width: number, row: typeof x, gain: typeof gQ) => {
      const unit = table([T], (t) => rmsNorm(width, (r) => row(t, r), eps));
      return table([T, width], (t, r) => gain(r) * unit(t)(r));
    };

    const cq = given.wQa ? normed(Rq, project(Rq, wQa), gQ) : x;
    const q = table([T, H, Dq], (t, h, d) => sum(Rq, (r) => cq(t, r) * wQb(r, h, d)));
    const down = project(Rk, wKva);
    const latent = normed(Rc, down, gKv);
    const kv = table([T, H, Dk], (t, h, d) => sum(Rc, (r) => latent(t, r) * wKvb(r, h, d)));
    const qRope = table([T, H, dr], (t, h, d) => turned(t, (i) => q(t, h, dn + i))(d));
    const kRope = table([T, dr], (t, d) => turned(t, (i) => down(t, Rc + i))(d));

    const mu = 0.1 * mscaleAllDim * Math.log(yarnFactor) + 1;
    const scale = mu ** 2 / Math.sqrt(dn + dr);
    const weights = table([T, H], (t, h) =>
      softmax(
        range(causal ? t + 1 : T),
        (s) => scale * (sum(dn, (d) => q(t, h, d) * kv(s, h, d)) + sum(dr, (d) => qRope(t, h, d) * kRope(s, d))),
      ),
    );
    const o = table([T, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * kv(s, h, dn + e)));
    return {
      out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))),
      latent,
      kRope,
    };
  },
});
