import { additiveAttention as additive } from "../../../spec/core/additive-attention.ts";
import { cases, edit, example, join, law, same, specify, tensor } from "../../kit.ts";

specify(additive);

const half = Math.atanh(0.5);
const ones = { wQuery: [[1]], wMemory: [[1]] };
example(
  "tanh of query, memory and bias together is ½ and 0; v = 2 ln 3 makes the scores ln 3 and 0, the weights ¾ and ¼",
  additive,
  {
    query: [[half]],
    memory: [[-1], [-1 - half]],
    ...ones,
    v: [2 * Math.log(3)],
    b: [1],
    values: [[8], [0]],
  },
  { out: [[6]], weights: [[0.75, 0.25]] },
);
example(
  "the memory is its own value",
  additive,
  { query: [[0]], memory: [[4], [8]], wQuery: [[1]], wMemory: [[0]], v: [1] },
  { out: [[6]] },
);
example(
  "normalised, v = (3, 4) points like (0.6, 0.8) and g = 2 ln 3 / 1.4 · 2 makes the scores 2 ln 3 and 0",
  additive,
  {
    query: [[0]],
    memory: [[half], [0]],
    wQuery: [[0, 0]],
    wMemory: [[1, 1]],
    v: [3, 4],
    g: (4 * Math.log(3)) / 1.4,
    values: [[10], [0]],
  },
  { out: [[9]], weights: [[0.9, 0.1]] },
  { normalize: true },
);
example(
  "normalised without g, four hidden units of equal v count ½ · ½ each: scores tanh and 0",
  additive,
  {
    query: [[0]],
    memory: [[20], [0]],
    wQuery: [[0, 0, 0, 0]],
    wMemory: [[1, 1, 1, 1]],
    v: [7, 7, 7, 7],
    values: [[1 + Math.E], [0]],
  },
  { out: [[Math.E]] },
  { normalize: true },
);
example(
  "a masked place weighs nothing; a query that sees none gets zeros",
  additive,
  {
    query: [[0], [0]],
    memory: [[4], [8]],
    ...ones,
    v: [1],
    mask: [
      [0, 1],
      [0, 0],
    ],
  },
  {
    out: [[8], [0]],
    weights: [
      [0, 1],
      [0, 0],
    ],
  },
);

law(
  "v of zeros gives the plain average",
  cases(additive, { options: { normalize: false }, given: { mask: false } }),
  ({ x, n, o }) => {
    const v = edit(x.v, () => 0);
    same(
      additive({ ...x, v }, o).weights,
      tensor([n.Tq, n.Tk], () => 1 / n.Tk),
    );
  },
);
law(
  "scores lie within the sum of |v|, so weights differ by at most e to twice that",
  cases(additive, {
    options: { normalize: false },
    given: { mask: false },
  }),
  ({ x, n, o }) => {
    const { weights } = additive(x, o);
    const limit = Math.exp(2 * Array.from(x.v.data, Number).reduce((a, v) => a + Math.abs(v), 0)) * (1 + 1e-9);
    const bounded = edit(weights, (w, t) => {
      const row = weights.data.slice(t * n.Tk, (t + 1) * n.Tk);
      return Math.max(...row) <= limit * Math.min(...row) ? w : Number.NaN;
    });
    same(bounded, weights);
  },
);
law("a place more that is masked changes nothing", cases(additive), ({ x, n, o }) => {
  const more = join(
    0,
    x.memory,
    tensor([1, n.Mc], () => Number.NaN),
  );
  const mask = join(
    1,
    x.mask ?? tensor([n.Tq, n.Tk], () => 1),
    tensor([n.Tq, 1], () => 0),
  );
  const values = x.values && {
    values: join(
      0,
      x.values,
      tensor([1, n.E], () => Number.NaN),
    ),
  };
  same(additive({ ...x, ...values, memory: more, mask }, o).out, additive(x, o).out);
});
law(
  "normalised with g the length of v, it is the plain form",
  cases(additive, { options: { normalize: true } }),
  ({ x, o }) => {
    const g = { shape: [], data: [Math.hypot(...Array.from(x.v.data, Number))] };
    const { g: _, ...plain } = x;
    same(additive({ ...x, g }, o).out, additive(plain, { normalize: false }).out);
  },
);
law("normalised, the length of v does not matter", cases(additive, { options: { normalize: true } }), ({ x, o }) =>
  same(additive({ ...x, v: edit(x.v, (v) => v * 8) }, o).out, additive(x, o).out),
);
