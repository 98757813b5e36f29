import { choice, integer, mechanism, real, rotate } from "../page.ts";

/**
 * Rotary position embedding (RoPE): each pair of features of a query or key turns by an angle proportional to the position,
 * so that products depend on the distance of two tokens alone. Applied to queries and keys, never to values, before the
 * scores; keys are cached turned. Su et al. 2021, arXiv:2104.09864, §3.2–3.4.
 *
 * $$ \begin{pmatrix} y_a \\ y_b \end{pmatrix} = c \begin{pmatrix} \cos p_t\omega_i & -\sin p_t\omega_i \\ \sin p_t\omega_i & \cos p_t\omega_i \end{pmatrix}
 *    \begin{pmatrix} x_a \\ x_b \end{pmatrix}, \quad \omega_i = \theta^{-2i/R}, \quad 0 \le i < R/2 $$
 *
 * Pair $i$ is $(a, b) = (2i, 2i+1)$ in the paper (`interleaved`: Meta's LLaMA weights, GPT-J, DeepSeek) and
 * $(i, i + R/2)$ in `half` (GPT-NeoX, Hugging Face's LLaMA, gpt-oss); the two differ by a fixed reordering of features and
 * must not be mixed. Only the first $R$ = `rotaryDim` features turn, the rest pass through; $R = 0$ is the identity.
 * `invFreq` gives other frequencies $\omega_i$. Positions may be any real numbers. Cost: $O(T D)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or $R$ is odd or larger than $D$.
 */
export const rotaryPositionEmbedding = mechanism({
  id: "positional/rotary-position-embedding",
  name: "Rotary position embedding (RoPE)",
  paper: "Su et al., 2021, arXiv:2104.09864",
  code: "huggingface/transformers src/transformers/models/llama/modeling_llama.py:apply_rotary_pos_emb",
  inputs: { x: "T D", positions: "T", invFreq: "I = none" },
  outputs: { out: "T D" },
  options: {
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
    rotaryDim: integer((n: { D: number }) => n.D, "R, how many leading features turn; even", {
      min: 0,
      tried: [0, 2, 4],
    }),
    layout: choice(["half", "interleaved"], "which features pair up"),
    attentionScaling: real(1, "c, the factor on cosine and sine", { tried: [1.5] }),
  },
  axes: { I: (_, o) => o.rotaryDim / 2 },
  tried: { D: [2, 4, 6] },
  mayBeEmpty: ["I"],
  requires: { "rotaryDim must be even and at most D": (n, o) => o.rotaryDim % 2 === 0 && o.rotaryDim <= n.D },
  domain: { positions: { usual: [0, 20] } },
  properties: [{ linear: "x" }, { independent: "T" }],
  run({ x, positions, invFreq }, _, { base, rotaryDim: R, layout, attentionScaling }, given) {
    const frequency = (i: number) => (given.invFreq ? invFreq(i) : base ** ((-2 * i) / R));
    return {
      out: (t, d) =>
        rotate(
          (c) => x(t, c),
          R,
          layout,
          (i) => positions(t) * frequency(i),
          attentionScaling,
        )(d),
    };
  },
});
