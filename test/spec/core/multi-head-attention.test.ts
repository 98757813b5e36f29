import { multiHeadAttention as mha } from "../../../spec/core/multi-head-attention.ts";
import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention as gqa } from "../../../spec/heads/grouped-query-attention.ts";
import { cases, edit, example, law, pick, reshape, same, specify, tensor } from "../../kit.ts";

specify(mha);

const unit = [
  [1, 0],
  [0, 1],
];
example(
  "scores ln 3 and 0 at D = 4, so the scale is ½: weights ¾ and ¼, and the output bias once",
  mha,
  {
    x: unit,
    wQ: [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    wK: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    wV: [[8], [0]],
    wO: [[1]],
    bO: [10],
  },
  { out: [[16], [16]] },
);
example(
  "two heads by two columns: the output adds head 0 and ten times head 1",
  mha,
  {
    x: unit,
    wQ: [
      [0, 0],
      [0, 0],
    ],
    wK: [
      [0, 0],
      [0, 0],
    ],
    wV: [
      [2, 4],
      [4, 8],
    ],
    wO: [[1], [10]],
  },
  { out: [[63], [63]] },
  { heads: 2 },
);
example(
  "causal with a mask: the first token sees nothing and gets the output bias, the second sees itself",
  mha,
  { x: unit, wQ: [[0], [0]], wK: [[0], [0]], wV: [[2], [4]], wO: [[1]], bO: [7], mask: unit.map(() => [0, 1]) },
  { out: [[7], [11]] },
  { causal: true },
);
example(
  "biases add up: ln 3 for all heads and ln 3 for one make the weights 9 to 1",
  mha,
  {
    x: unit,
    wQ: [[0], [0]],
    wK: [[0], [0]],
    wV: [[10], [0]],
    wO: [[1]],
    bias: unit.map(() => [Math.log(3), 0]),
    headBias: [unit.map(() => [Math.log(3), 0])],
  },
  { out: [[9], [9]] },
);

law(
  "one head is scaled dot-product attention of the projected tokens",
  cases(mha, { options: { heads: 1 }, given: { bQ: false, bK: false, bV: false, bO: false, headBias: false } }),
  ({ x, n, o }) => {
    const times = (w: typeof x.wQ, width: number) =>
      tensor([n.T, width], (t, d) =>
        Array.from({ length: n.M }, (_, m) => Number(x.x.data[t * n.M + m]) * Number(w.data[m * width + d])).reduce(
          (a, b) => a + b,
          0,
        ),
      );
    const inner = attention(
      {
        q: times(x.wQ, n.D),
        k: times(x.wK, n.D),
        v: times(x.wV, n.E),
        ...(x.mask && { mask: x.mask }),
        ...(x.bias && { bias: x.bias }),
      },
      { causal: o.causal, scale: o.scale },
    ).out;
    const wO = tensor([n.E, n.E], (i, j) => (i === j ? 1 : 0));
    same(mha({ ...x, wO }, o).out, inner);
  },
);
law(
  "is grouped-query attention with a key head for every query head",
  cases(mha, { given: { bO: false, mask: false, bias: false, headBias: false } }),
  ({ x, o }) => same(mha(x, o).out, gqa(x, { ...o, kvHeads: o.heads }).out),
);
law("the order of the heads does not matter", cases(mha), ({ x, n, o }) => {
  const turn = (t: typeof x.wQ, axis: number, width: number) => {
    const split = t.shape.flatMap((length, a) => (a === axis ? [n.H, width] : [length]));
    return reshape(
      pick(reshape(t, ...split), axis, n.H, (h) => (h + 1) % n.H),
      ...t.shape,
    );
  };
  const turned = {
    ...x,
    wQ: turn(x.wQ, 1, n.D),
    wK: turn(x.wK, 1, n.D),
    wV: turn(x.wV, 1, n.E),
    wO: turn(x.wO, 0, n.E),
    ...(x.bQ && { bQ: turn(x.bQ, 0, n.D) }),
    ...(x.bK && { bK: turn(x.bK, 0, n.D) }),
    ...(x.bV && { bV: turn(x.bV, 0, n.E) }),
    ...(x.headBias && { headBias: pick(x.headBias, 0, n.H, (h) => (h + 1) % n.H) }),
  };
  same(mha(turned, o).out, mha(x, o).out);
});
law("queries times 4 and keys by 4 change nothing", cases(mha, { given: { bQ: false, bK: false } }), ({ x, o }) =>
  same(mha({ ...x, wQ: edit(x.wQ, (w) => w * 4), wK: edit(x.wK, (w) => w / 4) }, o).out, mha(x, o).out),
);
law("a mask is a bias of −∞", cases(mha, { given: { mask: true, bias: false } }), ({ x: { mask, ...x }, o }) => {
  const bias = edit(mask, (m) => (m ? 0 : Number.NEGATIVE_INFINITY));
  same(mha({ ...x, bias }, o).out, mha({ ...x, mask }, o).out);
});
