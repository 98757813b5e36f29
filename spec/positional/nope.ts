import { flag, integer, mechanism, range, real, softmax, sum, table } from "../page.ts";

/**
 * No positional encoding (NoPE): causal self-attention with neither position embedding nor bias; what order there is comes
 * from the mask. Haviv et al. 2022, arXiv:2203.16634; Kazemnejad et al. 2023, arXiv:2305.19466. Llama 4 has it in every
 * fourth layer, with queries that grow with the position.
 *
 * $$ q_{t,h} = \bigl(1 + a \ln(1 + \lfloor (p_t + 1) / L \rfloor)\bigr)\, x_t W^Q_h, \quad k_{s,h} = x_s W^K_h, \quad v_{s,h} = x_s W^V_h, \quad p_t = t + \text{offset} $$
 * $$ y_t = \sum_h \Bigl(\sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(\sigma\, q_{t,h} \cdot k_{s,h})\, v_{s,h}\Bigr) W^O_h $$
 *
 * $S_t$ is the tokens $s \le t$, all of them without `causal`. `temperature` is $a$, 0 if there is none (Llama 4: 0.1), and
 * `floorScale` $L$; positions count from 0. The scale is $1/\sqrt D$; the T5-like decoder of Kazemnejad et al. has 1.
 * Cost: $O(T^2 H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or a weight does not divide into heads.
 */
export const nope = mechanism({
  id: "positional/nope",
  name: "No positional encoding (NoPE)",
  paper: "Haviv et al., 2022, arXiv:2203.16634; Kazemnejad et al., 2023, arXiv:2305.19466",
  code: "huggingface/transformers src/transformers/models/llama4/modeling_llama4.py:Llama4TextAttention",
  inputs: { x: "T M", wQ: "M (H D)", wK: "M (H D)", wV: "M (H E)", wO: "(H E) Mo" },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2] }),
    scale: real((n: { D: number }) => 1 / Math.sqrt(n.D), "σ, the factor on the scores", { tried: [1] }),
    causal: flag(true, "token t sees only the tokens s ≤ t"),
    temperature: real(0, "a, how much queries grow with the logarithm of the position; 0 for not at all", {
      tried: [0.1, 1],
    }),
    floorScale: integer(8192, "L, the number of tokens over which the growth stands still", { min: 1, tried: [1, 2] }),
    offset: integer(0, "how many tokens came before the first and are no longer seen", { min: 0, tried: [5] }),
  },
  axes: { H: (_, o) => o.heads },
  properties: [
    { linear: "wO" },
    { causal: "T", when: (_, o) => o.causal },
    { equivariant: "T", when: (_, o) => !o.causal && o.temperature === 0 },
  ],
  run({ x, wQ, wK, wV, wO }, { T, M, H, D, E }, { scale, causal, temperature, floorScale, offset }) {
    const growth = (p: number) => 1 + temperature * Math.log1p(Math.floor((p + 1) / floorScale));
    const q = table([T, H, D], (t, h, d) => growth(t + offset) * sum(M, (m) => x(t, m) * wQ(m, h, d)));
    const k = table([T, H, D], (s, h, d) => sum(M, (m) => x(s, m) * wK(m, h, d)));
    const v = table([T, H, E], (s, h, e) => sum(M, (m) => x(s, m) * wV(m, h, e)));
    const weights = table([T, H], (t, h) =>
      softmax(range(causal ? t + 1 : T), (s) => scale * sum(D, (d) => q(t, h, d) * k(s, h, d))),
    );
    const o = table([T, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => o(t, h, e) * wO(h, e, m))) };
  },
});
