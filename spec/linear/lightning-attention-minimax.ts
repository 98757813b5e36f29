import { choice, integer, mechanism, real, rmsNorm, scan, sigmoid, silu, sum, table } from "../page.ts";

/**
 * The lightning attention layer of MiniMax-01: decayed linear attention on SiLU features, slopes that shrink with the
 * depth of the layer, one norm over all heads and a gate. Qin et al. 2024, arXiv:2401.04658; MiniMax 2025,
 * arXiv:2501.08313.
 *
 * $$ (q, k, v)_{t,h} = \mu_t \operatorname{silu}(x_t W^{QKV}_h), \quad
 *    S_{t,h} = e^{-a_h} S_{t-1,h} + k_{t,h} v_{t,h}^\top, \quad o_{t,h} = S_{t,h}^\top q_{t,h} $$
 * $$ a_h = 2^{-8(h+1)/H} \Bigl(1 - \frac{l}{L - 1 + 10^{-5}} + 10^{-5}\Bigr), \quad
 *    y_t = \bigl(\operatorname{sigmoid}(x_t W^{\mathrm{gate}}) \odot \nu \odot \operatorname{RMSNorm}(o_t)\bigr) W^O $$
 *
 * The SiLU acts on values too; there is no scale and no position but the decay. Columns of $W^{QKV}$ are the heads in
 * turn, each with its $q$, $k$ and $v$. `slopes` `transnormer` is $a_h = \frac{8h}{H}(1 - \frac lL)$ as in the
 * TransNormerLLM paper, heads counted from 0, under which head 0 never fades; flash-linear-attention takes it, together
 * with a scale $1/\sqrt D$ that this page does not have. A token with `mask` $\mu_t$ false writes nothing and reads
 * nothing, but the state fades over it all the same. In the last layer $a_h$ is next to nothing: the state hardly
 * fades. Blocks of tokens change nothing. Cost: $O(T H D^2)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * or `layer` is not below `layers`.
 */
export const lightningAttentionMinimax = mechanism({
  id: "linear/lightning-attention-minimax",
  name: "Lightning attention layer of MiniMax-01",
  paper: "Qin et al., 2024, arXiv:2401.04658; MiniMax, 2025, arXiv:2501.08313",
  code: "huggingface/transformers src/transformers/models/minimax/modeling_minimax.py:MiniMaxLightningAttention",
  inputs: {
    x: "T M",
    wQkv: "M (H 3 D)",
    wGate: "M (H D)",
    norm: "(H D) = 1",
    wO: "(H D) Mo",
    mask: "T = 1",
    state: "H D D = 0",
  },
  outputs: { out: "T Mo", state: "H D D" },
  options: {
    heads: integer(32, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    layer: integer(0, "l, the place of the layer in the stack", { min: 0, tried: [0, 2, 3] }),
    layers: integer(32, "L, the number of layers", { min: 1, tried: [1, 4] }),
    slopes: choice(["minimax", "transnormer"], "how the heads' slopes are made"),
    eps: real(1e-6, "ε of the norm", { above: 0, tried: [0.5] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { T: [1, 2, 4], M: [1, 2], Mo: [1, 2], D: [1, 2, 3] },
  requires: { "layer must be less than layers": (_, o) => o.layer < o.layers },
  domain: { mask: "boolean" },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { causal: "T", outputs: ["out"] },
    { resumes: "T", states: "state" },
  ],
  run({ x, wQkv, wGate, norm, wO, mask, state }, { T, M, H, D }, { layer, layers, slopes, eps }) {
    const part = (place: number) =>
      table([T, H, D], (t, h, d) => mask(t) * silu(sum(M, (m) => x(t, m) * wQkv(m, h, place, d))));
    const [q, k, v] = [part(0), part(1), part(2)];
    const slope = table([H], (h) =>
      slopes === "minimax"
        ? 2 ** ((-8 * (h + 1)) / H) * (1 - layer / (layers - 1 + 1e-5) + 1e-5)
        : ((8 * h) / H) * (1 - layer / layers),
    );
    const S = scan(T, table([H, D, D], state), (before, t) =>
      table([H, D, D], (h, d, e) => Math.exp(-slope(h)) * before(h, d, e) + k(t, h, d) * v(t, h, e)),
    );
    const o = table([T, H, D], (t, h, e) => sum(D, (d) => q(t, h, d) * S(t + 1)(h, d, e)));
    const normed = table([T], (t) => rmsNorm(H * D, (i) => o(t, Math.floor(i / D), i % D), eps));
    const gate = table([T, H, D], (t, h, d) => sigmoid(sum(M, (m) => x(t, m) * wGate(m, h, d))));
    const y = table([T, H, D], (t, h, d) => gate(t, h, d) * norm(h, d) * normed(t)(h * D + d));
    return {
      out: (t, m) => sum(H, (h) => sum(D, (d) => y(t, h, d) * wO(h, d, m))),
      state: S(T),
    };
  },
});
