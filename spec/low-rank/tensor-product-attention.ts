import { integer, mechanism, real, rmsNorm, rotate, softmax, sum, table } from "../page.ts";

/**
 * Tensor product attention (TPA): queries, keys and values of all heads are sums of a few products of a vector over the
 * heads and a vector over the features, both made from the token; only these factors are cached. Zhang et al. 2025,
 * arXiv:2501.06425.
 *
 * $$ q_{t,h} = \frac{1}{R_q} \sum_{r} A^Q_{t,h,r}\, \rho_t(B^Q_{t,r}), \quad
 *    k_{t,h} = \frac{1}{R_k} \sum_r A^K_{t,h,r}\, \rho_t(B^K_{t,r}), \quad
 *    v_{t,h} = \frac{1}{R_v} \sum_r A^V_{t,h,r}\, B^V_{t,r} $$
 * $$ o_{t,h} = \sum_{s \le t} \operatorname{softmax}_{s \le t}\Bigl(\frac{q_{t,h} \cdot k_{s,h}}{\sqrt D}\Bigr)\, v_{s,h}, \quad
 *    y_t = \sum_h o_{t,h} W^O_h $$
 *
 * $A = x W_A$ and $B = x W_B$ have as many columns as heads times rank and rank times features. The rotary embedding
 * $\rho_t$ is linear and so may act on the factors; they are cached turned, $(R_k + R_v)(H + D)$ numbers for a token
 * when $E = D$. It turns the pairs $(i, i + D/2)$ by the negative angle $-t\,\theta^{-2i/D}$, as the authors' code
 * does; turned the usual way the scores differ unless half of the columns of the query's and key's factors change sign.
 * The code has one rank for keys and values, 2, and 6 (in a class default 12) for queries. `g` makes it norm each
 * head's output first ($\varepsilon = 10^{-5}$).
 * Cost: $O(T^2 H (D + E))$ beside the projections.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ, a weight does not divide into heads
 * or ranks, or $D$ is odd.
 */
export const tensorProductAttention = mechanism({
  id: "low-rank/tensor-product-attention",
  name: "Tensor product attention (TPA)",
  paper: "Zhang et al., 2025, arXiv:2501.06425",
  code: "tensorgi/T6 model/T6.py:CausalSelfAttention",
  inputs: {
    x: "T M",
    wAq: "M (H Rq)",
    wBq: "M (Rq D)",
    wAk: "M (H Rk)",
    wBk: "M (Rk D)",
    wAv: "M (H Rv)",
    wBv: "M (Rv E)",
    wO: "(H E) Mo",
    g: "E = none",
  },
  outputs: { out: "T Mo", q: "T H D", k: "T H D", v: "T H E" },
  options: {
    heads: integer(1, "H, the number of heads", { min: 1, tried: [1, 2, 3] }),
    ropeBase: real(10000, "θ, the base of the rotary frequencies", { above: 0, tried: [4] }),
  },
  axes: { H: (_, o) => o.heads },
  tried: { D: [2, 4], Rq: [1, 2, 3], Rk: [1, 2], Rv: [1, 2] },
  requires: { "D must be even": (n) => n.D % 2 === 0 },
  properties: [
    { linear: "wO", outputs: ["out"] },
    { linear: "wBv", outputs: ["out"], when: (_, _o, given) => !given.g },
    { even: ["wAq", "wAk"], outputs: ["out"] },
    { causal: "T" },
  ],
  run({ x, wAq, wBq, wAk, wBk, wAv, wBv, wO, g }, { T, M, H, Rq, Rk, Rv, D, E }, { ropeBase }, given) {
    type Factor = (t: number, i: number, j: number) => number;
    const factor = (rows: number, columns: number, w: Factor) =>
      table([T, rows, columns], (t, i, j) => sum(M, (m) => x(t, m) * w(m, i, j)));
    const turned = (R: number, b: Factor) => {
      const rows = table([T, R], (t, r) =>
        rotate(
          (d) => b(t, r, d),
          D,
          "half",
          (i) => -t * ropeBase ** ((-2 * i) / D),
        ),
      );
      return table([T, R, D], (t, r, d) => rows(t, r)(d));
    };
    const combined = (R: number, width: number, a: Factor, b: Factor) =>
      table([T, H, width], (t, h, d) => sum(R, (r) => a(t, h, r) * b(t, r, d)) / R);
    const q = combined(Rq, D, factor(H, Rq, wAq), turned(Rq, factor(Rq, D, wBq)));
    const k = combined(Rk, D, factor(H, Rk, wAk), turned(Rk, factor(Rk, D, wBk)));
    const v = combined(Rv, E, factor(H, Rv, wAv), factor(Rv, E, wBv));
    const weights = table([T, H], (t, h) =>
      softmax(t + 1, (s) => sum(D, (d) => q(t, h, d) * k(s, h, d)) / Math.sqrt(D)),
    );
    const o = table([T, H, E], (t, h, e) => sum(weights(t, h), (s, w) => w * v(s, h, e)));
    const normed = table([T, H], (t, h) => rmsNorm(E, (e) => o(t, h, e), 1e-5));
    const head = (t: number, h: number, e: number) => (given.g ? normed(t, h)(e) * g(e) : o(t, h, e));
    return { out: (t, m) => sum(H, (h) => sum(E, (e) => head(t, h, e) * wO(h, e, m))), q, k, v };
  },
});
