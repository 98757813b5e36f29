import { clamp, integer, mechanism, real, rotate, table } from "../page.ts";

/**
 * YaRN: rotary position embedding for contexts `scale` times longer than trained on. Pairs that turn often within the
 * trained length keep their frequency, pairs that turn less than once are slowed by `scale`, those between are mixed;
 * and queries and keys grow a little, which acts as a temperature of the softmax. Peng et al. 2023, arXiv:2309.00071.
 *
 * $$ f'_i = \frac{f_i}{s} r_i + f_i (1 - r_i), \quad f_i = \theta^{-2i/D}, \quad
 *    r_i = \operatorname{clip}\Bigl(\frac{i - \mathrm{low}}{\mathrm{high} - \mathrm{low}}, 0, 1\Bigr), \quad
 *    0 \le i < D/2 $$
 * $$ \mathrm{low} = \max(\lfloor \delta(\beta_{\mathrm{fast}}) \rfloor, 0), \quad
 *    \mathrm{high} = \min(\lceil \delta(\beta_{\mathrm{slow}}) \rceil, D - 1), \quad
 *    \delta(\beta) = \frac{D \ln(n_0 / 2\pi\beta)}{2 \ln \theta} $$
 *
 * $\delta(\beta)$ is the pair that turns $\beta$ times within the trained length $n_0$. Pair $i$ is $(i, i + D/2)$ and
 * turns by $p_t f'_i$; cosine and sine carry the factor $a\,(0.1 \ln s + 1)$, so that scores get its square. Where low
 * = high the denominator is 0.001. The ramp is over pair numbers rounded to whole ones, as in the official code (the
 * paper's ramp is over the turns themselves); there too high is held below $D$, although pairs end at $D/2$, and for
 * tiny $D$ low may exceed high, where the formula stands as it is. $s = 1$, $a = 1$ is plain RoPE. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $D$ is odd.
 */
export const ropeYarn = mechanism({
  id: "positional/rope-yarn",
  name: "YaRN",
  paper: "Peng et al., 2023, arXiv:2309.00071",
  code: "jquesnelle/yarn scaled_rope/LlamaYaRNScaledRotaryEmbedding.py:LlamaYaRNScaledRotaryEmbedding",
  inputs: { x: "T D", positions: "T" },
  outputs: { out: "T D", invFreq: "I" },
  options: {
    scale: real(1, "s, how many times longer the context is", { min: 1, tried: [2, 4] }),
    n0: integer(2048, "the trained length", { min: 1, tried: [64] }),
    betaFast: real(32, "pairs that turn this often keep their frequency", { above: 0, tried: [8] }),
    betaSlow: real(1, "pairs that turn this rarely are slowed by the whole scale", { above: 0, tried: [2] }),
    attnFactor: real(1, "a, a further factor on cosine and sine", { tried: [0.75] }),
    base: real(10000, "θ, the base of the frequencies", { above: 1, tried: [100, 10] }),
  },
  axes: { I: (n) => n.D / 2 },
  tried: { D: [2, 4, 8, 10] },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  domain: { positions: { usual: [0, 20] } },
  properties: [
    { linear: "x", outputs: ["out"] },
    { independent: "T", outputs: ["out"] },
  ],
  run({ x, positions }, { D, I }, { scale, n0, betaFast, betaSlow, attnFactor, base }) {
    const pairTurning = (turns: number) => (D * Math.log(n0 / (2 * Math.PI * turns))) / (2 * Math.log(base));
    const low = Math.max(Math.floor(pairTurning(betaFast)), 0);
    const high = Math.min(Math.ceil(pairTurning(betaSlow)), D - 1);
    const ramp = (i: number) => clamp((i - low) / (low === high ? 0.001 : high - low), 0, 1);
    const frequency = (i: number) => base ** ((-2 * i) / D);
    const invFreq = table([I], (i) => (frequency(i) / scale) * ramp(i) + frequency(i) * (1 - ramp(i)));
    const growth = attnFactor * (0.1 * Math.log(scale) + 1);
    const turned = (t: number) =>
      rotate(
        (d) => x(t, d),
        D,
        "half",
        (i) => positions(t) * invFreq(i),
        growth,
      );
    return { out: (t, d) => turned(t)(d), invFreq };
  },
});
