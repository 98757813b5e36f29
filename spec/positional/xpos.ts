import { integer, mechanism, real, rotate, sum, table, type Vector } from "../page.ts";

/**
 * xPos: rotary position embedding whose pairs of features also shrink with the distance of query and key, the faster
 * pairs more, so that scores settle for distances beyond those trained on. For causal attention. Sun et al. 2022,
 * arXiv:2212.10554.
 *
 * $$ \hat q_t = \zeta_i^{(p_t - p_0)/B}\, R_{p_t} q_t, \quad \hat k_s = \zeta_i^{-(p_s - p_0)/B}\, R_{p_s} k_s, \quad
 *    z_{t,s} = \hat q_t \cdot \hat k_s / \sqrt D $$
 * $$ \zeta_i = \frac{2i/D + \gamma}{1 + \gamma}, \quad \gamma = 0.4, \quad
 *    \text{angle } p\,10000^{-2i/D} \text{ for the pair } (2i, 2i+1) $$
 *
 * The factors of pair $i$ multiply to $\zeta_i^{(p_t - p_s)/B}$, at most 1 for a key in the past. The centre $p_0$
 * drops out of the scores and only keeps the powers near 1; it is half the buffer length `nMax`, rounded up. For
 * $s > t$ the factor would grow without bound: such scores are not used and are 0 here. $B = \infty$ is plain RoPE.
 * Cost: $O(T^2 D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd.
 */
export const xpos = mechanism({
  id: "positional/xpos",
  name: "xPos",
  paper: "Sun et al., 2022, arXiv:2212.10554",
  code: "abacusai/Long-Context python/models/xpos.py:XPOS",
  inputs: { q: "T D", k: "T D", positions: "T" },
  outputs: { scores: "T T", qRot: "T D", kRot: "T D" },
  options: {
    scaleBase: real(512, "B, the distance over which a pair shrinks by ζ", { above: 0, tried: [8, 30] }),
    nMax: integer((n: { T: number }) => n.T, "the buffer length, which sets the centre", { min: 1, tried: [7, 16] }),
    center: real((n: { P: number }) => Math.ceil(n.P / 2), "p₀, the position whose factor is 1", { tried: [0, 3] }),
  },
  axes: { P: (_, o) => o.nMax },
  tried: { D: [2, 4, 6] },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  domain: { positions: { usual: [0, 20] } },
  properties: [
    { linear: "q", outputs: ["scores", "qRot"] },
    { linear: "k", outputs: ["scores", "kRot"] },
    { causal: "T" },
    { independent: "T", outputs: ["qRot", "kRot"] },
  ],
  run({ q, k, positions }, { T, D }, { scaleBase, center }) {
    const gamma = 0.4;
    const zeta = (i: number) => ((2 * i) / D + gamma) / (1 + gamma);
    const factor = (t: number, d: number) => zeta(Math.floor(d / 2)) ** ((positions(t) - center) / scaleBase);
    const turned = (x: Vector, t: number) => rotate(x, D, "interleaved", (i) => positions(t) * 10000 ** ((-2 * i) / D));
    const qRot = table([T, D], (t, d) => turned((c) => q(t, c), t)(d) * factor(t, d));
    const kRot = table([T, D], (t, d) => turned((c) => k(t, c), t)(d) / factor(t, d));
    return {
      scores: (t, s) => (s <= t ? sum(D, (d) => qRot(t, d) * kRot(s, d)) / Math.sqrt(D) : 0),
      qRot,
      kRot,
    };
  },
});
