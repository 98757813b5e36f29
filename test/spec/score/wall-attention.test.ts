import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { wallAttention as wall } from "../../../spec/score/wall-attention.ts";
import { at, cases, edit, example, join, law, pick, reshape, same, specify, tensor } from "../../kit.ts";

specify(wall);

const ln = Math.log;
const gate = [[[0]], [[ln(0.5)]], [[ln(0.5)]]];
example(
  "gates of ½ leave ¼, ½ and all of the products: scores ln 2, ln 3 and ln 5 of 4 ln 2, 2 ln 3 and ln 5",
  wall,
  { q: [[[0]], [[0]], [[1]]], k: [[[4 * ln(2)]], [[2 * ln(3)]], [[ln(5)]]], v: [[[10]], [[20]], [[40]]], g: gate },
  { out: [[[10]], [[15]], [[28]]] },
);
example(
  "a window of two tokens leaves out the first",
  wall,
  { q: [[[0]], [[0]], [[1]]], k: [[[9]], [[2 * ln(3)]], [[ln(5)]]], v: [[[10]], [[24]], [[40]]], g: gate },
  { out: [[[10]], [[17]], [[34]]] },
  { window: 2 },
);
example(
  "a sink of score ln 3 takes 3 parts of 4, then of 5",
  wall,
  { q: [[[0]], [[0]]], k: [[[0]], [[0]]], v: [[[4]], [[6]]], g: [[[0]], [[0]]], sink: [ln(3)] },
  { out: [[[1]], [[2]]] },
);
example(
  "a scalar gate of ⅓ takes ln 3 from the score of the token before it, also unscaled",
  wall,
  { q: [[[0]], [[0]]], k: [[[0]], [[0]]], v: [[[4]], [[8]]], g: [[[0]], [[0]]], gScalar: [[9], [-ln(3)]] },
  { out: [[[4]], [[7]]] },
);
example(
  "channels fade apart; at D = 4 the product ln 9 is halved to ln 3",
  wall,
  {
    q: [[[1, 1, 1, 1]], [[1, 1, 1, 1]]],
    k: [[[ln(9), 9, 0, 0]], [[0, 0, 0, 0]]],
    v: [[[4]], [[8]]],
    g: [[[0, 0, 0, 0]], [[0, -800, 0, 0]]],
  },
  { out: [[[4]], [[5]]] },
);
example(
  "four query heads on two values: neighbours share",
  wall,
  { q: [[[0], [0], [0], [0]]], k: [[[0], [0]]], v: [[[2], [8]]], g: [[[0], [0], [0], [0]]] },
  { out: [[[2], [2], [8], [8]]] },
);

const oneHead = { sizes: { Hq: 1, Hk: 1 } };
law(
  "with open gates it is causal attention, the scalar gates are a bias and the sink a further key without value",
  cases(wall, { ...oneHead, options: { window: Number.POSITIVE_INFINITY }, given: { gScalar: true, sink: true } }),
  ({ x, n, o }) => {
    const flat = (t: typeof x.q, width: number) => reshape(t, n.T, width);
    const zero = (width: number) => tensor([1, width], () => 0);
    const c = (t: number) => Array.from({ length: t + 1 }, (_, u) => at(x.gScalar, u, 0)).reduce((a, b) => a + b, 0);
    const wanted = scaledDotProductAttention(
      {
        q: flat(x.q, n.D),
        k: join(0, zero(n.D), flat(x.k, n.D)),
        v: join(0, zero(n.E), flat(x.v, n.E)),
        bias: tensor([n.T, n.T + 1], (t, s) => (s === 0 ? x.sink.data[0]! : c(t) - c(s - 1))),
      },
      { scale: o.scale, causal: true },
    ).out;
    same(reshape(wall({ ...x, g: edit(x.g, () => 0) }, o).out, n.T, n.E), wanted);
  },
);
law(
  "gates alike in all channels multiply each score by what they leave",
  cases(wall, {
    sizes: { Hq: 1, Hk: 1, D: 1 },
    options: { window: Number.POSITIVE_INFINITY },
    given: { gScalar: false, sink: false },
  }),
  ({ x, n, o }) => {
    const left = (s: number, t: number) =>
      Math.exp(
        Array.from({ length: Math.max(0, t - s) }, (_, u) => at(x.g, s + 1 + u, 0, 0)).reduce((a, b) => a + b, 0),
      );
    const zero = tensor([n.T, 1], () => 0);
    const bias = tensor([n.T, n.T], (t, s) => o.scale * at(x.q, t, 0, 0) * at(x.k, s, 0, 0) * left(s, t));
    same(
      reshape(wall(x, o).out, n.T, n.E),
      scaledDotProductAttention({ q: zero, k: zero, v: reshape(x.v, n.T, n.E), bias }, { causal: true }).out,
    );
  },
);
law("shared heads are the same as repeated ones", cases(wall), ({ x, n, o }) => {
  const repeat = (t: typeof x.k) => pick(t, 1, n.Hq, (h) => Math.floor(h / (n.Hq / n.Hk)));
  same(wall({ ...x, k: repeat(x.k), v: repeat(x.v) }, o).out, wall(x, o).out);
});
law("a sink of −∞ is none", cases(wall, { given: { sink: true } }), ({ x: { sink, ...rest }, o }) =>
  same(wall({ ...rest, sink: edit(sink, () => Number.NEGATIVE_INFINITY) }, o).out, wall(rest, o).out),
);
