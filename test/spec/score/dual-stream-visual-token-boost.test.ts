import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { dualStreamVisualTokenBoost as boost } from "../../../spec/score/dual-stream-visual-token-boost.ts";
import { at, cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(boost);

/** A vision map of one head: what the class token pays each image token, and the sums of the image tokens' rows. */
const map = (paid: readonly number[], rows: readonly number[] = paid.map(() => 0)) => [
  [[0, ...paid], ...rows.map((row) => [row, ...paid.map(() => 0)])],
];
const minus = Number.NEGATIVE_INFINITY;

example(
  "of four tokens from key 1 on, ¼ is one: the first of the tied best; in the last row its score −10 grows by 0.7 · 10",
  boost,
  {
    scores: [
      [
        [0, 0, -10, 0, 0],
        [0, 0, -10, 0, 0],
      ],
    ],
    vitAttnFirst: map([0.1, 0.5, 0.5, 0.2]),
    vitAttnLate: map([0, 1, 2, 7]),
    imgStart: 1,
  },
  {
    top: [0, 1, 0, 0],
    bottom: [0, 0, 0, 0],
    weights: [[-10, -3].map((z) => [1, 1, Math.exp(z), 1, 1].map((w) => w / (4 + Math.exp(z))))],
  },
);
example(
  "of 0, 1, 2 and 7.5 the quartiles are ¾ and 27/8, the fence 7.3125: the last stands out, goes from top to bottom and grows by 0.3",
  boost,
  {
    scores: [[[0, 0, 0, -10]]],
    vitAttnFirst: map([0, 0, 0, 1]),
    vitAttnLate: map([0, 1, 2, 7.5]),
    imgStart: 0,
  },
  {
    top: [0, 0, 0, 0],
    bottom: [0, 0, 0, 1],
    weights: [[[1, 1, 1, Math.exp(-7)].map((w) => w / (3 + Math.exp(-7)))]],
  },
);
example(
  "a token on the fence, 7 of 0, 1, 2 and 7, does not stand out",
  boost,
  {
    scores: [[[0, 0, 0, 0]]],
    vitAttnFirst: map([0, 0, 0, 1]),
    vitAttnLate: map([0, 1, 2, 7]),
    imgStart: 0,
  },
  { top: [0, 0, 0, 1], bottom: [0, 0, 0, 0] },
);
example(
  "the spatial stream adds the tokens with the largest rows; a gain of 2 makes α = ½ double the score 1; a hidden score stays hidden",
  boost,
  {
    scores: [[[2, 1, 2, minus]]],
    vitAttnFirst: map([5, 0, 0], [0, 3, 4]),
    vitAttnLate: map([0, 0, 0]),
    imgStart: 1,
    headGain: [2],
  },
  { top: [1, 0, 1], weights: [[[1 / 3, 1 / 3, 1 / 3, 0]]] },
  { r: 0.34, rs: 0.34, alpha: 0.5 },
);

example(
  "a single image token is its own quartiles and does not stand out",
  boost,
  { scores: [[[1]]], vitAttnFirst: map([1]), vitAttnLate: map([1]), imgStart: 0 },
  { top: [1], bottom: [0], weights: [[[1]]] },
  { r: 1 },
);

law(
  "without boost it is the softmax of the scores",
  cases(boost, { options: { alpha: 0, beta: 0 } }),
  ({ x, n, o }) => {
    const none = (rows: number) => tensor([n.H, rows, 1], () => 0);
    const v = tensor([n.H, n.Tk, n.Tk], (_, s, e) => (s === e ? 1 : 0));
    same(boost(x, o).weights, attention({ q: none(n.Tq), k: none(n.Tk), v, bias: x.scores }).out);
  },
);
law("only the last row changes, and no token is both top and bottom", cases(boost), ({ x, n, o }) => {
  const [some, none] = [boost(x, o), boost(x, { ...o, alpha: 0, beta: 0 })];
  same(
    edit(some.weights, (w, _h, t) => (t === n.Tq - 1 ? 0 : w)),
    edit(none.weights, (w, _h, t) => (t === n.Tq - 1 ? 0 : w)),
  );
  for (let j = 0; j < n.N; j++) if (at(some.top, j) && at(some.bottom, j)) fail(`token ${j} is both`);
});
law(
  "the last row is the softmax of z + α|z| at top, z + β|z| at bottom tokens, times the gain of the head",
  cases(boost),
  ({ x, n, o }) => {
    const { top, bottom, weights } = boost(x, o);
    const start = Number(x.imgStart.data[0]);
    const factor = (h: number, s: number) => {
      const j = s - start;
      const inside = j >= 0 && j < n.N;
      return (x.headGain ? at(x.headGain, h) : 1) * (inside ? o.alpha * at(top, j) + o.beta * at(bottom, j) : 0);
    };
    const boosted = edit(x.scores, (z, h, t, s) => (t === n.Tq - 1 ? z + factor(h!, s!) * Math.abs(z) : z));
    same(weights, boost({ ...x, scores: boosted }, { ...o, alpha: 0, beta: 0 }).weights);
  },
);
law(
  "each stream picks its fraction, and only tokens that stand out are taken back",
  cases(boost, { options: { rs: 0 } }),
  ({ x, n, o }) => {
    const { top, bottom } = boost(x, o);
    const count = (t: typeof top) => Array.from(t.data).filter(Boolean).length;
    const wanted = Math.floor(o.r * n.N);
    if (count(top) > wanted || count(top) < wanted - count(bottom)) fail(`${count(top)} of ${wanted} are top`);
  },
);
