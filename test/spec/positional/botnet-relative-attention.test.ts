import { groupedQueryAttention } from "../../../spec/heads/grouped-query-attention.ts";
import { botnetRelativeAttention as botnet } from "../../../spec/positional/botnet-relative-attention.ts";
import {
  at,
  cases,
  edit,
  example,
  fail,
  fc,
  law,
  pick,
  reshape,
  same,
  specify,
  type Tensor,
  tensor,
} from "../../kit.ts";

specify(botnet);

const pair = { x: [[[1], [3]]], wK: [[0, 0, 0, 0]], relH: [[0]] };
example(
  "four heads; only the key to the right has a vector, which gives it weight ¾ of the first query",
  botnet,
  { ...pair, wQ: [[1, 1, 1, 1]], wV: [[1, 2, 3, 4]], relW: [[0], [0], [Math.log(3)]] },
  {
    out: [
      [
        [2.5, 5, 7.5, 10],
        [2, 4, 6, 8],
      ],
    ],
  },
);
example(
  "one head of four features: the position part is not scaled, ln 3 in all",
  botnet,
  {
    ...pair,
    wQ: [[1, 1, 1, 1]],
    wV: [[1]],
    relW: [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [Math.log(3), 0, 0, 0],
    ],
    relH: [[0, 0, 0, 0]],
  },
  { out: [[[2.5], [2]]] },
  { heads: 1 },
);
example(
  "scaled by ½ it takes ln 9",
  botnet,
  {
    ...pair,
    wQ: [[1, 1, 1, 1]],
    wV: [[1]],
    relW: [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [Math.log(9), 0, 0, 0],
    ],
    relH: [[0, 0, 0, 0]],
  },
  { out: [[[2.5], [2]]] },
  { heads: 1, scalePos: true },
);
example(
  "absolute: the second column has a vector, for both queries (1 and 3 times ln 3)",
  botnet,
  { ...pair, wQ: [[1]], wK: [[0]], wV: [[1]], relW: [[0], [Math.log(3)]] },
  { out: [[[2.5], [(1 + 3 * 27) / 28]]] },
  { heads: 1, positions: "absolute" },
);
example(
  "absolute rows: the same down the map",
  botnet,
  { x: [[[1]], [[3]]], wQ: [[1]], wK: [[0]], wV: [[1]], relH: [[0], [Math.log(3)]], relW: [[0]] },
  { out: [[[2.5]], [[(1 + 3 * 27) / 28]]] },
  { heads: 1, positions: "absolute" },
);

const flat = (x: Tensor) => reshape(x, x.shape[0]! * x.shape[1]!, x.shape[2]!);
law(
  "with tables of zeros it is multi-head attention of all places",
  cases(botnet, { options: { stride: 1 } }),
  ({ x, n, o }) => {
    const zero = (t: Tensor) => edit(t, () => 0);
    const wO = tensor([n.H * n.E, n.H * n.E], (i, j) => (i === j ? 1 : 0));
    const options = { heads: n.H, kvHeads: n.H };
    const dense = groupedQueryAttention({ x: flat(x.x), wQ: x.wQ, wK: x.wK, wV: x.wV, wO }, options).out;
    same(flat(botnet({ ...x, relH: zero(x.relH), relW: zero(x.relW) }, o).out), dense);
  },
);
law("the map transposed and the tables exchanged transpose the result", cases(botnet), ({ x, o }) => {
  const transposed = (t: Tensor) => tensor([t.shape[1]!, t.shape[0]!, t.shape[2]!], (i, j, c) => at(t, j, i, c));
  same(botnet({ ...x, x: transposed(x.x), relH: x.relW, relW: x.relH }, o).out, transposed(botnet(x, o).out));
});
law(
  "stride 2 averages four places and drops what is left over",
  cases(botnet, { options: { stride: 2 } }),
  ({ x, n, o }) => {
    const { out } = botnet(x, { ...o, stride: 1 });
    same(
      botnet(x, o).out,
      tensor(
        [n.Y >> 1, n.X >> 1, n.H * n.E],
        (i, j, e) =>
          (at(out, 2 * i, 2 * j, e) +
            at(out, 2 * i, 2 * j + 1, e) +
            at(out, 2 * i + 1, 2 * j, e) +
            at(out, 2 * i + 1, 2 * j + 1, e)) /
          4,
      ),
    );
  },
);
law("values that are 1 everywhere come back", cases(botnet), ({ x, o }) => {
  const { out } = botnet({ ...x, x: edit(x.x, () => 1), wV: edit(x.wV, () => 1 / x.x.shape[2]!) }, o);
  same(
    out,
    edit(out, () => 1),
  );
});
law(
  "with scaled positions, queries twice as long and keys half as long double the position part alone",
  cases(botnet, { options: { scalePos: true } }),
  ({ x, o }) => {
    const scaled = botnet({ ...x, wQ: edit(x.wQ, (w) => 2 * w), wK: edit(x.wK, (w) => w / 2) }, o);
    const doubled = botnet({ ...x, relH: edit(x.relH, (r) => 2 * r), relW: edit(x.relW, (r) => 2 * r) }, o);
    same(scaled.out, doubled.out);
  },
);
law(
  "an absolute table is a relative one for a map of one query place",
  cases(botnet, { sizes: { Y: 1, X: 1 }, options: { stride: 1 } }),
  ({ x, o }) => same(botnet(x, { ...o, positions: "absolute" }).out, botnet(x, { ...o, positions: "relative" }).out),
);
law(
  "head order of the weights is the head order of the result",
  cases(botnet, { options: { heads: 2 } }),
  ({ x, n, o }) => {
    const swapped = (t: Tensor, width: number, axis: number) =>
      pick(t, axis, 2 * width, (i) => (i + width) % (2 * width));
    const { out } = botnet(
      { ...x, wQ: swapped(x.wQ, n.D, 1), wK: swapped(x.wK, n.D, 1), wV: swapped(x.wV, n.E, 1) },
      o,
    );
    same(out, swapped(botnet(x, o).out, n.E, 2));
  },
);

const refused = (call: () => unknown): void => {
  try {
    call();
  } catch (error) {
    if (String(error).includes("at least stride")) return;
    throw error;
  }
  fail("it was accepted");
};
law("a map of one row or one column cannot be halved", fc.constant(0), () => {
  const one = tensor([1, 1], () => 1);
  for (const [Y, X] of [
    [1, 2],
    [2, 1],
  ] as const)
    refused(() =>
      botnet(
        {
          x: tensor([Y, X, 1], () => 1),
          wQ: one,
          wK: one,
          wV: one,
          relH: tensor([2 * Y - 1, 1], () => 1),
          relW: tensor([2 * X - 1, 1], () => 1),
        },
        { heads: 1, stride: 2 },
      ),
    );
});
