import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { keyValueBiasAttention as biased } from "../../../spec/score/key-value-bias-attention.ts";
import { at, cases, edit, example, fail, join, law, reshape, same, span, specify, tensor } from "../../kit.ts";

specify(biased);

const ln3 = Math.log(3);
const one = { q: [[[1]]], k: [[[0]]], v: [[[8]]] };
example(
  "k* scores ln 3 against 0: three quarters of v* and a quarter of v",
  biased,
  { ...one, kStar: [[ln3]], vStar: [[4]] },
  { out: [[[5]]] },
);
example("with k* alone they are lost", biased, { ...one, kStar: [[ln3]] }, { out: [[[2]]] }, { variant: "k" });
example("with v* alone it is added", biased, { ...one, vStar: [[4]] }, { out: [[[12]]] }, { variant: "v" });
example(
  "D = 4: both products are halved",
  biased,
  { q: [[[2, 0, 0, 0]]], k: [[[ln3, 0, 0, 0]]], v: [[[8]]], kStar: [[Math.log(9), 0, 0, 0]], vStar: [[0]] },
  { out: [[[2]]] },
);
example(
  "causal by default, two queries after one cached key",
  biased,
  { q: [[[0], [0]]], k: [[[0], [0], [0]]], v: [[[3], [6], [12]]], kStar: [[0]], vStar: [[3]] },
  { out: [[[4], [6]]] },
);
example(
  "a query before all keys gets v*",
  biased,
  { q: [[[1], [0]]], k: [[[2]]], v: [[[3]]], kStar: [[5]], vStar: [[7]] },
  { out: [[[7], [5]]] },
);
example(
  "also where v* alone is learned",
  biased,
  { q: [[[1], [0]]], k: [[[2]]], v: [[[3]]], vStar: [[7]] },
  { out: [[[7], [10]]] },
  { variant: "v" },
);

law(
  "is scaled dot-product attention with k* and v* before the other keys and values",
  cases(biased, { options: { variant: "kv", causal: false } }),
  ({ x: { q, k, v, kStar, vStar }, n, o }) =>
    same(
      biased({ q, k, v, kStar, vStar }, o).out,
      attention({ q, k: join(1, reshape(kStar, n.H, 1, n.D), k), v: join(1, reshape(vStar, n.H, 1, n.E), v) }).out,
    ),
);
law("k* alone is k* with v* = 0", cases(biased, { options: { variant: "k" } }), ({ x, n, o }) =>
  same(biased(x, o).out, biased({ ...x, vStar: tensor([n.H, n.E], () => 0) }, { ...o, variant: "kv" }).out),
);
law("v* alone is ordinary attention and v*", cases(biased, { options: { variant: "v" } }), ({ x, o }) =>
  same(
    biased(x, o).out,
    edit(
      attention({ q: x.q, k: x.k, v: x.v }, { causal: o.causal }).out,
      (value, h, _, e) => value + at(x.vStar, h, e),
    ),
  ),
);
law(
  "k* = 0 with a zero value adds 1 to the denominator of the softmax",
  cases(biased, { options: { variant: "k" } }),
  ({ x: { q, k, v }, n, o }) => {
    const { out, lse } = attention({ q, k, v }, { causal: o.causal });
    same(
      biased({ q, k, v, kStar: tensor([n.H, n.D], () => 0) }, o).out,
      edit(out, (value, h, t) => value / (1 + Math.exp(-at(lse, h, t)))),
    );
  },
);
law("a query decoded alone gets what it gets in the row", cases(biased, { options: { causal: true } }), ({ x, n, o }) =>
  same(biased({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }, o).out, span(biased(x, o).out, 1, n.Tq - 1, n.Tq)),
);
law("a bias that the variant does not learn is refused", cases(biased, { options: { variant: "kv" } }), ({ x }) => {
  for (const variant of ["k", "v"] as const) {
    try {
      biased(x, { variant });
    } catch {
      continue;
    }
    fail(`variant ${variant} took both biases`);
  }
});
