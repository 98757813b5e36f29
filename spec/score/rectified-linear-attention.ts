import { flag, integer, mean, mechanism, range, real, relu, sigmoid, sum, table, weigh } from "../page.ts";

/**
 * Rectified linear attention (ReLA): ReLU takes the place of the softmax, so weights are sparse and do not sum to 1; a gated
 * RMS norm over all heads together keeps the output in bounds. With the projections of the layer. Zhang, Titov and Sennrich
 * 2021, arXiv:2104.07012.
 *
 * $$ q_t = x_t W^Q + b^Q, \quad k_s = y_s W^K + b^K, \quad v_s = y_s W^V + b^V, \quad
 *    o_{t,h} = \sum_{s \in S_t} \max\Bigl(0, \frac{q_{t,h} \cdot k_{s,h}}{\sqrt D}\Bigr) v_{s,h} $$
 * $$ z_t = s \odot \frac{o_t}{\sqrt{\operatorname{mean}(o_t^2) + \varepsilon}} \odot \operatorname{sigmoid}(g \odot o_t), \quad
 *    \text{out}_t = z_t W^O + b^O $$
 *
 * $y$ is `memory`, or $x$ itself. $o_t$ is the heads side by side: one mean over all $H E$ features. The gate reads $o_t$ before
 * it is normalised, as in the official code. `gated: false` leaves the sigmoid out. The official `qkv_map` holds
 * $W^Q$, $W^K$ and $W^V$ beside one another. $S_t$ is the tokens with `keyMask` true and, if `causal`, those with
 * $s \le t + T_k - T_q$; hidden ones weigh 0, like those with a negative product. Where nothing has weight, out is $b^O$.
 * Cost: $O(T_q T_k H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads, or `g`
 * is not given exactly where `gated` is set.
 */
export const rectifiedLinearAttention = mechanism({
  id: "score/rectified-linear-attention",
  name: "Rectified linear attention with gated RMS norm (ReLA)",
  paper: "Zhang, Titov and Sennrich, 2021, arXiv:2104.07012",
  code: "bzhangGo/zero modules/rela.py:dot_attention",
  inputs: {
    x: "Tq M",
    memory: "Tk Mc = x",
    keyMask: "Tk = 1",
    wQ: "M (H D)",
    wK: "Mc (H D)",
    wV: "Mc (H E)",
    wO: "(H E) Mo",
    bQ: "(H D) = 0",
    bK: "(H D) = 0",
    bV: "(H E) = 0",
    bO: "Mo = 0",
    s: "(H E) = 1",
    g: "(H E) = none",
  },
  outputs: { out: "Tq Mo" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    eps: real(1e-8, "ε, added to the mean square", { above: 0, tried: [0.01, 1] }),
    gated: flag(true, "whether a sigmoid gates the normalised output"),
    causal: flag(false, "a token sees only the tokens up to its own place"),
  },
  axes: { H: (_, o) => o.heads },
  domain: { keyMask: "boolean" },
  requires: { "g must be given where gated is set, and only there": (_, o, given) => given.g === o.gated },
  properties: [
    { linear: ["wO", "bO"] },
    { linear: ["s", "bO"], when: (_, _o, given) => given.s === true },
    { independent: "Tq", when: (_, o, given) => given.memory === true && !o.causal },
    { unordered: "Tk", when: (_, o, given) => given.memory === true && !o.causal },
    { equivariant: "Tq", when: (_, o, given) => !given.memory && !given.keyMask && !o.causal },
    { causal: ["Tq", "Tk"], when: (n, o) => o.causal && n.Tq === n.Tk },
    { even: ["wQ", "wK", "bQ", "bK"] },
  ],
  run(
    { x, memory, keyMask, wQ, wK, wV, wO, bQ, bK, bV, bO, s: gain, g },
    { Tq, Tk, M, Mc, H, D, E },
    { eps, gated, causal },
  ) {
    const q = table([Tq, H, D], (t, h, d) => sum(M, (m) => x(t, m) * wQ(m, h, d)) + bQ(h, d));
    const k = table([Tk, H, D], (s, h, d) => sum(Mc, (m) => memory(s, m) * wK(m, h, d)) + bK(h, d));
    const v = table([Tk, H, E], (s, h, e) => sum(Mc, (m) => memory(s, m) * wV(m, h, e)) + bV(h, e));
    const seen = (t: number) => range(Tk).filter((s) => keyMask(s) && (!causal || s <= t + Tk - Tq));
    const weights = table([Tq, H], (t, h) =>
      weigh(seen(t), (s) => relu(sum(D, (d) => q(t, h, d) * k(s, h, d)) / Math.sqrt(D))),
    );
    const o = table([Tq, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    const size = table([Tq], (t) => Math.sqrt(mean(H, (h) => mean(E, (e) => o(t, h, e) ** 2)) + eps));
    const gate = (t: number, h: number, e: number) => (gated ? sigmoid(g(h, e) * o(t, h, e)) : 1);
    const z = table([Tq, H, E], (t, h, e) => ((gain(h, e) * o(t, h, e)) / size(t)) * gate(t, h, e));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => z(t, h, e) * wO(h, e, m))) + bO(m) };
  },
});
