import {
  choice,
  flag,
  integer,
  layerNorm,
  mechanism,
  real,
  relu,
  rotate,
  sigmoid,
  silu,
  sum,
  table,
  type Vector,
} from "../page.ts";

/**
 * The gated single-head block of MossFormer: squared-ReLU attention within groups of tokens and linear attention over
 * the whole sequence share one map, on values and gates made by small convolutions. Zhao and Ma 2023, arXiv:2302.11824.
 *
 * $$ \Phi(a) = b + \kappa * b, \quad
 *    b = \operatorname{silu}\bigl((\nu \odot \operatorname{norm}(a) + \beta)\, W + c\bigr), \quad
 *    (v, u) = \Phi_{\mathrm{hidden}}(\tilde x), \quad z = \Phi_{\mathrm{qk}}(\tilde x), \quad
 *    (q, q', k, k')_t = R_t(z_t \odot \gamma_i + \beta_i), \; i = 0 \dots 3 $$
 * $$ P_{t,s} = [s \in G_t] \operatorname{relu}\Bigl(\frac{q_t \cdot k_s}{g}\Bigr)^2 + \frac{q'_t \cdot k'_s}{T}, \quad
 *    y = x + \Phi_{\mathrm{out}}\bigl((P u) \odot v \odot \operatorname{sigmoid}((P v) \odot u)\bigr) $$
 *
 * $G_t$ is the group of $t$ among neighbours of $g$ = `groupSize` tokens, the last one perhaps shorter. With `causal`
 * the first term keeps $s \le t$ and the second becomes $[s \text{ in an earlier group}]\, q'_t \cdot k'_s / g$.
 * $\tilde x$ is $x$ with its first half of features (the larger, if they differ) taken from the token before, zeros at
 * the first; that is `shift`. $\kappa *$ is one kernel of $K$ taps for each feature, centred, zeros beyond the ends; it
 * looks ahead, so that the block is not strictly causal even with `causal`. $R_t$ turns the first $\min(32, D)$
 * features in neighbouring pairs with base 10000. `norm` is the layer norm or the scale norm
 * $a / \max(\|a\| / \sqrt n, \epsilon)$ of $n$ features; the code's scale norm has one gain for all of them and no
 * shift. In the models $K = 17$, $F = 2M$, $D = 128$. Cost: $O(T^2 (D + F) + T M F)$ as written.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, $K$ is even, or $D$ is odd with
 * `rotary`.
 */
export const mossformerJointAttention = mechanism({
  id: "linear/mossformer-joint-attention",
  name: "MossFormer joint local and global attention",
  paper: "Zhao and Ma, 2023, arXiv:2302.11824",
  code: "modelscope/ClearerVoice-Studio clearvoice/clearvoice/models/mossformer2_ss/mossformer2_block.py:FLASH_ShareA_FFConvM",
  inputs: {
    x: "T M",
    toHiddenNormW: "M = 1",
    toHiddenNormB: "M = 0",
    toHiddenW: "M A",
    toHiddenB: "A = 0",
    toHiddenDw: "A K",
    toQkNormW: "M = 1",
    toQkNormB: "M = 0",
    toQkW: "M D",
    toQkB: "D = 0",
    toQkDw: "D K",
    toOutNormW: "F = 1",
    toOutNormB: "F = 0",
    toOutW: "F M",
    toOutB: "M = 0",
    toOutDw: "M K",
    gamma: "4 D",
    beta: "4 D = 0",
  },
  outputs: { out: "T M" },
  options: {
    groupSize: integer(256, "g, how many tokens attend to each other", { min: 1, tried: [1, 2, 3] }),
    shift: flag(true, "whether half of the features come from the token before"),
    norm: choice(["layernorm", "scalenorm"], "the norm before each projection"),
    causal: flag(false, "whether attention sees only the tokens s ≤ t"),
    rotary: flag(true, "whether queries and keys are turned by their positions"),
    eps: real(1e-5, "ε of the norms", { above: 0, tried: [0.5] }),
  },
  axes: { A: (n) => 2 * n.F },
  tried: { M: [1, 2, 3, 4], D: [1, 2, 4], F: [1, 2], K: [1, 3] },
  requires: {
    "K must be odd": (n) => n.K % 2 === 1,
    "with rotary, D must be even": (n, o) => !o.rotary || n.D % 2 === 0,
  },
  properties: [{ causal: "T", when: (n, o) => o.causal && n.K === 1 }],
  run(w, { T, M, D, A, F, K }, { groupSize: g, shift, norm, causal, rotary, eps }) {
    type Rows = (t: number, c: number) => number;
    const scaleNorm = (n: number, a: Vector): Vector => {
      const size = Math.sqrt(sum(n, (c) => a(c) ** 2) / n);
      return (c) => a(c) / Math.max(size, eps);
    };
    const normed = (n: number, a: Rows, gain: Vector, shifted: Vector) => {
      const rows = table([T], (t) => (norm === "layernorm" ? layerNorm : scaleNorm)(n, (c) => a(t, c), eps));
      return table([T, n], (t, c) => gain(c) * rows(t)(c) + shifted(c));
    };
    const convolved = (n: number, a: Rows, width: number, weight: Rows, bias: Vector, kernel: Rows) => {
      const b = table([T, width], (t, o) => silu(bias(o) + sum(n, (c) => a(t, c) * weight(c, o))));
      const padded: Rows = (t, o) => (t < 0 || t >= T ? 0 : b(t, o));
      return table([T, width], (t, o) => b(t, o) + sum(K, (j) => kernel(o, j) * padded(t + j - (K - 1) / 2, o)));
    };

    const { x, gamma, beta } = w;
    const moved: Rows = (t, m) => (shift && m < Math.ceil(M / 2) ? (t === 0 ? 0 : x(t - 1, m)) : x(t, m));
    const forHidden = normed(M, moved, w.toHiddenNormW, w.toHiddenNormB);
    const hidden = convolved(M, forHidden, A, w.toHiddenW, w.toHiddenB, w.toHiddenDw);
    const [v, u]: [Rows, Rows] = [hidden, (t, f) => hidden(t, F + f)];
    const z = convolved(M, normed(M, moved, w.toQkNormW, w.toQkNormB), D, w.toQkW, w.toQkB, w.toQkDw);

    const turning = rotary ? Math.min(32, D) : 0;
    const heads = table([4, T, D], (i, t, d) =>
      rotate(
        (c) => z(t, c) * gamma(i, c) + beta(i, c),
        turning,
        "interleaved",
        (p) => t * 10000 ** ((-2 * p) / turning),
      )(d),
    );
    const product = (i: number, t: number, s: number) => sum(D, (d) => heads(i, t, d) * heads(i + 2, s, d));
    const group = (t: number) => Math.floor(t / g);
    const P = table([T, T], (t, s) => {
      const near = group(s) === group(t) && (!causal || s <= t) ? relu(product(0, t, s) / g) ** 2 : 0;
      const far = causal ? (group(s) < group(t) ? product(1, t, s) / g : 0) : product(1, t, s) / T;
      return near + far;
    });
    const read = (value: Rows) => table([T, F], (t, f) => sum(T, (s) => P(t, s) * value(s, f)));
    const [Pu, Pv] = [read(u), read(v)];
    const joint = table([T, F], (t, f) => Pu(t, f) * v(t, f) * sigmoid(Pv(t, f) * u(t, f)));
    const y = convolved(F, normed(F, joint, w.toOutNormW, w.toOutNormB), M, w.toOutW, w.toOutB, w.toOutDw);
    return { out: (t, m) => x(t, m) + y(t, m) };
  },
});
