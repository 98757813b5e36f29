import { choice, gelu, mechanism, real, softmax, sum, table, type Vector } from "../page.ts";

/**
 * Pattention, the layer of TokenFormer: tokens attend to learned parameter tokens, in place of a linear layer, so that
 * a model grows by adding tokens. Wang et al. 2024, arXiv:2410.23168.
 *
 * $$ a_{t,n} = x_t \cdot K_n, \quad y_t = \sum_n S(a_t)_n\, V_n, \quad
 *    S(a) = \operatorname{gelu}\Bigl(\sqrt{N_0}\, \frac{a}{\|a\|}\Bigr), \;\;
 *    \sqrt{N_0}\, \frac{\operatorname{gelu}(a)}{\|\operatorname{gelu}(a)\|} \;\text{ or }\;
 *    N \operatorname{softmax}(a) $$
 *
 * for `norm` `l2_norm_gelu` (the released models), `gelu_l2_norm` and `softmax`; gelu is exact, products are not
 * scaled, norms run over the parameter tokens and have no ε. A row of norm 0 gives $S = 0$, where the code gives NaN.
 * $N_0$ = `sqrtN` is $N$ in the code; held at the former $N$, it makes new tokens with zero keys change nothing, in
 * both forms with gelu. Cost: $O(T N (M + M_o))$.
 * Throws {@link PageError}, naming the argument, if two axes of one letter differ or `sqrtN` other than $N$ meets
 * `norm` `softmax`.
 */
export const pattention = mechanism({
  id: "memory/pattention",
  name: "Token-parameter attention (Pattention)",
  paper: "Wang et al., 2024, arXiv:2410.23168",
  code: "Haiyang-W/TokenFormer megatron/model/tokenformer.py:Pattention",
  inputs: { x: "T M", kP: "N M", vP: "N Mo" },
  outputs: { out: "T Mo" },
  options: {
    norm: choice(["l2_norm_gelu", "gelu_l2_norm", "softmax"], "what takes the place of the softmax"),
    sqrtN: real((n: { N: number }) => n.N, "N₀, the number under the root", { above: 0, tried: [2] }),
  },
  requires: { "norm softmax has no sqrtN but N": (n, o) => o.norm !== "softmax" || o.sqrtN === n.N },
  properties: [
    { linear: "vP" },
    { unordered: "N" },
    { independent: "T" },
    { even: ["x", "kP"] },
    { scaleFree: "x", when: (_, o) => o.norm === "l2_norm_gelu" },
    { scaleFree: "kP", when: (_, o) => o.norm === "l2_norm_gelu" },
  ],
  run({ x, kP, vP }, { T, M, N }, { norm, sqrtN }) {
    const a = table([T, N], (t, n) => sum(M, (m) => x(t, m) * kP(n, m)));
    const sized = (row: Vector): Vector => {
      const size = Math.sqrt(sum(N, (n) => row(n) ** 2));
      return (n) => (size === 0 ? 0 : (Math.sqrt(sqrtN) * row(n)) / size);
    };
    const S = table([T], (t): Vector => {
      const row = table([N], (n) => a(t, n));
      if (norm === "gelu_l2_norm") return sized(table([N], (n) => gelu(row(n))));
      const unit = sized(row);
      if (norm === "l2_norm_gelu") return table([N], (n) => gelu(unit(n)));
      const weights = softmax(N, row);
      return (n) => N * weights.of(n);
    });
    return { out: (t, m) => sum(N, (n) => S(t)(n) * vP(n, m)) };
  },
});
