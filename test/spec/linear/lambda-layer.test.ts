import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { lambdaLayer as lambda } from "../../../spec/linear/lambda-layer.ts";
import { at, cases, edit, example, law, refuses, reshape, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(lambda);

const ln3 = Math.log(3);
const plain = (width: number) => [1, 0, 0, 1 - 1e-5].map((value) => Array.from({ length: width }, () => value));
const row = {
  x: [[[1], [2]]],
  wQ: [[1]],
  wK: [[ln3]],
  wV: [[4]],
  e: [[[0]]],
  bnQ: plain(1),
  bnV: plain(1),
};
example(
  "keys ln 3 and 2 ln 3 weigh the values 4 and 8 by ¼ and ¾; the queries are 1 and 2",
  lambda,
  row,
  { out: [[[7], [14]]] },
  { heads: 1, r: 1 },
);
example(
  "four heads by default, side by side",
  lambda,
  { ...row, wQ: [[1, 10, 100, 1000]], bnQ: plain(4) },
  {
    out: [
      [
        [7, 70, 700, 7000],
        [14, 140, 1400, 14000],
      ],
    ],
  },
  { r: 1 },
);
const window = {
  x: [[[1], [2], [3]]],
  wQ: [[1]],
  wK: [[0]],
  wV: [[3]],
  e: [
    [[7], [7], [7]],
    [[1], [10], [100]],
    [[7], [7], [7]],
  ],
  b: [1000],
  bnQ: plain(1),
  bnV: plain(1),
};
example(
  "a window of 3 offsets over the values 3, 6, 9, whose mean is 6, and the bias 1000",
  lambda,
  window,
  { out: [[[1006 + 630], [2 * (1006 + 963)], [3 * (1006 + 96)]]] },
  { heads: 1, r: 3 },
);
example(
  "two rows and the offsets −1, 0 and 1 of the whole map",
  lambda,
  { ...window, x: [[[1]], [[3]]], e: [[[1]], [[10]], [[100]]], b: [0] },
  { out: [[[6 + 930]], [[3 * (6 + 93)]]] },
  { heads: 1 },
);
example(
  "batch norm: weight, bias, mean and variance, the ε of 10⁻⁵ showing in √(3·10⁻⁵ + 10⁻⁵)",
  lambda,
  { ...row, x: [[[5]]], bnQ: [[2 * Math.sqrt(4e-5)], [1], [3], [3e-5]], bnV: [[3], [100], [19], [4 - 1e-5]] },
  { out: [[[5 * 101.5]]] },
  { heads: 1, r: 1 },
);
refuses(
  "r must be odd",
  lambda,
  {
    ...row,
    e: [
      [[0], [0]],
      [[0], [0]],
    ],
  },
  { heads: 1, r: 2 },
);
refuses("must not be negative", lambda, { ...row, bnV: [[1], [0], [0], [-1]] }, { heads: 1, r: 1 });

law(
  "without the position part every query meets the attention of each key feature over the places",
  cases(lambda, { given: { b: false }, options: { heads: 1 } }),
  ({ x, n, o }) => {
    const flat = (project: Tensor, width: number) =>
      tensor([n.Y * n.X, width], (s, i) => {
        let total = 0;
        for (let c = 0; c < n.C; c++) total += x.x.data[s * n.C + c]! * at(project, c, i);
        return total;
      });
    const norm = (t: Tensor, bn: Tensor) =>
      edit(t, (v, _, i) => (at(bn, 0, i) * (v - at(bn, 2, i))) / Math.sqrt(at(bn, 3, i) + o.eps) + at(bn, 1, i));
    const [q, k, v] = [norm(flat(x.wQ, n.D), x.bnQ), flat(x.wK, n.D), norm(flat(x.wV, n.E), x.bnV)];
    const content = Array.from(
      { length: n.D },
      (_, d) =>
        attention({ q: tensor([1, 1], () => 1), k: tensor([n.Y * n.X, 1], (s) => at(k, s, d)), v }, { scale: 1 }).out,
    );
    const wanted = tensor([n.Y * n.X, n.E], (s, j) =>
      content.reduce((total, row, d) => total + at(q, s, d) * at(row, 0, j), 0),
    );
    same(reshape(lambda({ ...x, e: edit(x.e, () => 0) }, o).out, n.Y * n.X, n.E), wanted);
  },
);
law("turning map and offsets over turns the result over", cases(lambda), ({ x, o }) => {
  const turned = (t: Tensor) => tensor([t.shape[1]!, t.shape[0]!, t.shape[2]!], (b, a, c) => at(t, a, b, c));
  same(lambda({ ...x, x: turned(x.x), e: turned(x.e) }, o).out, turned(lambda(x, o).out));
});
law(
  "a window of all offsets is the whole map",
  cases(lambda, { sizes: { Y: 2, X: 2 }, options: { r: 3 } }),
  ({ x, o }) => same(lambda(x, o).out, lambda(x, { ...o, r: Number.POSITIVE_INFINITY }).out),
);
law(
  "heads share keys and values: each is a layer of its own query",
  cases(lambda, { options: { heads: 2 } }),
  ({ x, n, o }) => {
    const half = (t: Tensor, h: number) => tensor([t.shape[0]!, n.D], (c, d) => at(t, c, h * n.D + d));
    const one = (h: number) => lambda({ ...x, wQ: half(x.wQ, h), bnQ: half(x.bnQ, h) }, { ...o, heads: 1 }).out;
    const [first, second] = [one(0), one(1)];
    same(
      lambda(x, o).out,
      tensor([n.Y, n.X, 2 * n.E], (y, z, c) => at(c < n.E ? first : second, y, z, c % n.E)),
    );
  },
);
law("a constant added to a key feature everywhere does nothing", cases(lambda, {}), ({ x, o }) => {
  const ones = edit(x.x, (v, _, __, c) => (c === 0 ? 1 : v));
  const shifted = edit(x.wK, (v, c, d) => (c === 0 ? v + d + 0.5 : v));
  same(lambda({ ...x, x: ones, wK: shifted }, o).out, lambda({ ...x, x: ones }, o).out);
});
law("it is linear in the query, so in the weight and bias of its norm", cases(lambda), ({ x, o }) => {
  const bnQ = edit(x.bnQ, (v, i) => (i < 2 ? 3 * v : v));
  same(
    lambda({ ...x, bnQ }, o).out,
    edit(lambda(x, o).out, (v) => 3 * v),
  );
});
