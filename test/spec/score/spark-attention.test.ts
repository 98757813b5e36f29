import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { sparkAttention as spark } from "../../../spec/score/spark-attention.ts";
import { statisticalTopK } from "../../../spec/score/statistical-top-k.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(spark);

const ln = Math.log;
example(
  "one key: all of the softmax, times softplus of ln 3, which is ln 4",
  spark,
  { q: [[1, 1]], k: [[5, ln(3)]], v: [[1 / ln(4)]] },
  { out: [[1]] },
);
example(
  "at D = 8 both halves are four long and both factors ½: softmax ¾ and ¼, softplus ln 4 and ln 2",
  spark,
  {
    q: [[1, 1, 1, 1, 1, 1, 1, 1]],
    k: [
      [ln(3), ln(3), 0, 0, ln(3), 0, ln(3), 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ],
    v: [[8 / ln(4)], [4 / ln(2)]],
  },
  { out: [[7]] },
);
example(
  "of three features one predicts unless told otherwise, and two are multiplied, by √½",
  spark,
  { q: [[1, 1, 1]], k: [[5, Math.SQRT2 * ln(3), 0]], v: [[1 / ln(4)]] },
  { out: [[1]] },
);
const many = Array.from({ length: 256 }, () => 0);
example(
  "of 257 keys 256 are kept unless told otherwise: not one that lies 16 deviations below",
  spark,
  { q: [[1, 0]], k: [[-1, 0], ...many.map(() => [0, 0])], v: [[1000], ...many.map(() => [1 / ln(2)])] },
  { out: [[1]] },
);
example(
  "r = 1 of 5 leaves four: the factors are 1 and ½",
  spark,
  {
    q: [[1, 1, 1, 1, 1]],
    k: [
      [ln(3), ln(3), ln(3), 0, 0],
      [0, 0, 0, 0, 0],
    ],
    v: [[8 / ln(4)], [4 / ln(2)]],
  },
  { out: [[7]] },
  { r: 1 },
);
example(
  "of four keys two are wanted: those no lower than the mean, which one equals",
  spark,
  {
    q: [[1, 0]],
    k: [
      [-1, 0],
      [0, 0],
      [-1, 0],
      [2, 0],
    ],
    v: [[100], [0], [100], [(1 + Math.exp(-2)) / ln(2)]],
  },
  { out: [[1]] },
  { kMax: 2 },
);
example(
  "k = 1 of four: two scores of 0.75 reach 0.674 deviations of √(3.375/3)",
  spark,
  {
    q: [[1, 0]],
    k: [
      [0.75, 0],
      [-1.5, 0],
      [0.75, 0],
      [0, 0],
    ],
    v: [[1 / ln(2)], [1], [1 / ln(2)], [1]],
  },
  { out: [[1]] },
  { kMax: 1 },
);
example(
  "no score reaches 0.674 deviations of √(8.5/3), though 1 would reach as many of √(8.5/4): zeros",
  spark,
  {
    q: [[1, 0]],
    k: [
      [-2.5, 0],
      [0.5, 0],
      [1, 0],
      [1, 0],
    ],
    v: [[1], [1], [1], [1]],
  },
  { out: [[0]] },
  { kMax: 1 },
);
example(
  "equal scores reach their mean, also where it rounds up, and are all kept",
  spark,
  {
    q: [[1, 0]],
    k: [
      [0.1, 0],
      [0.1, 0],
      [0.1, 0],
    ],
    v: [[3 / ln(2)], [6 / ln(2)], [9 / ln(2)]],
  },
  { out: [[6]] },
  { kMax: 1 },
);
example(
  "causal unless told otherwise: after one cached key the first query sees two of three",
  spark,
  {
    q: [
      [0, 0],
      [0, 0],
    ],
    k: [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    v: [[3 / ln(2)], [6 / ln(2)], [12 / ln(2)]],
  },
  { out: [[4.5], [7]] },
);

law(
  "without anything to multiply in the second part it is ln 2 times attention on the first, over the keys that top-k keeps",
  cases(spark, { sizes: { D: 4 }, options: { r: 2, causal: false } }),
  ({ x, n, o }) => {
    if (n.Tk === 0) return;
    const first = { q: span(x.q, 1, 0, 2), k: span(x.k, 1, 0, 2), v: x.v };
    const scores = tensor(
      [n.Tq, n.Tk],
      (t, s) => o.scale1 * (at(x.q, t, 0) * at(x.k, s, 0) + at(x.q, t, 1) * at(x.k, s, 1)),
    );
    const kept = statisticalTopK({ x: scores }, { k: o.kMax, mode: "mask" }).out;
    const mask = edit(kept, (y) => Number(y > Number.NEGATIVE_INFINITY));
    same(
      spark({ ...x, k: edit(x.k, (value, _, d) => (d < 2 ? value : 0)) }, o).out,
      edit(scaledDotProductAttention({ ...first, mask }, { scale: o.scale1 }).out, (value) => Math.LN2 * value),
    );
  },
);
law(
  "where all are kept, a value counts by softmax of the first product times softplus of the second",
  cases(spark, { options: { kMax: 5 } }),
  ({ x, n, o }) => {
    const part = (from: number, to: number, t: typeof x.q) => span(t, 1, from, to);
    for (let s = 0; s < n.Tk; s++) {
      const one = tensor([n.Tk, 1], (r) => Number(r === s));
      const softmax = scaledDotProductAttention(
        { q: part(0, o.r, x.q), k: part(0, o.r, x.k), v: one },
        { scale: o.scale1, causal: o.causal },
      ).out;
      same(
        spark({ ...x, v: one }, o).out,
        edit(softmax, (w, t) => {
          let product = 0;
          for (let d = o.r; d < n.D; d++) product += at(x.q, t, d) * at(x.k, s, d);
          return w * Math.log1p(Math.exp(o.scale2 * product));
        }),
      );
    }
  },
);
