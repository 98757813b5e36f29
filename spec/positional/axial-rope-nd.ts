import { choice, mechanism, numbers, range, real, rotate, sum, table } from "../page.ts";

/**
 * Rotary position embedding for tokens with several coordinates, as row and column of a patch or time, row and column
 * of a video. Features still turn in pairs; the four variants differ in which coordinate and which frequency turn
 * which pair. Heo et al. 2024, arXiv:2403.13298 (`axial-block`, `mixed`); Wang et al. 2024, arXiv:2409.12191
 * (`mrope`); Pixtral, Agrawal et al. 2024, arXiv:2410.07073 (`pixtral`).
 *
 * $$ \alpha_{t,i} = \begin{cases}
 *    p_{t,g}\, \theta^{-2jG/D}, \quad i = g\tfrac{D}{2G} + j & \text{axial-block} \\
 *    \sum_g p_{t,g}\, w_{i,g} & \text{mixed} \\
 *    p_{t,g(i)}\, \theta^{-2i/D}, \quad g(i) \text{ the section that holds } i & \text{mrope} \\
 *    p_{t,g}\, \theta^{-2(Gj+g)/D}, \quad i = g\tfrac{D}{2G} + j & \text{pixtral}
 *    \end{cases} $$
 *
 * Pair $i$ turns by $\alpha_{t,i}$, $0 \le i < D/2$, $0 \le g < G$. `layout` says what pair $i$ is: `interleaved`
 * $(2i, 2i+1)$, `half-full` $(i, i + D/2)$; `half` is the same except for `axial-block`, where the two members stand
 * half a block apart in their own block of $D/G$ features. What people run: RoPE-ViT and timm `axial-block` or
 * `mixed`, `interleaved`, $\theta = 100$ for the first; Qwen2-VL's vision tower `axial-block`, `half-full`; its text
 * model `mrope`, `half`; Pixtral `pixtral`, `half`. Text tokens of `mrope` have equal coordinates, which makes it
 * ordinary RoPE. A token that must not turn (a class token) has all coordinates 0. One head; `w` of each head is its
 * own. Cost: $O(T D)$, with `mixed` $O(T D G)$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $D$ does not divide into pairs (and
 * those among the coordinates, where each has its own), the sections do not fit, or `w` is missing or given
 * needlessly.
 */
export const axialRopeNd = mechanism({
  id: "positional/axial-rope-nd",
  name: "Multi-axis rotary position embedding (2-D and N-D RoPE, M-RoPE)",
  paper:
    "Heo et al., 2024, arXiv:2403.13298; Wang et al., 2024, arXiv:2409.12191; Agrawal et al., 2024, arXiv:2410.07073",
  code: "huggingface/pytorch-image-models timm/layers/pos_embed_sincos.py:build_rotary_pos_embed, get_mixed_freqs; huggingface/transformers src/transformers/models/qwen2_vl/modeling_qwen2_vl.py:Qwen2VLRotaryEmbedding, src/transformers/models/pixtral/modeling_pixtral.py:PixtralVisionRotaryEmbedding",
  inputs: { x: "T D", positions: "T G", w: "I G = none" },
  outputs: { out: "T D" },
  options: {
    variant: choice(["axial-block", "mixed", "mrope", "pixtral"], "which coordinate and frequency turn a pair"),
    base: real(10000, "θ, the base of the frequencies", { above: 0, tried: [100] }),
    layout: choice(["half", "interleaved", "half-full"], "which features pair up"),
    sections: numbers([16, 24, 24], "with mrope, how many pairs each coordinate turns", {
      whole: true,
      tried: [[2], [4], [1, 1], [3, 1], [1, 2, 1], [2, 1, 3]],
    }),
  },
  axes: { I: (n) => n.D / 2 },
  tried: { D: [2, 4, 8, 12], G: [1, 2, 3] },
  requires: {
    "D must be a multiple of 2·G": (n, o) => o.variant === "mixed" || o.variant === "mrope" || n.D % (2 * n.G) === 0,
    "sections must be G numbers, none negative, that add up to D/2": (n, o) =>
      o.variant !== "mrope" ||
      (o.sections.length === n.G && o.sections.every((size) => size >= 0) && sum(o.sections, (size) => size) === n.I),
    "w belongs to the variant mixed": (_, o, given) => given.w === (o.variant === "mixed"),
  },
  domain: { positions: { usual: [0, 20] }, w: { usual: [-1, 1] } },
  properties: [{ linear: "x" }, { independent: "T" }],
  run({ x, positions, w }, { T, D, G, I }, { variant, base, layout, sections }) {
    const share = I / G;
    const section = sections.flatMap((size, g) => range(size).map(() => g));
    const angle = table([T, I], (t, i) => {
      const [g, j] = [Math.floor(i / share), i % share];
      if (variant === "axial-block") return positions(t, g) * base ** ((-2 * j * G) / D);
      if (variant === "mixed") return sum(G, (c) => positions(t, c) * w(i, c));
      if (variant === "mrope") return positions(t, section[i]!) * base ** ((-2 * i) / D);
      return positions(t, g) * base ** ((-2 * (G * j + g)) / D);
    });
    const block = variant === "axial-block" && layout === "half" ? D / G : D;
    return {
      out: (t, d) => {
        const first = d - (d % block);
        return rotate(
          (c) => x(t, first + c),
          block,
          layout === "interleaved" ? "interleaved" : "half",
          (i) => angle(t, first / 2 + i),
        )(d - first);
      },
    };
  },
});
