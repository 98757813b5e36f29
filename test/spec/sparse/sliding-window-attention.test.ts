import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { slidingWindowAttention as sliding } from "../../../spec/sparse/sliding-window-attention.ts";
import { cases, edit, example, fc, law, same, span, specify } from "../../kit.ts";

specify(sliding);

const zeros = [[0], [0], [0]];
const v = [[3], [6], [12]];
example(
  "a causal window of 2 holds the query's own key and the one before",
  sliding,
  { q: zeros, k: zeros, v },
  {
    out: [[3], [4.5], [9]],
    mask: [
      [1, 0, 0],
      [1, 1, 0],
      [0, 1, 1],
    ],
  },
  { window: 2 },
);
example(
  "a window of 1 on both sides holds three keys",
  sliding,
  { q: zeros, k: zeros, v },
  {
    out: [[4.5], [7], [9]],
    mask: [
      [1, 1, 0],
      [1, 1, 1],
      [0, 1, 1],
    ],
  },
  { window: 1, causal: false },
);
example(
  "one query after two cached keys stands beside the last of three",
  sliding,
  { q: [[0]], k: zeros, v },
  { out: [[9]], mask: [[0, 1, 1]] },
  { window: 2 },
);
example(
  "more queries than keys: the first stands before all keys and gets zeros",
  sliding,
  { q: [[0], [0]], k: [[0]], v: [[3]] },
  { out: [[0], [3]], mask: [[0], [1]] },
  { window: 5 },
);
example(
  "scores ln 3 and 0 at D = 4, so the scale is ½: weights ¾ and ¼; by default causal and without limit",
  sliding,
  {
    q: [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ],
    k: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [0]],
  },
  {
    out: [[8], [6]],
    mask: [
      [1, 0],
      [1, 1],
    ],
  },
);

law("is scaled dot-product attention under the mask it returns", cases(sliding), ({ x, o }) => {
  const { out, mask } = sliding(x, o);
  same(out, attention({ ...x, mask }, { scale: o.scale }).out);
});
law(
  "a window as long as the keys is causal attention, or with as many queries attention to all",
  fc.tuple(cases(sliding), fc.nat(3)),
  ([{ x, n, o }, more]) => {
    if (!o.causal && n.Tq > n.Tk) return;
    const wide = sliding(x, { ...o, window: Math.max(1, n.Tk + more) }).out;
    same(wide, attention(x, { scale: o.scale, causal: o.causal }).out);
  },
);
law(
  "a window of the query's own key alone gives back the values",
  fc.boolean().chain((causal) => cases(sliding, { options: { causal, window: causal ? 1 : 0 } })),
  ({ x, n, o }) => {
    if (n.Tq <= n.Tk) same(sliding(x, o).out, span(x.v, 0, n.Tk - n.Tq, n.Tk));
  },
);
law(
  "keys before the window never matter, so that a buffer of the last W keys suffices to decode",
  cases(sliding, { sizes: { Tq: 1 }, options: { causal: true, window: 2 } }),
  ({ x, n, o }) => {
    const from = Math.max(0, n.Tk - 2);
    same(sliding({ q: x.q, k: span(x.k, 0, from, n.Tk), v: span(x.v, 0, from, n.Tk) }, o).out, sliding(x, o).out);
    const wild = (value: number, s: number) => (s < from ? Number.NaN : value);
    same(sliding({ q: x.q, k: edit(x.k, wild), v: edit(x.v, wild) }, o).out, sliding(x, o).out);
  },
);
