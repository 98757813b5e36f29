import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { attentionFreeTransformer as aft } from "../../../spec/linear/attention-free-transformer.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(aft);

const ln = Math.log;
const two = {
  x: [
    [1, 0],
    [0, 1],
  ],
  wQ: [[0], [ln(3)]],
  wK: [[ln(3)], [0]],
  wV: [[8], [4]],
};
example("simple: keys ln 3 and 0 give weights ¾ and ¼, queries 0 and ln 3 the gates ½ and ¾", aft, two, {
  out: [[3.5], [5.25]],
  lse: [ln(4)],
  mean: [7],
});
example("causal: the first token sees itself alone", aft, two, { out: [[4], [5.25]] }, { causal: true });
example(
  "full: a bias of ln 3 for the second token makes the two alike for the first",
  aft,
  {
    ...two,
    w: [
      [
        [0, ln(3)],
        [-ln(3), 0],
      ],
    ],
  },
  { out: [[3], [4.5]], lse: [ln(4)], mean: [7] },
);
example(
  "local: a bias one token away does not count at a window of 1",
  aft,
  {
    ...two,
    w: [
      [
        [0, 9],
        [9, 0],
      ],
    ],
  },
  { out: [[3.5], [5.25]] },
  { window: 1 },
);
example(
  "what came before is one more token: key ln 4 and value 15, without a bias",
  aft,
  {
    ...two,
    lse: [ln(4)],
    mean: [15],
    w: [
      [
        [0, ln(3)],
        [-ln(3), 0],
      ],
    ],
  },
  { out: [[(0.5 * (60 + 24 + 12)) / 10], [(0.75 * (60 + 8 + 4)) / 6]], lse: [ln(8)], mean: [11] },
);
example(
  "two heads of one channel with biases of their own",
  aft,
  {
    x: [[1], [2]],
    wQ: [[0, 0]],
    wK: [[0, 0]],
    wV: [[8, 8]],
    w: [
      [
        [0, ln(3)],
        [0, 0],
      ],
      [
        [0, 0],
        [ln(7), 0],
      ],
    ],
    wO: [[1], [10]],
  },
  { out: [[7 + 60], [6 + 45]] },
  { heads: 2 },
);

const times = (x: Tensor, w: Tensor) =>
  tensor([x.shape[0]!, w.shape[1]!], (t, d) =>
    Array.from({ length: x.shape[1]! }, (_, m) => at(x, t, m) * at(w, m, d)).reduce((sum, v) => sum + v, 0),
  );
const bare = { wO: false, lse: false, mean: false };
law(
  "one channel is softmax attention whose scores are keys and biases, gated by its query",
  cases(aft, { sizes: { D: 1 }, options: { heads: 1, window: Number.POSITIVE_INFINITY }, given: { ...bare, w: true } }),
  ({ x, n, o }) => {
    const [q, k, v] = [times(x.x, x.wQ), times(x.x, x.wK), times(x.x, x.wV)];
    const bias = tensor([n.T, n.T], (t, s) => at(x.w, 0, t, s) + at(k, s, 0));
    const read = attention({ q: edit(q, () => 0), k, v, bias }, { causal: o.causal }).out;
    same(
      aft(x, o).out,
      tensor([n.T, 1], (t) => at(read, t, 0) / (1 + Math.exp(-at(q, t, 0)))),
    );
  },
);
law("a window is a way to write a bias", cases(aft, { given: { w: true } }), ({ x, o }) => {
  const w = edit(x.w, (value, _, t, s) => (Math.abs(t - s) < o.window ? value : 0));
  same(aft({ ...x, w }, { ...o, window: null }).out, aft(x, o).out);
});
law(
  "a bias of −∞ hides tokens: hard local attention",
  cases(aft, { options: { heads: 1, window: Number.POSITIVE_INFINITY }, given: { ...bare, w: true } }),
  ({ x, n, o }) => {
    const own = edit(x.w, (value, _, t, s) => (t === s ? value : Number.NEGATIVE_INFINITY));
    const [q, v] = [times(x.x, x.wQ), times(x.x, x.wV)];
    same(
      aft({ ...x, w: own }, o).out,
      tensor([n.T, n.D], (t, d) => at(v, t, d) / (1 + Math.exp(-at(q, t, d)))),
    );
  },
);
