import { choice, clamp, flag, integer, maximum, mechanism, real, table } from "../page.ts";

/**
 * The ways in use to scale the frequencies of RoPE for a context longer than the one trained on: the frequencies, the
 * factor on cosine and sine, and both at the positions given. Linear: Chen et al. 2023, arXiv:2306.15595. NTK and dynamic
 * NTK: bloc97 and emozilla 2023. YaRN: Peng et al. 2023, arXiv:2309.00071. Llama 3: Llama Team 2024, arXiv:2407.21783.
 * LongRoPE: Ding et al. 2024, arXiv:2402.13753. To turn queries and keys, give frequencies and factor to RoPE.
 *
 * $$ w_i = \theta^{-2i/R}, \quad 0 \le i < R/2, \qquad
 *    \omega_i = \begin{cases}
 *      w_i / s & \text{linear} \\
 *      (\theta\, s^{R/(R-2)})^{-2i/R} & \text{ntk} \\
 *      (\theta\, (s \max(n, L)/L - s + 1)^{R/(R-2)})^{-2i/R} & \text{dynamic} \\
 *      \rho_i\, w_i/s + (1 - \rho_i)\, w_i & \text{yarn, llama3} \\
 *      w_i / e_i & \text{longrope}
 *    \end{cases} $$
 * $$ \rho_i = \Bigl[\frac{i - \ell}{h - \ell}\Bigr]_0^1, \quad \ell = \max(\lfloor \delta(\beta_{\text{fast}}) \rfloor, 0), \quad
 *    h = \min(\lceil \delta(\beta_{\text{slow}}) \rceil, R - 1), \quad \delta(\beta) = \frac{R \ln (L/2\pi\beta)}{2 \ln \theta} \qquad \text{(yarn)} $$
 * $$ \rho_i = 1 - \Bigl[\frac{L w_i/2\pi - f_{\text{low}}}{f_{\text{high}} - f_{\text{low}}}\Bigr]_0^1 \quad \text{(llama3)}, \qquad
 *    e = \text{long factors if } n > L, \text{ else short} \quad \text{(longrope)} $$
 *
 * $L$ is the length trained on, $n$ = 1 + the largest position the current length. The factor $c$ multiplies cosine and
 * sine, so scores of turned pairs by $c^2$; it is 1 but for yarn, $g(m)/g(m')$ with both `mscale` or else $g(1)$, where
 * $g(m) = 1 + 0.1 m \ln s$ for $s > 1$, and for longrope, $\sqrt{1 + \ln s/\ln L}$ for $s > 1$.
 *
 * YaRN's paper ramps over turns within $L$; all code, and this page, over the index of the pair, between the two places
 * where the turns are $\beta$; where these coincide the ramp is 0.001 wide, and $h$ is held below $R$ although $i$ stays
 * below $R/2$. Dynamic gives all tokens of a call one base: keys cached under an earlier one do not match, though libraries
 * mix them. Static ntk is not in transformers; it is that of `rope-ntk-aware`. Cost: $O(T R)$.
 * Throws {@link PageError}, naming the argument, if $R$ is odd, or below 4 where the base changes, or a list does not have
 * $R/2$ factors.
 */
