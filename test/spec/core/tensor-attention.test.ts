import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { tensorAttention } from "../../../spec/core/tensor-attention.ts";
import { cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(tensorAttention);

const log3 = Math.log(3);
example(
  "pairs of one and two tokens: products ln 3 · 2 and 0 at D = 2, scaled to ln 3 and 0; values multiply",
  tensorAttention,
  {
    q: [[1, 1]],
    k: [
      [[log3, log3]],
      [
        [1, 1],
        [0, 0],
      ],
    ],
    v: [[[2]], [[4], [0]]],
  },
  { out: [[6]] },
);
example(
  "the softmax runs over all four pairs together: weights 9, 1, 1, 1 of 12 for the pairs of tokens",
  tensorAttention,
  {
    q: [[1], [1]],
    k: [
      [[1], [0]],
      [[2 * log3], [0]],
    ],
    v: [
      [[2], [1]],
      [[3], [1]],
    ],
  },
  { out: [[(9 * 6 + 2 + 3 + 1) / 12], [(9 * 6 + 2 + 3 + 1) / 12]] },
);
example(
  "causal: the first query sees one pair, the second four",
  tensorAttention,
  {
    q: [[0], [0]],
    k: [
      [[0], [0]],
      [[0], [0]],
    ],
    v: [
      [[1], [3]],
      [[2], [6]],
    ],
  },
  { out: [[2], [8]] },
  { causal: true },
);
example(
  "causal with a cached token in one set: a query sees one more there; with one token too few, zeros",
  tensorAttention,
  { q: [[0], [0]], k: [[[0], [0], [0]], [[0]]], v: [[[3], [6], [12]], [[1]]] },
  { out: [[0], [7]] },
  { causal: true },
);

law(
  "tuples of one token are ordinary attention at scale 1/D",
  cases(tensorAttention, { sizes: { L: 1 } }),
  ({ x, o }) => {
    const [k, v] = [x.k[0], x.v[0]];
    if (k && v) same(tensorAttention(x, o).out, attention({ q: x.q, k, v }, o).out);
  },
);
law(
  "a second set of a single token of ones changes nothing",
  cases(tensorAttention, { sizes: { L: 1 }, options: { causal: false } }),
  ({ x, n, o }) => {
    const ones = (width: number) => tensor([1, width], () => 1);
    same(tensorAttention({ q: x.q, k: [...x.k, ones(n.D)], v: [...x.v, ones(n.E)] }, o).out, tensorAttention(x, o).out);
  },
);
law("the order of the sets does not matter", cases(tensorAttention), ({ x, o }) =>
  same(tensorAttention({ q: x.q, k: x.k.toReversed(), v: x.v.toReversed() }, o).out, tensorAttention(x, o).out),
);
law(
  "nor does the order of the tokens within a set",
  cases(tensorAttention, { options: { causal: false } }),
  ({ x, o }) => {
    const back = (t: (typeof x.k)[number]) => pick(t, 0, t.shape[0] ?? 0, (i) => (t.shape[0] ?? 0) - 1 - i);
    same(tensorAttention({ q: x.q, k: x.k.map(back), v: x.v.map(back) }, o).out, tensorAttention(x, o).out);
  },
);
law(
  "the weights of the tuples sum to one: values of ones give ones",
  cases(tensorAttention, { options: { causal: false } }),
  ({ x, n, o }) =>
    same(
      tensorAttention({ ...x, v: x.v.map((t) => edit(t, () => 1)) }, o).out,
      tensor([n.Tq, n.E], () => 1),
    ),
);
law("is linear in the values of each set", cases(tensorAttention), ({ x, o }) => {
  const [first, ...rest] = x.v;
  if (!first) return;
  const other = edit(first, (value, i) => value * i + 1);
  const run = (values: typeof first) => tensorAttention({ ...x, v: [values, ...rest] }, o).out;
  const [one, two] = [run(first), run(other)];
  same(
    run(edit(first, (value, i) => 2 * value - (value * i + 1))),
    edit(one, (value, t, e) => 2 * value - Number(two.data[t * (one.shape[1] ?? 0) + e])),
  );
});
