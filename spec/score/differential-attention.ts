import { flag, integer, mechanism, range, real, rmsNorm, rotate, softmax, sum, table } from "../page.ts";

/**
 * Differential attention (Diff Transformer): each head takes two attention maps and subtracts λ times the second from
 * the first, so that what both attend to cancels; the result is normalised head by head. Ye et al. 2024,
 * arXiv:2410.05258.
 *
 * $$ A^i_h = \operatorname{softmax}_{s \in S_t}\Bigl(\tfrac{1}{\sqrt D}\, q_{2h+i} \cdot k_{\lfloor (2h+i)/r \rfloor}\Bigr), \quad
 *    o_h = \bigl(A^0_h - \lambda A^1_h\bigr)\, v_{\lfloor h/r \rfloor}, \quad r = H / H_k $$
 * $$ \lambda = e^{\lambda^{q1} \cdot \lambda^{k1}} - e^{\lambda^{q2} \cdot \lambda^{k2}} + \lambda_0, \quad \lambda_0 = 0.8 - 0.6\, e^{-0.3 \ell}, \quad
 *    y = \sum_h (1 - \lambda_0)\, \bigl(g \odot \operatorname{rms}(o_h)\bigr) W^O_h $$
 *
 * A query or key is $D$ wide, a value $E = 2D$. Queries and keys are of sub-heads $2h$ and $2h + 1$, turned by rotary
 * embedding in interleaved pairs (unless `rope` is off). With fewer key heads, official code repeats each of the $2H_k$
 * key sub-heads $r$ times in place, so that at $r = 2$ both maps of a head read one and the same sub-head of keys; this
 * page follows it. $\ell$ is the layer counted from 0 (the paper counts from 1 and subtracts 1); λ is one for all heads
 * of a layer, and so is the gain $g$ of the norm, whose ε is $10^{-5}$. $S_t$ is the tokens $s \le t$, or all without
 * `causal`. Cost: $O(T^2 H D)$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads,
 * $H$ is no multiple of $H_k$, or $D$ is odd under `rope`.
 */
export const differentialAttention = mechanism({
  id: "score/differential-attention",
  name: "Differential attention",
  paper: "Ye et al., 2024, arXiv:2410.05258",
  code: "microsoft/unilm Diff-Transformer/multihead_diffattn.py:MultiheadDiffAttn",
  inputs: {
    x: "T M",
    wQ: "M (H 2 D)",
    wK: "M (Hk 2 D)",
    wV: "M (Hk E)",
    wO: "(H E) Mo",
    lambdaQ1: "D",
    lambdaK1: "D",
    lambdaQ2: "D",
    lambdaK2: "D",
    g: "E = 1",
  },
  outputs: { out: "T Mo" },
  options: {
    heads: integer(1, "H, the number of pairs of attention maps", { min: 1, tried: [1, 2, 4] }),
    depth: integer(0, "ℓ, the layer counted from 0", { min: 0, tried: [1, 5] }),
    rope: flag(true, "queries and keys are turned by their place"),
    ropeBase: real(10000, "θ, the base of the rotary frequencies", { above: 0, tried: [100] }),
    causal: flag(true, "token t sees only the tokens s ≤ t"),
  },
  axes: { H: (_, o) => o.heads, E: (n) => 2 * n.D },
  tried: { D: [1, 2, 4], Hk: [1, 2] },
  requires: {
    "heads must be a multiple of Hk": (n, o) => o.heads % n.Hk === 0,
    "D must be even under rope": (n, o) => !o.rope || n.D % 2 === 0,
  },
  domain: {
    lambdaQ1: { usual: [-0.5, 0.5] },
    lambdaK1: { usual: [-0.5, 0.5] },
    lambdaQ2: { usual: [-0.5, 0.5] },
    lambdaK2: { usual: [-0.5, 0.5] },
  },
  properties: [
    { linear: "wO" },
    { linear: "g", when: (_, _o, given) => given.g === true },
    { even: ["wQ", "wK"] },
    { even: ["lambdaQ1", "lambdaK1"] },
    { even: ["lambdaQ2", "lambdaK2"] },
    { equivariant: "T", when: (_, o) => !o.causal && !o.rope },
    { causal: "T", when: (_, o) => o.causal },
  ],
  run(
    { x, wQ, wK, wV, wO, lambdaQ1, lambdaK1, lambdaQ2, lambdaK2, g },
    { T, M, H, Hk, D, E },
    { depth, rope, ropeBase, causal },
  ) {
    const r = H / Hk;
    const turned = (t: number, vector: (d: number) => number) =>
      rotate(vector, rope ? D : 0, "interleaved", (i) => t * ropeBase ** ((-2 * i) / D));
    const projected = (heads: number, w: typeof wQ) => {
      const plain = table([T, 2 * heads, D], (t, j, d) => sum(M, (m) => x(t, m) * w(m, Math.floor(j / 2), j % 2, d)));
      return table([T, 2 * heads, D], (t, j, d) => turned(t, (c) => plain(t, j, c))(d));
    };
    const [q, k] = [projected(H, wQ), projected(Hk, wK)];
    const v = table([T, Hk, E], (t, h, e) => sum(M, (m) => x(t, m) * wV(m, h, e)));

    const a = table([2 * H, T], (j, t) =>
      softmax(range(causal ? t + 1 : T), (s) => sum(D, (d) => q(t, j, d) * k(s, Math.floor(j / r), d)) / Math.sqrt(D)),
    );
    const initial = 0.8 - 0.6 * Math.exp(-0.3 * depth);
    const first = Math.exp(sum(D, (d) => lambdaQ1(d) * lambdaK1(d)));
    const second = Math.exp(sum(D, (d) => lambdaQ2(d) * lambdaK2(d)));
    const lambda = first - second + initial;
    const attended = (j: number, t: number, e: number) => sum(a(j, t), (s, w) => w * v(s, Math.floor(j / 2 / r), e));
    const o = table([H, T, E], (h, t, e) => attended(2 * h, t, e) - lambda * attended(2 * h + 1, t, e));
    const normal = table([H, T], (h, t) => rmsNorm(E, (e) => o(h, t, e), 1e-5));
    return {
      out: (t, m) => (1 - initial) * sum(H, (h) => sum(E, (e) => g(e) * normal(h, t)(e) * wO(h, e, m))),
    };
  },
});
