import { choice, flag, mechanism, range, relu, softmax, sum, table } from "../page.ts";

/** The parts of a mixture, in order. */
const parts = ["dense", "random", "factorized-dense", "factorized-random"] as const;
type Weight = "w1" | "w2" | "r" | "wA" | "wB" | "r1" | "r2";
/** Which of them have their weights. */
const complete = (given: Readonly<Record<Weight, boolean>>) => ({
  dense: given.w1 && given.w2,
  random: given.r,
  "factorized-dense": given.wA && given.wB,
  "factorized-random": given.r1 && given.r2,
});

/**
 * Synthesizer: the attention scores do not compare tokens. They come from each token alone (`dense`) or are learned
 * numbers, the same for every input (`random`), whole or factorised, or a mixture. Tay et al. 2020, arXiv:2005.00743.
 *
 * $$ o_t = \sum_{s \in S_t} \operatorname{softmax}_{s \in S_t}(B_{t,s})\, x_s W^V $$
 *
 * | `variant` | $B_{t,s}$ |
 * | --- | --- |
 * | `dense` | entry $s$ of $\max(x_t W_1 + b_1, 0)\, W_2 + b_2$ |
 * | `random` | $R_{t,s}$ |
 * | `factorized-dense` | $y_{s \bmod a}\, z_{\lfloor s / a \rfloor}$ of $y = x_t W_A + b_A$, $z = x_t W_B + b_B$ |
 * | `factorized-random` | $(R_1 R_2^\top)_{t,s}$ |
 * | `mixture` | $\sum_i \alpha_i B^{(i)}_{t,s}$ over those of the four whose weights are given |
 *
 * $S_t$ is the tokens with `mask` true (all by default) and, if `causal`, those with $s \le t$; a token that sees none
 * gets zeros. $\alpha$ is the softmax of the entries of `mix` that belong to given parts. In `cycles` the second factor
 * is $z_{s \bmod b}$ instead. The tables reach over $P \ge T$ places, of which the first $T$ count, and so do the
 * $a \cdot b$ entries of `factorized-dense`; there is no $1/\sqrt D$. The official code has no biases, sends $x$
 * through a query projection for `dense`, mixes with plain attention, and multiplies the two factors of
 * `factorized-random` place by place, so that all tokens get the same scores; this page follows the paper. Cost:
 * $O(T (M A + A T + T E))$ for `dense`.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight of the variant is missing
 * or a table is shorter than $T$.
 */
export const synthesizerAttention = mechanism({
  id: "score/synthesizer-attention",
  name: "Synthesizer attention",
  paper: "Tay et al., 2020, arXiv:2005.00743",
  code: "tensorflow/mesh mesh_tensorflow/transformer/attention.py:synthetic_attention",
  ours: "how the two vectors of the factorised dense form are tiled, and that each comes from one linear layer",
  inputs: {
    x: "T M",
    wV: "M E",
    mask: "T T = 1",
    w1: "M A = 0",
    b1: "A = 0",
    w2: "A P = 0",
    b2: "P = 0",
    r: "P P = 0",
    wA: "M Pa = 0",
    bA: "Pa = 0",
    wB: "M Pb = 0",
    bB: "Pb = 0",
    r1: "P R = 0",
    r2: "P R = 0",
    mix: "4 = 0",
  },
  outputs: { out: "T E", weights: "T T" },
  options: {
    variant: choice(
      ["dense", "random", "factorized-dense", "factorized-random", "mixture"],
      "where the scores come from; a mixture takes its parts and `mix` in this order",
    ),
    tiling: choice(
      ["blocks", "cycles"],
      "whether the second factor of factorized-dense stays for a places, so that all pairs occur, or changes at each",
    ),
    causal: flag(false, "token t sees only the tokens s ≤ t"),
  },
  tried: { P: [5, 6], Pa: [2, 3], Pb: [2, 3] },
  domain: { mask: "boolean" },
  requires: {
    "the weights of the variant must be given: w1 and w2, r, wA and wB, or r1 and r2": (_, { variant }, given) =>
      variant === "mixture" ? Object.values(complete(given)).some(Boolean) : complete(given)[variant],
    "P must be at least T": (n) => n.P === 0 || n.P >= n.T,
    "Pa · Pb must be at least T": (n) => n.Pa * n.Pb === 0 || n.Pa * n.Pb >= n.T,
  },
  properties: [
    { linear: "wV", outputs: ["out"] },
    { linear: "x", outputs: ["out"], when: (_, o) => o.variant.endsWith("random") },
    { causal: "T", when: (_, o) => o.causal },
  ],
  run({ x, wV, mask, w1, b1, w2, b2, r, wA, bA, wB, bB, r1, r2, mix }, n, { variant, tiling, causal }, given) {
    const { T, M, A, Pa, Pb, R } = n;
    const hidden = table([T, A], (t, a) => relu(sum(M, (m) => x(t, m) * w1(m, a)) + b1(a)));
    const first = table([T, Pa], (t, i) => sum(M, (m) => x(t, m) * wA(m, i)) + bA(i));
    const second = table([T, Pb], (t, i) => sum(M, (m) => x(t, m) * wB(m, i)) + bB(i));
    const scores = {
      dense: (t: number, s: number) => sum(A, (a) => hidden(t, a) * w2(a, s)) + b2(s),
      random: r,
      "factorized-dense": (t: number, s: number) =>
        first(t, s % Pa) * second(t, tiling === "blocks" ? Math.floor(s / Pa) : s % Pb),
      "factorized-random": (t: number, s: number) => sum(R, (i) => r1(t, i) * r2(s, i)),
    };
    const shares = softmax(
      parts.filter((part) => complete(given)[part]),
      (part) => mix(parts.indexOf(part)),
    );
    const score = (t: number, s: number) =>
      variant === "mixture" ? sum(shares, (part, share) => share * scores[part](t, s)) : scores[variant](t, s);
    const seen = (t: number) => range(causal ? t + 1 : T).filter((s) => mask(t, s));
    const weights = table([T], (t) => softmax(seen(t), (s) => score(t, s)));
    const v = table([T, n.E], (s, e) => sum(M, (m) => x(s, m) * wV(m, e)));
    return {
      out: (t, e) => sum(weights(t), (s, w) => w * v(s, e)),
      weights: (t, s) => weights(t).of(s),
    };
  },
});
