import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { scatterbrainAttention as scatterbrain } from "../../../spec/low-rank/scatterbrain-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(scatterbrain);

const { E, cosh, exp, log } = Math;
const ln3 = log(3);
example(
  "all pairs are exact by default: 3 to 1, and 1 to 1",
  scatterbrain,
  { q: [[1], [0]], k: [[ln3], [0]], v: [[8], [0]], wp: [[0]] },
  {
    out: [[6], [4]],
    unnormalised: [
      [3, 1],
      [1, 1],
    ],
    lowRank: [
      [exp(-(1 + ln3 ** 2) / 2), exp(-1 / 2)],
      [exp(-(ln3 ** 2) / 2), 1],
    ],
  },
);
const rows = [
  [exp(-0.5) * cosh(2), exp(-1) * cosh(4)],
  [1, exp(-0.5) * cosh(2)],
] as const;
const pair = { q: [[1], [0]], k: [[0], [1]], v: [[8], [0]], wp: [[2]] };
example(
  "a context of one is the key at the query's own place; the others are cosh 2(q + k), faded by both lengths",
  scatterbrain,
  pair,
  {
    out: [[8 / (1 + rows[0][1])], [4]],
    unnormalised: [
      [1, rows[0][1]],
      [1, 1],
    ],
    lowRank: rows,
  },
  { context: 1 },
);
example(
  "a context of two takes in the key before",
  scatterbrain,
  { ...pair, q: [[1], [1]], k: [[1], [1]] },
  {
    unnormalised: [
      [E, exp(-1) * cosh(4)],
      [E, E],
    ],
  },
  { context: 2 },
);
example(
  "of three the key after as well",
  scatterbrain,
  { ...pair, q: [[1], [1]], k: [[1], [1]] },
  {
    unnormalised: [
      [E, E],
      [E, E],
    ],
  },
  { context: 3 },
);
example(
  "two rows of features: the mean of cosh 2 and cosh 0",
  scatterbrain,
  { q: [[1]], k: [[1]], v: [[1]], wp: [[1], [0]] },
  { lowRank: [[(exp(-1) * (cosh(2) + 1)) / 2]] },
);
example(
  "at D = 4 the scores and the squared lengths are halved",
  scatterbrain,
  { q: [[2, 0, 0, 0]], k: [[0, 2, 0, 0]], v: [[1]], wp: [[1, 0, 0, 0]] },
  { lowRank: [[exp(-2) * cosh(Math.SQRT1_2 * 2)]], unnormalised: [[1]] },
);
example(
  "causal",
  scatterbrain,
  { q: [[0], [0]], k: [[0], [0]], v: [[8], [0]], wp: [[1]] },
  {
    out: [[8], [4]],
    unnormalised: [
      [1, 0],
      [1, 1],
    ],
    lowRank: [
      [1, 0],
      [1, 1],
    ],
  },
  { causal: true },
);

law("with every pair exact it is softmax attention", cases(scatterbrain, { given: { support: false } }), ({ x, o }) => {
  const { temperature: scale, causal } = o;
  same(
    scatterbrain(x, { temperature: scale, causal }).out,
    attention({ q: x.q, k: x.k, v: x.v }, { scale, causal }).out,
  );
});
law("a context is a support", cases(scatterbrain, { given: { support: false } }), ({ x, n, o }) => {
  const c = o.context === Number.POSITIVE_INFINITY ? 5 : o.context;
  const support = tensor([n.T, n.T], (i, j) => Number(2 * (j - i) >= -c && 2 * (j - i) <= c - 1));
  same(scatterbrain({ ...x, support }, { ...o, context: null }).out, scatterbrain(x, { ...o, context: c }).out);
});
law("without exact pairs the features alone decide", cases(scatterbrain), ({ x, o }) => {
  const { unnormalised, lowRank } = scatterbrain(x, { ...o, context: 0 });
  same(unnormalised, lowRank);
});
law("the result is the rows of Ã, each divided by its sum, times the values", cases(scatterbrain), ({ x, n, o }) => {
  const { out, unnormalised } = scatterbrain(x, o);
  const total = (i: number, f: (j: number) => number) =>
    Array.from({ length: n.T }, (_, j) => at(unnormalised, i, j) * f(j)).reduce((a, b) => a + b);
  same(
    out,
    tensor([n.T, n.E], (i, e) => total(i, (j) => at(x.v, j, e)) / total(i, () => 1)),
  );
});
law(
  "over normal rows of features the estimate has the exact value as its mean (an integral by small steps)",
  cases(scatterbrain, { sizes: { T: 1, D: 1, R: 1 }, given: { support: false } }),
  ({ x, o }) => {
    const weighed = Array.from({ length: 129 }, (_, i) => {
      const w = (i - 64) / 4;
      const { lowRank } = scatterbrain({ ...x, wp: edit(x.wp, () => w) }, o);
      return (lowRank.data[0]! * exp(-(w ** 2) / 2)) / (4 * Math.sqrt(2 * Math.PI));
    });
    same(
      tensor([1, 1], () => weighed.reduce((a, b) => a + b)),
      scatterbrain(x, { ...o, context: null }).unnormalised,
    );
  },
  20,
);