export const ropeScaling = mechanism({
  id: "positional/rope-scaling",
  name: "RoPE frequency scalings (linear, NTK, YaRN, Llama 3, LongRoPE)",
  paper:
    "Chen et al., 2023, arXiv:2306.15595; Peng et al., 2023, arXiv:2309.00071; Llama Team, 2024, arXiv:2407.21783; Ding et al., 2024, arXiv:2402.13753",
  code: "huggingface/transformers src/transformers/modeling_rope_utils.py:ROPE_INIT_FUNCTIONS",
  inputs: { positions: "T", shortFactor: "I = 1", longFactor: "I = 1" },
  outputs: { invFreq: "I", attentionScaling: "", cos: "T I", sin: "T I" },
  options: {
    type: choice(["linear", "ntk", "dynamic", "yarn", "llama3", "longrope"], "which scaling"),
    rotaryDim: integer(128, "R, how many features turn; even", { min: 2, tried: [2, 4, 8, 16] }),
    base: real(10000, "θ, the base of the frequencies", { above: 1, tried: [100, 500000] }),
    factor: real(1, "s, how many times as long the context becomes", { min: 1, tried: [2, 8] }),
    originalMax: integer(2048, "L, the length trained on", { min: 2, max: 2 ** 40, tried: [4, 16, 64] }),
    attentionFactor: real(0, "c for yarn and longrope; 0 leaves it to the formula", { min: 0, tried: [1.5] }),
    betaFast: real(32, "turns within L from which yarn leaves a pair alone", { above: 0, tried: [4] }),
    betaSlow: real(1, "turns within L up to which yarn slows a pair by all of s", { above: 0, tried: [0.5] }),
    truncate: flag(true, "whether yarn rounds the ends of its ramp outward to whole pairs"),
    mscale: real(0, "m, in the factor of yarn; 0 is not given", { min: 0, tried: [1, 0.7] }),
    mscaleAllDim: real(0, "m′, in the factor of yarn; 0 is not given", { min: 0, tried: [1, 0.5] }),
    lowFreqFactor: real(1, "turns within L up to which llama3 slows a pair by all of s", { above: 0, tried: [0.5] }),
    highFreqFactor: real(4, "turns within L from which llama3 leaves a pair alone", { above: 0, tried: [2, 8] }),
  },
  axes: { I: (_, o) => o.rotaryDim / 2 },
  requires: {
    "rotaryDim must be at least 4 for type ntk or dynamic": (_, o) =>
      o.rotaryDim >= 4 || !["ntk", "dynamic"].includes(o.type),
    "lowFreqFactor must be below highFreqFactor": (_, o) => o.lowFreqFactor < o.highFreqFactor,
  },
  domain: { positions: { usual: [0, 20] }, shortFactor: { usual: [1, 4] }, longFactor: { usual: [1, 8] } },
  run({ positions, shortFactor, longFactor }, { T, I }, o) {
    const { type, rotaryDim: R, factor: s, originalMax: L } = o;
    const n = 1 + maximum(T, positions);
    const w = (i: number, base = o.base) => base ** ((-2 * i) / R);
    const stretched = (by: number) => o.base * by ** (R / (R - 2));

    const pairTurning = (beta: number) => (R * Math.log(L / (2 * Math.PI * beta))) / (2 * Math.log(o.base));
    const [fast, slow] = [pairTurning(o.betaFast), pairTurning(o.betaSlow)];
    const low = Math.max(o.truncate ? Math.floor(fast) : fast, 0);
    const high = Math.min(o.truncate ? Math.ceil(slow) : slow, R - 1);
    const yarnRamp = (i: number) => clamp((i - low) / (high === low ? 0.001 : high - low), 0, 1);
    const turns = (i: number) => (L * w(i)) / (2 * Math.PI);
    const llamaRamp = (i: number) =>
      1 - clamp((turns(i) - o.lowFreqFactor) / (o.highFreqFactor - o.lowFreqFactor), 0, 1);
    const between = (i: number, ramp: number) => (ramp * w(i)) / s + (1 - ramp) * w(i);

    const frequency = {
      linear: (i: number) => w(i) / s,
      ntk: (i: number) => w(i, stretched(s)),
      dynamic: (i: number) => w(i, stretched((s * Math.max(n, L)) / L - (s - 1))),
      yarn: (i: number) => between(i, yarnRamp(i)),
      llama3: (i: number) => between(i, llamaRamp(i)),
      longrope: (i: number) => w(i) / (n > L ? longFactor(i) : shortFactor(i)),
    };
    const g = (m: number) => 1 + 0.1 * m * Math.log(s);
    const yarnFactor = o.mscale && o.mscaleAllDim ? g(o.mscale) / g(o.mscaleAllDim) : g(1);
    const longropeFactor = Math.sqrt(1 + Math.log(s) / Math.log(L));
    const c = {
      linear: 1,
      ntk: 1,
      dynamic: 1,
      yarn: o.attentionFactor || yarnFactor,
      llama3: 1,
      longrope: o.attentionFactor || longropeFactor,
    }[type];

    const invFreq = table([I], frequency[type]);
    return {
      invFreq,
      attentionScaling: () => c,
      cos: (t, i) => c * Math.cos(positions(t) * invFreq(i)),
      sin: (t, i) => c * Math.sin(positions(t) * invFreq(i)),
    };
  },
});
