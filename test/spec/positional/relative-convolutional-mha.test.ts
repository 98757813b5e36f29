import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention as gqa } from "../../../spec/heads/grouped-query-attention.ts";
import { relativeConvolutionalMha as rcmha } from "../../../spec/positional/relative-convolutional-mha.ts";
import { cases, edit, example, fail, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(rcmha);

const bare = { cQ: false, cK: false, cV: false, bCq: false, bCk: false, bCv: false, u: false, r: false, s: false };
const still = { wQ: [[0]], wK: [[0]], wV: [[1]], wO: [[1]] };
example(
  "values convolved with taps 1, 10, 100, the last on the token itself; then the mean over the past",
  rcmha,
  { ...still, x: [[1], [2], [3]], cV: [[1], [10], [100]] },
  { out: [[100], [(100 + 210) / 2], [(100 + 210 + 321) / 3]] },
);
example(
  "the bias of the projection is convolved, that of the convolution is not, that of the output comes last",
  rcmha,
  { ...still, x: [[0], [0]], bV: [1], cV: [[2], [3]], bCv: [10], bO: [100] },
  { out: [[113], [114]] },
);
example(
  "a score of ln 3 two rows of S before the middle: the token two back weighs 3, the others 1",
  rcmha,
  { ...still, x: [[5], [0], [0]], s: [[0], [Math.log(3)], [0], [0], [0], [0]] },
  { out: [[5], [2.5], [3]] },
);
example(
  "scores ln 3 and 0 from content at D = 4, so the scale is ½: weights ¾ and ¼",
  rcmha,
  {
    x: [
      [0, 8],
      [1, 0],
    ],
    wQ: [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ],
    wK: [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    bQ: [1, 1, 0, 0],
    bK: [Math.log(3), 0, 0, 0],
    r: [[[0, 0, 0, 0]], [[0, 2 * Math.log(3), 0, 0]], [[0, 0, 0, 0]], [[0, 0, 0, 0]]],
    wV: [[0], [1]],
    wO: [[1]],
  },
  { out: [[8], [6]] },
);

law(
  "without kernels, tables and biases it is causal multi-head attention",
  cases(rcmha, { given: { ...bare, bO: false } }),
  ({ x, o }) => {
    const heads = { heads: o.heads, kvHeads: o.heads, causal: true };
    same(rcmha(x, o).out, gqa(x, heads).out);
  },
);
law(
  "a kernel that is 1 on the token itself and 0 before changes nothing",
  cases(rcmha, { given: { cQ: true, cK: true, cV: true, bCq: false, bCk: false, bCv: false } }),
  ({ x, n, o }) => {
    const delta = (c: Tensor) => edit(c, (_, a) => (a === n.K - 1 ? 1 : 0));
    const { cQ, cK, cV, ...rest } = x;
    same(rcmha({ ...rest, cQ: delta(cQ), cK: delta(cK), cV: delta(cV) }, o).out, rcmha(rest, o).out);
  },
);
law("one and the same S everywhere changes nothing", cases(rcmha, { given: { s: true } }), ({ x, o }) => {
  const { s, ...rest } = x;
  same(rcmha({ ...rest, s: edit(s, () => 0.75) }, o).out, rcmha(rest, o).out);
});
law(
  "with one head and identities for weights it is attention with R and S as bias and u added to the queries",
  cases(rcmha, {
    sizes: { M: 3, D: 3, E: 3, Mo: 3 },
    options: { heads: 1 },
    given: { ...bare, bQ: false, bK: false, bV: false, bO: false, u: true, r: true, s: true },
  }),
  ({ x, n, o }) => {
    const identity = tensor([3, 3], (i, j) => (i === j ? 1 : 0));
    const weights = { wQ: identity, wK: identity, wV: identity, wO: identity };
    const bias = tensor([n.T, n.T], (t, s) => {
      const row = n.P / 2 + s - t;
      if (s > t) return 0;
      const product = [0, 1, 2].reduce(
        (sum, d) => sum + Number(x.x.data[t * 3 + d]) * Number(x.r.data[row * 3 + d]),
        0,
      );
      return (product + Number(x.s.data[row])) / Math.sqrt(3);
    });
    const q = edit(x.x, (v, _, d) => v + Number(x.u.data[d]));
    same(rcmha({ ...x, ...weights }, o).out, attention({ q, k: x.x, v: x.x, bias }, { causal: true }).out);
  },
);
law(
  "a sequence longer than half the table is refused",
  cases(rcmha, { sizes: { T: 5 }, given: { r: false, s: false } }),
  ({ x, n, o }) => {
    let refused = "";
    try {
      rcmha({ ...x, s: tensor([8, n.H], () => 0) }, o);
    } catch (error) {
      refused = String(error);
    }
    if (!refused.includes("at least 2T")) fail(refused || "accepted");
  },
);
