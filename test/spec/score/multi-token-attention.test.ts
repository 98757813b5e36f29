import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { multiTokenAttention as mta } from "../../../spec/score/multi-token-attention.ts";
import { at, cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(mta);

const ln3 = Math.log(3);
const plain = { kernel: false, kernelAfter: false, wPre: false, wPost: false, norm: false, wGate: false, bGate: false };
example(
  "D = 4: scores are halved; the first token sees itself alone",
  mta,
  {
    q: [
      [
        [0, 0, 0, 0],
        [2, 0, 0, 0],
      ],
    ],
    k: [
      [
        [ln3, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [4]]],
  },
  { out: [[[8], [7]]] },
);
const three = { q: [[[1], [1], [ln3]]], k: [[[1], [2], [0]]], v: [[[5], [10], [20]]] };
const ones = [[1, 1, 1]];
example(
  "a kernel over a key and its neighbours: scores ln 3 · (3, 3, 2) of the last row",
  mta,
  { ...three, kernel: [ones] },
  { out: [[[5], [7.5], [(3 * 5 + 3 * 10 + 20) / 7]]] },
);
example(
  "over a key and the two before it: (1, 3, 3)",
  mta,
  { ...three, kernel: [ones] },
  { out: [[[5], [5 / (1 + Math.E ** 2) + 10 / (1 + Math.E ** -2)], [(5 + 9 * 10 + 9 * 20) / 19]]] },
  { pad: "left" },
);
example(
  "over a key and the two after it: (3, 2, 0)",
  mta,
  { ...three, kernel: [ones] },
  { out: [[[5], [5 / (1 + Math.exp(-1)) + 10 / (1 + Math.E)], [(27 * 5 + 9 * 10 + 20) / 37]]] },
  { pad: "right" },
);
example(
  "a kernel over two queries: the row before has 0 where its query does not see the key",
  mta,
  { q: [[[5], [ln3]]], k: [[[0.2], [0.2]]], v: [[[8], [0]]], kernel: [[[ln3], [0]]] },
  { out: [[[8], [6]]] },
);
example(
  "a kernel over the weights: a quarter of those of the row before",
  mta,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[8], [4]]], kernelAfter: [[[0.25], [1]]] },
  { out: [[[8], [8]]] },
);
example(
  "over the weights of the keys before: nothing leaks above the diagonal",
  mta,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[8], [4]]], kernelAfter: [[[1, 0]]] },
  { out: [[[0], [2]]] },
  { pad: "left" },
);
const heads = {
  q: [
    [[0], [1]],
    [[0], [ln3]],
  ],
  k: [
    [[0], [0]],
    [[1], [0]],
  ],
};
example(
  "head 0 takes on the scores of head 1",
  mta,
  {
    ...heads,
    v: [
      [[8], [0]],
      [[8], [0]],
    ],
    wPre: [
      [5, 1],
      [0, 0],
    ],
  },
  {
    out: [
      [[8], [6]],
      [[8], [4]],
    ],
  },
);
example(
  "mixing after the softmax, summed over the first index: head 1 is twice head 0, head 0 is head 1",
  mta,
  {
    ...heads,
    v: [
      [[8], [0]],
      [[8], [0]],
    ],
    wPost: [
      [
        [0, 2],
        [1, 0],
      ],
    ],
  },
  {
    out: [
      [[8], [6]],
      [[16], [8]],
    ],
  },
);
example(
  "in two groups of one head",
  mta,
  {
    ...heads,
    v: [
      [[8], [0]],
      [[8], [0]],
    ],
    wPost: [[[3]], [[5]]],
  },
  {
    out: [
      [[24], [12]],
      [[40], [30]],
    ],
  },
);
const one = { q: [[[0]]], k: [[[0]]] };
example(
  "the norm over a head: 3 and 4 have mean square 12½",
  mta,
  { ...one, v: [[[3, 4]]], norm: [Math.SQRT2, 10] },
  { out: [[[6 / 5, 8 * Math.SQRT2]]] },
  { eps: 1e-300 },
);
example(
  "the default ε of 10⁻⁵ halves a mean square of 10⁻⁵",
  mta,
  { ...one, v: [[[Math.sqrt(1e-5)]]], norm: [2] },
  { out: [[[Math.SQRT2]]] },
);
example(
  "layer 0 gives the norm a factor of 0.8, the tenth 0.2 + 0.6 e⁻³",
  mta,
  { ...one, v: [[[7]]], norm: [1] },
  { out: [[[0.8]]] },
  { eps: 1e-300, layer: 0 },
);
example(
  "layer 10",
  mta,
  { ...one, v: [[[7]]], norm: [1] },
  { out: [[[0.2 + 0.6 * Math.exp(-3)]]] },
  { eps: 1e-300, layer: 10 },
);
example(
  "one gate for a head: sigmoid(ln 3) of the normed output",
  mta,
  { ...one, v: [[[4, 4]]], norm: [1, 1], wGate: [[ln3], [ln3]], bGate: [-ln3] },
  { out: [[[0.75, 0.75]]] },
  { eps: 1e-300 },
);
example(
  "a gate for each feature",
  mta,
  {
    ...one,
    v: [[[4, 1]]],
    wGate: [
      [0, ln3 / 4],
      [ln3, 0],
    ],
  },
  { out: [[[3, 0.75]]] },
);

