import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { pattention } from "../../../spec/memory/pattention.ts";
import { at, cases, edit, example, join, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(pattention);

example(
  "a row (3, 4) of norm 5 times 100 is (60, 80), where gelu changes nothing",
  pattention,
  { x: [[1]], kP: [[3], [4]], vP: [[1], [10]] },
  { out: [[860]] },
  { sqrtN: 10000 },
);
example(
  "the root of the number of tokens, 2: gelu(2) = 2 Φ(2) = 1.9545, and gelu(−2) = −2 Φ(−2)",
  pattention,
  { x: [[5], [-5]], kP: [[7], [0], [0], [0]], vP: [[1], [9], [9], [9]] },
  { out: [[1.9544997361036416], [-0.045500263896358417]] },
);
example(
  "gelu first: (60, 80) of norm 100, times 5",
  pattention,
  { x: [[20]], kP: [[3], [4]], vP: [[1], [10]] },
  { out: [[43]] },
  { norm: "gelu_l2_norm", sqrtN: 25 },
);
example(
  "softmax: weights ¾ and ¼ times 2",
  pattention,
  { x: [[Math.log(3)]], kP: [[1], [0]], vP: [[4], [8]] },
  { out: [[10]] },
  { norm: "softmax" },
);
example("a row of zeros gives zeros", pattention, { x: [[0]], kP: [[3], [4]], vP: [[1], [10]] }, { out: [[0]] });
example(
  "also with gelu first",
  pattention,
  { x: [[0]], kP: [[3], [4]], vP: [[1], [10]] },
  { out: [[0]] },
  { norm: "gelu_l2_norm" },
);
refuses("no sqrtN but N", pattention, { x: [[0]], kP: [[3], [4]], vP: [[1], [10]] }, { norm: "softmax", sqrtN: 3 });

law(
  "softmax is N times attention with products as they are",
  cases(pattention, { options: { norm: "softmax" } }),
  ({ x, n, o }) => {
    const { out } = attention({ q: x.x, k: x.kP, v: x.vP }, { scale: 1 });
    same(
      pattention(x, o).out,
      edit(out, (value) => n.N * value),
    );
  },
);
for (const norm of ["l2_norm_gelu", "gelu_l2_norm"] as const)
  law(
    `${norm}: new tokens with zero keys change nothing where the root is held`,
    cases(pattention, { options: { norm } }),
    ({ x, n, o }) => {
      const grown = {
        x: x.x,
        kP: join(
          0,
          x.kP,
          tensor([2, n.M], () => 0),
        ),
        vP: join(
          0,
          x.vP,
          tensor([2, n.Mo], (i, m) => i - m - 1),
        ),
      };
      same(pattention(grown, { ...o, sqrtN: o.sqrtN }).out, pattention(x, o).out);
    },
  );
law(
  "gelu first: the weights of a token have the squares' sum N₀, or are zero",
  cases(pattention, { options: { norm: "gelu_l2_norm" } }),
  ({ x, n, o }) => {
    const { out } = pattention({ ...x, vP: tensor([n.N, n.N], (i, j) => Number(i === j)) }, o);
    const size = (t: number) => Array.from({ length: n.N }, (_, i) => at(out, t, i) ** 2).reduce((a, b) => a + b, 0);
    same(
      tensor([n.T], size),
      tensor([n.T], (t) => (size(t) === 0 ? 0 : o.sqrtN)),
    );
  },
);
