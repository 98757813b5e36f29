import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { cases, edit, example, join, law, same, specify, tensor } from "../../kit.ts";

specify(attention);

example(
  "scores ln 3 and 0 give weights ¾ and ¼",
  attention,
  {
    q: [[1, 1, 1, 1]],
    k: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [0]],
  },
  { out: [[6]], lse: [Math.log(4)] },
);
example(
  "causal, two queries after one cached key: the last sees all three",
  attention,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  { out: [[4.5], [7]], lse: [Math.log(2), Math.log(3)] },
  { causal: true },
);
example(
  "causal and aligned top left: the first query sees the first key",
  attention,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  { out: [[3], [4.5]] },
  { causal: true, causalAlign: "top-left" },
);
example(
  "no visible key gives zeros",
  attention,
  { q: [[1]], k: [[2]], v: [[3]], mask: [[0]] },
  { out: [[0]], lse: [Number.NEGATIVE_INFINITY] },
);

law(
  "a bias of −∞ hides a key as the mask does, whatever its value",
  cases(attention, { given: { mask: true, bias: false } }),
  ({ x: { q, k, v, mask }, o }) => {
    const bias = edit(mask, (m) => (m ? 0 : Number.NEGATIVE_INFINITY));
    const wild = edit(v, (value, s) =>
      Array.from({ length: mask.shape[0]! }, (_, t) => mask.data[t * mask.shape[1]! + s]).some(Boolean)
        ? value
        : Number.NaN,
    );
    same(attention({ q, k, v: wild, bias }, o).out, attention({ q, k, v, mask }, o).out);
  },
);
law("a constant added to all scores of a query changes only the log-sum-exp", cases(attention), ({ x, n, o }) => {
  const bias = tensor([n.Tq, n.Tk], (t, s) => (x.bias ? x.bias.data[t * n.Tk + s]! : 0) + t + 0.5);
  const shifted = attention({ ...x, bias }, o),
    plain = attention(x, o);
  same(shifted.out, plain.out);
  same(
    shifted.lse,
    edit(plain.lse, (l, t) => l + t + 0.5),
  );
});
law(
  "every key and value twice changes nothing but ln 2 in the log-sum-exp",
  cases(attention, { options: { causal: false }, given: { mask: false, bias: false } }),
  ({ x: { q, k, v }, o }) => {
    const twice = attention({ q, k: join(0, k, k), v: join(0, v, v) }, o),
      once = attention({ q, k, v }, o);
    same(twice.out, once.out);
    same(
      twice.lse,
      edit(once.lse, (l) => l + Math.LN2),
    );
  },
);
