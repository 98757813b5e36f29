import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention as multiHead } from "../../../spec/heads/grouped-query-attention.ts";
import { sinusoidalPositionEncoding as sinusoids } from "../../../spec/positional/sinusoidal-position-encoding.ts";
import { transformerXlRelativeAttention as xl } from "../../../spec/positional/transformer-xl-relative-attention.ts";
import { at, cases, edit, example, join, law, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(xl);

const blank = { wQ: [[0], [0]], wK: [[0], [0]], wR: [[0], [0]], wV: [[1], [0]], wO: [[1]], u: [[0]], w: [[0]] };
const memory = [
  [1, 0],
  [2, 0],
];
const segment = [
  [4, 0],
  [8, 0],
];
example(
  "two tokens after two of memory see three and four keys",
  xl,
  { ...blank, x: segment, mem: memory },
  { out: [[7 / 3], [15 / 4]] },
);
example(
  "same length and a full memory of 2: each sees the two last keys",
  xl,
  { ...blank, x: segment, mem: memory },
  { out: [[3], [6]] },
  { sameLength: true },
);
example(
  "same length and room for 3: each sees the three last keys",
  xl,
  { ...blank, x: segment, mem: memory },
  { out: [[7 / 3], [14 / 3]] },
  { sameLength: true, memLen: 3 },
);
example(
  "same length and room for all: nothing is cut",
  xl,
  { ...blank, x: segment, mem: memory },
  { out: [[7 / 3], [15 / 4]] },
  { sameLength: true, memLen: 6 },
);
const wide = {
  wQ: [[0], [0], [0], [0]],
  wK: [[0], [0], [0], [0]],
  wV: [[1], [0], [0], [0]],
  wO: [[1]],
  u: [[0]],
  x: [[0, 0, 0, 0]],
  mem: [[8, 0, 0, 0]],
};
example(
  "column 1 of four is the sine of distance/100: scores ln 3 for the memory and 0 for the token itself",
  xl,
  { ...wide, wR: [[0], [1], [0], [0]], w: [[Math.log(3) / Math.sin(0.01)]] },
  { out: [[6]] },
);
example(
  "column 2 is the cosine of the distance: scores 0 and ln 3",
  xl,
  { ...wide, wR: [[0], [0], [1], [0]], w: [[Math.log(3) / (1 - Math.cos(1))]] },
  { out: [[2]] },
);

const matrix = (a: Tensor, b: Tensor) =>
  tensor([a.shape[0]!, b.shape[1]!], (i, j) =>
    Array.from({ length: b.shape[0]! }, (_, m) => at(a, i, m) * at(b, m, j)).reduce((s, v) => s + v, 0),
  );
const none = (t: Tensor) => edit(t, () => 0);

law(
  "one head is attention with queries q + u and the bias (q + w)·r/√D over sinusoids of the distance",
  cases(xl, { options: { heads: 1, sameLength: false } }),
  ({ x, n, o }) => {
    const c = join(0, x.mem, x.x);
    const q = matrix(x.x, x.wQ);
    const biased = (bias: Tensor) => edit(q, (value, _, d) => value + at(bias, 0, d));
    const distances = tensor([n.Tm + n.T], (distance) => Math.min(distance, o.clampLen));
    const r = matrix(sinusoids({ positions: distances }, { width: n.M, layout: "concat" }).out, x.wR);
    const both = matrix(
      biased(x.w),
      tensor([n.D, n.Tm + n.T], (d, distance) => at(r, distance, d)),
    );
    const bias = tensor([n.T, n.Tm + n.T], (t, s) => (s > t + n.Tm ? 0 : at(both, t, t + n.Tm - s) / Math.sqrt(n.D)));
    const heads = { q: biased(x.u), k: matrix(c, x.wK), v: matrix(c, x.wV), bias };
    same(xl(x, o).out, matrix(attention(heads, { causal: true }).out, x.wO));
  },
);
law(
  "without u, w and r is causal multi-head attention over memory and segment",
  cases(xl, { options: { sameLength: false } }),
  ({ x, n, o }) => {
    const { wQ, wK, wV, wO } = x;
    const long = multiHead({ x: join(0, x.mem, x.x), wQ, wK, wV, wO }, { heads: n.H, kvHeads: n.H, causal: true }).out;
    same(xl({ ...x, wR: none(x.wR), u: none(x.u), w: none(x.w) }, o).out, span(long, 0, n.Tm, n.Tm + n.T));
  },
);
law(
  "a segment with all its past as memory gets what one long pass gives it",
  cases(xl, { options: { sameLength: false } }),
  ({ x, n, o }) => {
    const { memLen: _, ...rest } = o;
    const long = xl({ ...x, x: join(0, x.mem, x.x), mem: tensor([0, n.M], () => 0) }, rest).out;
    same(xl(x, o).out, span(long, 0, n.Tm, n.Tm + n.T));
  },
);
law(
  "without a memory and without room for one, same length leaves no key and gives zeros",
  cases(xl, { sizes: { Tm: 0 }, options: { sameLength: true, memLen: 0 } }),
  ({ x, n, o }) =>
    same(
      xl(x, o).out,
      tensor([n.T, n.Mo], () => 0),
    ),
);
