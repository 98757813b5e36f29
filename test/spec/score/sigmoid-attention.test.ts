import { sigmoidAttention as attention } from "../../../spec/score/sigmoid-attention.ts";
import { softmaxOne } from "../../../spec/score/softmax-one.ts";
import { cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(attention);

example(
  "a zero query gives every one of three keys the weight 1 / (3 + 1)",
  attention,
  { q: [[0]], k: [[1], [2], [3]], v: [[4], [8], [12]] },
  { out: [[6]], weights: [[0.25, 0.25, 0.25]] },
);
example(
  "D = 4 halves the product: the score ln 3 of the only key gives ¾, and b = −ln 1 is nothing",
  attention,
  { q: [[1, 1, 1, 1]], k: [[Math.log(3), Math.log(3), 0, 0]], v: [[8]] },
  { out: [[6]], weights: [[0.75]] },
);
example(
  "causal, two queries after one cached key: b counts all three keys",
  attention,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[4], [8], [16]] },
  {
    out: [[3], [7]],
    weights: [
      [0.25, 0.25, 0],
      [0.25, 0.25, 0.25],
    ],
  },
  { causal: true },
);
example(
  "perQuery counts the keys seen: 1 / (2 + 1), then 1 / (3 + 1)",
  attention,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  { out: [[3], [5.25]] },
  { causal: true, perQuery: true },
);
example(
  "the bias is added to the score, and no visible key gives zeros",
  attention,
  { q: [[1], [1]], k: [[2]], v: [[8]], bias: [[Math.log(3) - 2], [0]], mask: [[1], [0]] },
  { out: [[6], [0]], weights: [[0.75], [0]] },
  { b: 0 },
);

law(
  "the outputs over two disjoint sets of keys add up, with the same b",
  cases(attention, { options: { causal: false, perQuery: false } }),
  ({ x, n, o }) => {
    const over = (from: number, to: number) =>
      attention(
        {
          q: x.q,
          k: span(x.k, 0, from, to),
          v: span(x.v, 0, from, to),
          ...(x.bias && { bias: span(x.bias, 1, from, to) }),
          ...(x.mask && { mask: span(x.mask, 1, from, to) }),
        },
        o,
      ).out;
    const cut = n.Tk >> 1;
    const [first, second] = [over(0, cut), over(cut, n.Tk)];
    same(
      edit(first, (value, t, e) => value + second.data[t * n.E + e]!),
      attention(x, o).out,
    );
  },
);
law(
  "over a single key it is the softmax with one more in its denominator",
  cases(attention, { sizes: { Tk: 1 }, options: { b: 0, perQuery: false }, given: { bias: false } }),
  ({ x: { q, k, v, mask }, o: { scale, causal } }) => {
    const one = softmaxOne({ q, k, v, ...(mask && { mask }) }, { scale, causal });
    const own = attention({ q, k, v, ...(mask && { mask }) }, { b: 0, scale, causal });
    same(own.out, one.out);
    same(own.weights, one.weights);
  },
);
law(
  "perQuery and the default b make it 1 / (|S| + 1) for a zero query",
  cases(attention, { options: { perQuery: true }, given: { bias: false } }),
  ({ x, n, o }) => {
    const { weights } = attention(
      { ...x, q: tensor([n.Tq, n.D], () => 0) },
      { perQuery: true, causal: o.causal, scale: o.scale },
    );
    const seen = (t: number) =>
      Array.from({ length: n.Tk }, (_, s) => weights.data[t * n.Tk + s]!).filter((w) => w > 0).length;
    same(
      weights,
      edit(weights, (w, t) => (w > 0 ? 1 / (seen(t) + 1) : 0)),
    );
  },
);