law(
  "without the options it is causal scaled dot-product attention",
  cases(mta, { given: plain }),
  ({ x: { q, k, v }, o }) =>
    same(mta({ q, k, v }, { ...o, layer: Number.POSITIVE_INFINITY }).out, attention({ q, k, v }, { causal: true }).out),
);
law(
  "kernels and mixing of the identity change nothing",
  cases(mta, { options: { pad: "both" }, given: { ...plain, norm: true } }),
  ({ x, n, o }) => {
    const spot = tensor([n.H, 3, 5], (_, y, i) => (y === 2 && i === 2 ? 1 : 0));
    const same1 = (...[c, g]: [number, number]) => (c === g ? 1 : 0);
    same(
      mta(
        {
          ...x,
          kernel: spot,
          kernelAfter: spot,
          wPre: tensor([n.H, n.H], same1),
          wPost: tensor([1, n.H, n.H], (_, c, g) => same1(c, g)),
        },
        o,
      ).out,
      mta(x, o).out,
    );
  },
);
law(
  "a kernel of one by one is a factor on the scores of each head",
  cases(mta, { given: plain, options: { pad: "both" } }),
  ({ x, n, o }) => {
    const factor = (h: number) => h - 0.5;
    same(
      mta({ ...x, kernel: tensor([n.H, 1, 1], factor) }, o).out,
      mta({ ...x, q: edit(x.q, (value, h) => factor(h) * value) }, o).out,
    );
  },
);
law(
  "padded left or right, a kernel is the middle part of one twice as wide and padded on both sides",
  cases(mta, { options: { pad: "left" }, given: { kernel: true, kernelAfter: false } }),
  ({ x, n, o }) => {
    const wide = (shift: number) =>
      tensor([n.H, n.Kq, 2 * n.Kk - 1], (h, y, i) =>
        i >= shift && i < shift + n.Kk ? at(x.kernel, h, y, i - shift) : 0,
      );
    same(mta({ ...x, kernel: wide(0) }, { ...o, pad: "both" }).out, mta(x, o).out);
    same(mta({ ...x, kernel: wide(n.Kk - 1) }, { ...o, pad: "both" }).out, mta(x, { ...o, pad: "right" }).out);
  },
);
law(
  "mixing before the softmax by W is that of the queries' heads where keys are shared",
  cases(mta, { given: { ...plain, wPre: true } }),
  ({ x, n, o }) => {
    const k = tensor([n.H, n.T, n.D], (_, j, d) => at(x.k, 0, j, d));
    const q = edit(x.q, (_, h, i, d) =>
      Array.from({ length: n.H }, (_, g) => at(x.wPre, h, g) * at(x.q, g, i, d)).reduce((a, b) => a + b),
    );
    same(mta({ ...x, k }, o).out, mta({ q, k, v: x.v }, o).out);
  },
);
law(
  "an even kernel has no middle",
  cases(mta, { sizes: { Kk: 2 }, options: { pad: "left" }, given: { kernel: true } }),
  ({ x, o }) => {
    try {
      mta(x, { ...o, pad: "both" });
    } catch {
      return;
    }
    fail("a kernel of two keys was laid about one");
  },
);
