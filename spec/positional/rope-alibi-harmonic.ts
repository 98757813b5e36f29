import { choice, mechanism, real, rotate, softmax, sum, table } from "../page.ts";

/**
 * RoPE with ALiBi's penalty on distance, the slopes of the heads in a harmonic instead of a geometric series. After a
 * preprint of 2024 that proposes RoPE and ALiBi combined as factors with harmonic slopes; the text could not be found, so
 * both ways to combine them are reconstructions from that one sentence.
 *
 * $$ o_{t,h} = \sum_{s \le t} \operatorname{softmax}_{s \le t}(z_{t,s,h})\, v_{s,h}, \quad
 *    z_{t,s,h} = \frac{\varrho_t(q_{t,h}) \cdot \varrho_s(k_{s,h})}{\sqrt D} - \frac{t-s}{h+1}, \quad
 *    z_{t,s,h} = \frac{\varrho_t(q_{t,h}) \cdot \varrho_s(k_{s,h})}{\sqrt D} \Big/ \Bigl(1 + \frac{t-s}{h+1}\Bigr) $$
 *
 * The second $z$ is `multiplicative`, where a distant key's score shrinks towards 0, be it high or low. $\varrho_t$ turns
 * feature pair $(i, i + D/2)$ by $t\,\theta^{-2i/D}$, and head $h$ counts from 0, so the first has slope 1, the second ½.
 * Cost: $O(T^2 H (D + E))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd.
 */
export const ropeAlibiHarmonic = mechanism({
  id: "positional/rope-alibi-harmonic",
  name: "RoPE with harmonic ALiBi slopes",
  paper: "an unidentified preprint, 2024",
  ours: "The paper was not found: the slopes 1/(h + 1), and both the additive and the multiplicative combination, are reconstructed from its one-sentence description.",
  inputs: { q: "H T D", k: "H T D", v: "H T E" },
  outputs: { out: "H T E" },
  options: {
    factor: choice(["additive", "multiplicative"], "how the distance enters the score"),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
  },
  tried: { D: [2, 4] },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  properties: [{ linear: "v" }, { averages: "v", along: "T" }, { causal: "T" }],
  run({ q, k, v }, { H, T, D }, { factor, base }) {
    const turned = (x: typeof q) =>
      table([H, T, D], (h, t, d) =>
        rotate(
          (c) => x(h, t, c),
          D,
          "half",
          (i) => t * base ** ((-2 * i) / D),
        )(d),
      );
    const [qr, kr] = [turned(q), turned(k)];
    const weights = table([H, T], (h, t) =>
      softmax(t + 1, (s) => {
        const product = sum(D, (d) => qr(h, t, d) * kr(h, s, d)) / Math.sqrt(D);
        const penalty = (t - s) / (h + 1);
        return factor === "additive" ? product - penalty : product / (1 + penalty);
      }),
    );
    return { out: (h, t, e) => sum(weights(h, t), (s, w) => w * v(h, s, e)) };
  },
});
