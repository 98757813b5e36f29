import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { synthesizerAttention as synthesizer } from "../../../spec/score/synthesizer-attention.ts";
import { at, cases, edit, example, fail, law, same, span, specify, tensor } from "../../kit.ts";

specify(synthesizer);

const ln = Math.log;
const tokens = { x: [[1], [-1]], wV: [[8]] };
example(
  "dense: scores ln 3 and 0 for the first token; the second's hidden layer is cut off and leaves the biases",
  synthesizer,
  { ...tokens, w1: [[2]], b1: [1], w2: [[ln(3) / 3, 0, 5]], b2: [0, 0, 7] },
  {
    out: [[4], [0]],
    weights: [
      [0.75, 0.25],
      [0.5, 0.5],
    ],
  },
);
example(
  "dense with an output bias of ln 3 for the second place",
  synthesizer,
  { ...tokens, w1: [[0]], w2: [[0, 0]], b2: [0, ln(3)] },
  { out: [[-4], [-4]] },
);
example(
  "random: the first two rows and columns of the table, without regard to x",
  synthesizer,
  {
    ...tokens,
    r: [
      [ln(3), 0, 9],
      [0, ln(3), 9],
      [9, 9, 9],
    ],
  },
  { out: [[4], [-4]] },
  { variant: "random" },
);
const factors = {
  x: [[1], [1], [1], [1]],
  wV: [[1]],
  wA: [[ln(2), ln(3)]],
  wB: [[1, 0]],
  bB: [0, 2],
};
example(
  "factorised dense: ln 2 and ln 3 once, then twice",
  synthesizer,
  { ...factors, mask: Array.from({ length: 4 }, () => [1, 1, 1, 1]) },
  { weights: Array.from({ length: 4 }, () => [2 / 18, 3 / 18, 4 / 18, 9 / 18]) },
  { variant: "factorized-dense" },
);
example(
  "factorised dense in cycles: ln 2 and 2 ln 3, again and again",
  synthesizer,
  { ...factors, bA: [ln(2), 0], wA: [[0, ln(3)]] },
  { weights: Array.from({ length: 4 }, () => [2 / 22, 9 / 22, 2 / 22, 9 / 22]) },
  { variant: "factorized-dense", tiling: "cycles" },
);
example(
  "factorised random: row t of the first times row s of the second",
  synthesizer,
  {
    ...tokens,
    r1: [
      [1, 0],
      [1, 2],
    ],
    r2: [
      [ln(3), ln(2)],
      [0, ln(6)],
    ],
  },
  {
    weights: [
      [3 / 4, 1 / 4],
      [12 / 48, 36 / 48],
    ],
  },
  { variant: "factorized-random" },
);
const mixed = {
  ...tokens,
  r: [
    [2 * ln(3), 0],
    [0, 0],
  ],
  r1: [[1], [0]],
  r2: [[0], [2 * ln(5)]],
};
example(
  "a mixture of two halves: ln 3 from one, ln 5 from the other",
  synthesizer,
  mixed,
  {
    weights: [
      [3 / 8, 5 / 8],
      [0.5, 0.5],
    ],
  },
  { variant: "mixture" },
);
example(
  "shares ¾ and ¼; parts that lack a weight do not count",
  synthesizer,
  { ...mixed, w1: [[1]], wA: [[1, 1]], mix: [9, ln(3), 9, 0] },
  {
    weights: [
      [3 ** 1.5 / (3 ** 1.5 + 5 ** 0.5), 5 ** 0.5 / (3 ** 1.5 + 5 ** 0.5)],
      [0.5, 0.5],
    ],
  },
  { variant: "mixture" },
);
example(
  "causal, and a token that sees none gets zeros",
  synthesizer,
  {
    x: [[1], [2], [3]],
    wV: [[4]],
    r: [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
    mask: [
      [0, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ],
  },
  { out: [[0], [6], [8]] },
  { variant: "random", causal: true },
);

law(
  "random: it is plain attention with the table as its bias and nothing to multiply",
  cases(synthesizer, { options: { variant: "random" } }),
  ({ x, n, o }) => {
    const zero = tensor([n.T, 1], () => 0);
    const v = tensor([n.T, n.E], (s, e) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(x.x, s, m) * at(x.wV, m, e);
      return total;
    });
    const bias = span(span(x.r, 0, 0, n.T), 1, 0, n.T);
    same(
      synthesizer(x, o).out,
      scaledDotProductAttention({ q: zero, k: zero, v, bias, ...(x.mask && { mask: x.mask }) }, { causal: o.causal })
        .out,
    );
  },
);
law(
  "factorised random is random with the product of the factors as its table",
  cases(synthesizer, { options: { variant: "factorized-random" }, given: { r: false } }),
  ({ x, n, o }) => {
    const r = tensor([n.P, n.P], (i, j) => {
      let total = 0;
      for (let c = 0; c < n.R; c++) total += at(x.r1, i, c) * at(x.r2, j, c);
      return total;
    });
    same(synthesizer({ ...x, r }, { ...o, variant: "random" }).out, synthesizer(x, o).out);
  },
);
law(
  "a mixture of one part is that part",
  cases(synthesizer, {
    options: { variant: "mixture" },
    given: { w1: true, w2: true, r: false, wA: false, wB: false, r1: false, r2: false },
  }),
  ({ x, o }) => same(synthesizer(x, o).out, synthesizer(x, { ...o, variant: "dense" }).out),
);
law(
  "a dense row of weights depends on its own token alone",
  cases(synthesizer, { sizes: { T: 3 }, options: { variant: "dense" } }),
  ({ x, n, o }) => {
    const others = edit(x.x, (value, t) => (t === 1 ? value : 2 - value));
    const [one, two] = [synthesizer(x, o).weights, synthesizer({ ...x, x: others }, o).weights];
    same(span(one, 0, 1, 2), span(two, 0, 1, 2));
    if (one.shape[1] !== n.T) fail("the weights are not square");
  },
);
