import { choice, flag, mechanism, range, real, relu, sigmoid, sum, table, weigh } from "../page.ts";

/**
 * Attention whose weights come from an elementwise similarity, divided by the sum of a query's weights or not.
 * Undivided, a key's weight says nothing of the other keys, and no attention sink forms. Gu et al. 2024,
 * arXiv:2410.10781, who compare the sigmoid, $\operatorname{elu} + 1$ and products of feature maps in the place of the
 * softmax.
 *
 * $$ o_t = \frac{1}{c_t} \sum_{s \in S_t} w_{t,s}\, v_s, \quad
 *    w_{t,s} = \varphi\Bigl(\frac{q_t \cdot k_s}{\sqrt D} + b\Bigr) \quad\text{or, with a kernel,}\quad
 *    w_{t,s} = \frac{\psi(q_t) \cdot \psi(k_s)}{\sqrt D} $$
 *
 * | `phi` | similarity | divisor $c_t$ with `normalize`; 1 without |
 * | --- | --- | --- |
 * | `sigmoid` | $\varphi(z) = 1 / (1 + e^{-z})$ | $\sum_s w_{t,s} + 10^{-8}$ |
 * | `elu1` | $\varphi(z) = z + 1$ for $z > 0$, else $e^z$ | $\sum_s w_{t,s} + 10^{-8}$ |
 * | `kernel-elu1` | $\psi(x) = \operatorname{elu}(x) + 1$ | $\sum_s w_{t,s} + 10^{-8}$ |
 * | `kernel-identity` | $\psi(x) = x$ | $\max(\lvert\sum_s w_{t,s}\rvert, 1)$ |
 * | `kernel-mlp` | $\psi(x) = \max(x W_1, 0)\, W_2$ | $\max(\lvert\sum_s w_{t,s}\rvert, 1)$ |
 *
 * $S_t$ is every key or, with `causal`, those with $s \le t + T_k - T_q$. A rotation of queries and keys comes before
 * $\psi$. The constant $b$ is not in this paper's code, it is 0 there; $-\ln T_k$ makes the sigmoid that of Ramapuram
 * et al. 2024, arXiv:2409.04431. A query that sees no key gets zeros. Cost: $O(T_q T_k (D + E))$; a kernel can also be
 * summed as a recurrence.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, `logitBias` is given to a kernel, or
 * $W_1$ and $W_2$ are given to another than `kernel-mlp` or missing there.
 */
export const sigmoidAttentionUnnormalized = mechanism({
  id: "score/sigmoid-attention-unnormalized",
  name: "Sigmoid and ELU + 1 attention, normalised or not",
  paper: "Gu et al., 2024, arXiv:2410.10781",
  code: "sail-sg/Attention-Sink lit_gpt/model_attn_sim.py:eager_scaled_dot_product_attention",
  inputs: { q: "Tq D", k: "Tk D", v: "Tk E", w1: "D A = none", w2: "A D = none" },
  outputs: { out: "Tq E" },
  options: {
    phi: choice(["sigmoid", "elu1", "kernel-elu1", "kernel-identity", "kernel-mlp"], "the similarity"),
    normalize: flag(false, "divides the weights of a query by their sum"),
    logitBias: real(0, "b, the constant added to every score of sigmoid and elu1", { tried: [-1.5] }),
    causal: flag(true, "a query sees only the keys up to its own place"),
  },
  mayBeEmpty: ["Tk"],
  requires: {
    "logitBias must be 0 where phi is a kernel": (_, o) => o.logitBias === 0 || !o.phi.startsWith("kernel"),
    "w1 and w2 belong to phi = kernel-mlp, which needs both": (_, o, given) =>
      [given.w1, given.w2].every((is) => is === (o.phi === "kernel-mlp")),
  },
  properties: [
    { linear: "v" },
    { unordered: "Tk", when: (_, o) => !o.causal },
    { independent: "Tq", when: (_, o) => !o.causal },
    { causal: ["Tq", "Tk"], when: (_, o) => o.causal },
  ],
  run({ q, k, v, w1, w2 }, { Tq, Tk, D, A }, { phi, normalize, logitBias, causal }) {
    const eluPlusOne = (x: number) => (x > 0 ? x + 1 : Math.exp(x));
    const features = (T: number, x: (t: number, d: number) => number) => {
      if (phi === "kernel-elu1") return table([T, D], (t, d) => eluPlusOne(x(t, d)));
      if (phi !== "kernel-mlp") return x;
      const hidden = table([T, A], (t, a) => relu(sum(D, (d) => x(t, d) * w1(d, a))));
      return table([T, D], (t, d) => sum(A, (a) => hidden(t, a) * w2(a, d)));
    };
    const psiQ = features(Tq, q),
      psiK = features(Tk, k);
    const similarity = (z: number) => (phi === "sigmoid" ? sigmoid(z) : phi === "elu1" ? eluPlusOne(z) : z);
    const seen = (t: number) => range(Tk).filter((s) => !causal || s <= t + Tk - Tq);
    const weights = table([Tq], (t) =>
      weigh(seen(t), (s) => similarity(sum(D, (d) => psiQ(t, d) * psiK(s, d)) / Math.sqrt(D) + logitBias)),
    );
    const signed = phi === "kernel-identity" || phi === "kernel-mlp";
    const divisor = table([Tq], (t) => {
      const total = sum(weights(t), (_, w) => w);
      return !normalize ? 1 : signed ? Math.max(Math.abs(total), 1) : total + 1e-8;
    });
    return { out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)) / divisor(t) };
  },
});
