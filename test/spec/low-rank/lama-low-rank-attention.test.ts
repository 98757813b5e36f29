import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { lamaLowRankAttention as lama } from "../../../spec/low-rank/lama-low-rank-attention.ts";
import { at, cases, edit, example, law, reshape, same, specify, tensor } from "../../kit.ts";

specify(lama);

const ln3 = Math.log(3);
const two = {
  x: [
    [1, 0],
    [0, 1],
  ],
  context: [1, 0],
  p: [
    [1, 1],
    [5, 5],
  ],
  q: [
    [ln3, 0],
    [0, 0],
  ],
};
example(
  "scores ln 3 and 0 in head 0, none in head 1",
  lama,
  two,
  {
    out: [0.75, 0.25, 0.5, 0.5],
    weights: [
      [0.75, 0.25],
      [0.5, 0.5],
    ],
  },
  { l2norm: false },
);
example("by default the scores of a token have length 1 over the heads, or 0", lama, two, {
  out: [Math.E / (1 + Math.E), 1 / (1 + Math.E), 0.5, 0.5],
});
example(
  "a length below 10⁻¹² counts as that: ln 2 and 0",
  lama,
  { x: [[1], [0]], context: [1], p: [[Math.LN2 * 1e-12]], q: [[1]] },
  {
    out: [2 / 3],
  },
);
example(
  "without a context vector it is the mean of what is seen, 2",
  lama,
  { x: [[3], [1], [100]], p: [[ln3 / 4]], q: [[1]], mask: [1, 1, 0] },
  { out: [2.5], weights: [[0.75, 0.25, 0]] },
  { l2norm: false },
);
example(
  "nothing seen gives zeros",
  lama,
  { x: [[3], [1]], p: [[1]], q: [[1]], mask: [0, 0] },
  { out: [0], weights: [[0, 0]] },
);

law(
  "it is attention of the queries c P Qᵀ of the heads to the states",
  cases(lama, { options: { l2norm: false }, given: { context: true } }),
  ({ x, n, o }) => {
    const queries = tensor([n.H, n.M], (h, m) => {
      let total = 0;
      for (let r = 0; r < n.R; r++)
        for (let i = 0; i < n.M; i++) total += at(x.context, i) * at(x.p, i, h * n.R + r) * at(x.q, m, h * n.R + r);
      return total;
    });
    const wanted = attention(
      { q: queries, k: x.x, v: x.x, ...(x.mask && { mask: tensor([n.H, n.T], (_, t) => at(x.mask, t)) }) },
      { scale: 1 },
    );
    same(lama(x, o).out, reshape(wanted.out, n.H * n.M));
  },
);
law(
  "with the norm the scores of a single head are 1, 0 and −1",
  cases(lama, { sizes: { H: 1 }, options: { l2norm: true }, given: { context: true, mask: false } }),
  ({ x, n, o }) => {
    const signs = tensor([1, n.T], (_, t) => {
      let score = 0;
      for (let r = 0; r < n.R; r++)
        for (let i = 0; i < n.M; i++)
          for (let m = 0; m < n.M; m++) score += at(x.context, i) * at(x.p, i, r) * at(x.x, t, m) * at(x.q, m, r);
      return Math.sign(score);
    });
    const zero = (rows: number) => tensor([rows, 1], () => 0);
    const wanted = attention({ q: zero(1), k: zero(n.T), v: x.x, bias: signs });
    same(lama(x, o).out, reshape(wanted.out, n.M));
  },
);
law(
  "a zero context vector gives every head the mean",
  cases(lama, { given: { context: true, mask: false } }),
  ({ x, n, o }) => {
    const mean = (m: number) => Array.from({ length: n.T }, (_, t) => at(x.x, t, m)).reduce((a, b) => a + b) / n.T;
    same(
      lama({ ...x, context: edit(x.context, () => 0) }, o).out,
      tensor([n.H * n.M], (i) => mean(i % n.M)),
    );
  },
);
