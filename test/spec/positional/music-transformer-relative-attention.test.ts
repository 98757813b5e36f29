import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { musicTransformerRelativeAttention as music } from "../../../spec/positional/music-transformer-relative-attention.ts";
import { at, cases, edit, example, law, pick, same, span, specify, tensor } from "../../kit.ts";

specify(music);

const zeros = [[[0], [0], [0]]];
const [ln2, ln3] = [Math.LN2, Math.log(3)];
example(
  "the last row is distance 0: weights 1; 3 and 1; 2, 3 and 1",
  music,
  { q: [[[1], [1], [1]]], k: zeros, v: [[[12], [0], [0]]], e: [[[ln2], [ln3], [0]]] },
  { out: [[[12], [9], [4]]] },
);
example(
  "a distance past the table has no vector: score 0, weights 1, 1 and 4",
  music,
  { q: [[[1], [1], [1]]], k: zeros, v: [[[12], [0], [0]]], e: [[[0], [2 * ln2]]] },
  { out: [[[12], [12 / 5], [2]]] },
);
example(
  "or that of the largest: weights 3, 3 and 1",
  music,
  { q: [[[1], [1], [1]]], k: zeros, v: [[[7], [0], [0]]], e: [[[ln3], [0]]] },
  { out: [[[7], [21 / 4], [3]]] },
  { overflow: "clip" },
);
example(
  "blocks of 1: a token sees itself and the one before",
  music,
  { q: zeros, k: zeros, v: [[[2], [4], [8]]], e: [[[0]]] },
  { out: [[[2], [3], [6]]] },
  { localBlock: 1 },
);
example(
  "the scale ½ of D = 4 is on products and distances alike",
  music,
  {
    q: [
      [
        [0, 0, 0, 0],
        [1, 1, 1, 1],
      ],
    ],
    k: [
      [
        [ln3, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    e: [
      [
        [0, ln3, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
  },
  { out: [[[8], [6]]] },
);

law(
  "with a table of zeros it is causal attention",
  cases(music, { options: { localBlock: null } }),
  ({ x: { q, k, v, e }, o }) => {
    same(music({ q, k, v, e: edit(e, () => 0) }, o).out, attention({ q, k, v }, { causal: true }).out);
  },
);
law(
  "is attention with a bias gathered by distance, in blocks a mask too",
  cases(music),
  ({ x: { q, k, v, e }, n, o }) => {
    const N = Math.min(o.localBlock, n.T);
    const bias = tensor([n.H, n.T, n.T], (h, t, s) => {
      const row = n.P - 1 - (t - s);
      if (s > t || (row < 0 && o.overflow === "zero")) return 0;
      const vector = (d: number) => at(e, o.headsShare ? 0 : h, Math.max(row, 0), d);
      return (
        Array.from({ length: n.D }, (_, d) => at(q, h, t, d) * vector(d)).reduce((a, b) => a + b, 0) / Math.sqrt(n.D)
      );
    });
    const mask = tensor([n.H, n.T, n.T], (_, t, s) => Number(Math.floor(t / N) - Math.floor(s / N) <= 1));
    same(music({ q, k, v, e }, o).out, attention({ q, k, v, mask, bias }, { causal: true }).out);
  },
);
law("fewer than two blocks are one", cases(music, { options: { localBlock: null } }), ({ x, n, o }) => {
  same(music(x, { ...o, localBlock: Math.floor(n.T / 2) + 1 }).out, music(x, o).out);
});
law(
  "the paper's skew of memory puts q · e(t − s) at row t, column s",
  cases(music, { options: { overflow: "clip", localBlock: null } }),
  ({ x, n, o }) => {
    const { H, T, D, P } = n;
    const used = pick(x.e, 1, T, (c) => Math.max(P - T + c, 0));
    const products = tensor([H, T, T], (h, t, c) =>
      Array.from({ length: D }, (_, d) => at(x.q, h, t, d) * at(used, o.headsShare ? 0 : h, c, d)).reduce(
        (a, b) => a + b,
        0,
      ),
    );
    const padded = tensor([H, T * (T + 1)], (h, flat) => {
      const [t, c] = [Math.floor(flat / (T + 1)), flat % (T + 1)];
      return c === 0 ? 0 : at(products, h, t, c - 1);
    });
    const bias = tensor([H, T, T], (h, t, s) => at(padded, h, (t + 1) * T + s) / Math.sqrt(D));
    same(music(x, o).out, attention({ q: x.q, k: x.k, v: x.v, bias }, { causal: true }).out);
  },
);
law("one shared table is that table for every head", cases(music, { options: { headsShare: true } }), ({ x, n, o }) => {
  same(music({ ...x, e: pick(x.e, 0, n.H, () => 0) }, { ...o, headsShare: false }).out, music(x, o).out);
});
law("rows for distances that do not occur do nothing", cases(music, { sizes: { P: 7 } }), ({ x, n, o }) => {
  same(music({ ...x, e: span(x.e, 1, 7 - n.T, 7) }, o).out, music(x, o).out);
});
example(
  "one table for two heads",
  music,
  {
    q: [
      [[1], [1]],
      [[1], [0]],
    ],
    k: [
      [[0], [0]],
      [[0], [0]],
    ],
    v: [
      [[4], [0]],
      [[4], [0]],
    ],
    e: [[[ln3], [0]]],
  },
  {
    out: [
      [[4], [3]],
      [[4], [2]],
    ],
  },
  { headsShare: true },
);
