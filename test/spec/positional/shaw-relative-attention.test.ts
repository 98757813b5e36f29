import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { shawRelativeAttention as shaw } from "../../../spec/positional/shaw-relative-attention.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(shaw);

example(
  "the last of three places: distances −2 and −1 share row 0 at K = 1",
  shaw,
  { q: [[[0]]], k: [[[0], [0], [0]]], v: [[[3], [6], [9]]], aK: [[0], [0], [0]], aV: [[100], [10], [1]] },
  { out: [[[76]]] },
  { maxRel: 1 },
);
example(
  "the first of three places: distances 1 and 2 share the last row at K = 1",
  shaw,
  {
    q: [[[0], [0], [0]]],
    k: [[[0], [0], [0]]],
    v: [[[3], [6], [9]]],
    aK: [[0], [0], [0]],
    aV: [[100], [10], [1]],
  },
  { out: [[[6 + 4], [6 + 37], [6 + 70]]] },
  { maxRel: 1 },
);
example(
  "the relative score is scaled too: ln 3 at D = 4 for distance −1 gives weights ¾ and ¼",
  shaw,
  {
    q: [[[1, 1, 1, 1]]],
    k: [
      [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    aK: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
      [9, 9, 9, 9],
    ],
  },
  { out: [[[6]]] },
  { maxRel: 1 },
);
const row = Array.from({ length: 33 }, (_, i) => [i]);
example(
  "of the 33 rows at the default K, row 16 is distance 0",
  shaw,
  { q: [[[0]]], k: [[[0]]], v: [[[5]]], aK: row, aV: row },
  { out: [[[21]]] },
);
example(
  "two queries and one key, causal: the first query sees nothing",
  shaw,
  { q: [[[0], [0]]], k: [[[0]]], v: [[[5]]], aK: [[0]] },
  { out: [[[0], [5]]] },
  { causal: true, maxRel: 0 },
);

law(
  "without the relative values is attention with the bias q·a/√D",
  cases(shaw, { options: { values: false } }),
  ({ x: { q, k, v, aK, aV }, n, o }) => {
    const bias = tensor([n.H, n.Tq, n.Tk], (h, t, s) => {
      const distance = s - t - n.Tk + n.Tq;
      const r = Math.sign(distance) * Math.min(Math.abs(distance), o.maxRel) + o.maxRel;
      return Array.from({ length: n.D }, (_, d) => (at(q, h, t, d) * at(aK, r, d)) / Math.sqrt(n.D)).reduce(
        (a, b) => a + b,
      );
    });
    same(shaw({ q, k, v, aK, aV }, o).out, attention({ q, k, v, bias }, { causal: o.causal }).out);
  },
);
law("zero tables make it plain attention", cases(shaw), ({ x: { q, k, v, aK }, o }) => {
  same(shaw({ q, k, v, aK: edit(aK, () => 0) }, o).out, attention({ q, k, v }, { causal: o.causal }).out);
});
law(
  "a vector added to every row of the value table is added to the output, one added to the key table changes nothing",
  cases(shaw, { given: { aV: true }, options: { values: true, causal: false } }),
  ({ x, n, o }) => {
    if (n.Tk === 0) return;
    const moved = shaw({ ...x, aK: edit(x.aK, (a, _, d) => a + d + 1), aV: edit(x.aV, (a, _, e) => a + e + 2) }, o);
    same(
      moved.out,
      edit(shaw(x, o).out, (y, _h, _t, e) => y + e + 2),
    );
  },
);
law("the last query alone gets what it gets among the others", cases(shaw), ({ x, n, o }) => {
  same(shaw({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }, o).out, span(shaw(x, o).out, 1, n.Tq - 1, n.Tq));
});
