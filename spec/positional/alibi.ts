import { flag, mechanism, range, softmax, sum, table } from "../page.ts";

/**
 * ALiBi, attention with linear biases: each head subtracts from its scores the distance of key and query times a fixed
 * slope of its own; there is no other position. Press, Smith and Lewis 2021, arXiv:2108.12409, §3.
 *
 * $$ z_{h,t,s} = \frac{q_{h,t} \cdot k_{h,s}}{\sqrt D} - m_h\, |p_t - s|, \quad p_t = t + T_k - T_q, \quad
 *    o_{h,t} = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(z_{h,t,s})\, v_{h,s} $$
 * $$ m_h = 2^{-8(h+1)/P} \;\text{ for } h < P, \qquad m_h = 2^{-4(2(h-P)+1)/P} \;\text{ for } h \ge P, \qquad
 *    P = 2^{\lfloor \log_2 H \rfloor} $$
 *
 * $S_t$ is the keys $s \le p_t$; with `symmetric` (encoders, as MosaicBERT) every key, and the bias falls to both
 * sides. The bias is added after the scale and is not scaled. Heads beyond the power of two $P$ take every second
 * slope of $2P$ heads. MPT takes another rule there (the odd places of the next power of two first): give its slopes
 * as `slopes`. BLOOM adds $m_h s$ instead, which differs by a constant in each query and so is the same under the
 * causal mask, not without it. A query that sees no key gets zeros. Cost: $O(H T_q T_k (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ.
 */
export const alibi = mechanism({
  id: "positional/alibi",
  name: "ALiBi (attention with linear biases)",
  paper: "Press, Smith and Lewis, 2021, arXiv:2108.12409",
  code: "huggingface/transformers src/transformers/models/bloom/modeling_bloom.py:build_alibi_tensor",
  inputs: { q: "H Tq D", k: "H Tk D", v: "H Tk E", slopes: "H = none" },
  outputs: { out: "H Tq E" },
  options: { symmetric: flag(false, "every key is seen and the bias falls to both sides") },
  mayBeEmpty: ["Tk"],
  domain: { slopes: { usual: [0, 1] } },
  tried: { H: [1, 2, 3, 4, 6] },
  properties: [
    { linear: "v" },
    { averages: "v", along: "Tk" },
    { independent: "H", when: (_, __, given) => given.slopes === true },
    { causal: ["Tq", "Tk"], when: (n, o) => !o.symmetric && n.Tq === n.Tk },
  ],
  run({ q, k, v, slopes }, { H, Tq, Tk, D }, { symmetric }, given) {
    const P = 2 ** Math.floor(Math.log2(H));
    const preset = (h: number) => (h < P ? 2 ** ((-8 * (h + 1)) / P) : 2 ** ((-4 * (2 * (h - P) + 1)) / P));
    const slope = (h: number) => (given.slopes ? slopes(h) : preset(h));
    const place = (t: number) => t + Tk - Tq;
    const weights = table([H, Tq], (h, t) =>
      softmax(
        range(Tk).filter((s) => symmetric || s <= place(t)),
        (s) => sum(D, (d) => q(h, t, d) * k(h, s, d)) / Math.sqrt(D) - slope(h) * Math.abs(place(t) - s),
      ),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)) };
  },
});
