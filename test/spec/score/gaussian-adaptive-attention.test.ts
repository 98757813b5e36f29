import { gaussianAdaptiveAttention as gaam } from "../../../spec/score/gaussian-adaptive-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(gaam);

const wide = (eps: number) => Math.sqrt(2 / ((2 + eps) * Math.log(3)));
example(
  "−1 and 1 have mean 0 and variance 2; with offset 1 and ε = ¼ the first lies 4/3 deviations off, a third as likely",
  gaam,
  { x: [[-1, 1]], delta: [[1]], w: [[wide(0.25)]] },
  { weights: [[0.25, 0.75]], out: [[-0.25, 0.75]] },
  { eps: 0.25 },
);
example(
  "two Gaussians multiply: a third of a third",
  gaam,
  { x: [[-1, 1]], delta: [[1, 1]], w: [[wide(0.1), -wide(0.1)]] },
  { weights: [[0.1, 0.9]] },
  { eps: 0.1, gaussians: 2 },
);
const narrow = 1 / Math.sqrt(8 * Math.PI);
example(
  "width ½/√(2π) has density 2 in the middle: the sum 4 is below ε = 8, so the weights are quarters",
  gaam,
  { x: [[3, 3]], w: [[narrow]] },
  { weights: [[0.25, 0.25]], out: [[0.75, 0.75]] },
  { eps: 8 },
);
example(
  "five features for two heads: chunks of two and three",
  gaam,
  { x: [[1, 1, 2, 2, 2]], w: [[1], [2]] },
  { weights: [[1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3]], out: [[1 / 2, 1 / 2, 2 / 3, 2 / 3, 2 / 3]] },
  { heads: 2 },
);
example(
  "along the tokens each feature is for itself",
  gaam,
  {
    x: [
      [4, 5],
      [4, 5],
    ],
    w: [[1]],
  },
  {
    out: [
      [2, 2.5],
      [2, 2.5],
    ],
  },
  { axis: 0 },
);
example(
  "padding 6 beside 3 and 3: mean 2, variance 3; the padding is half as likely, takes its fifth, and comes back whole",
  gaam,
  { x: [[3, 3, 6]], w: [[Math.sqrt(15 / (3.25 * 2 * Math.log(2)))]] },
  { weights: [[0.4, 0.4, 0.2]], out: [[1.2, 1.2, 6]] },
  { paddingValue: 6, eps: 0.25 },
);

law(
  "without offsets, Gaussians of several widths are one of width 1/√Σ 1/ς²",
  cases(gaam, { given: { delta: false }, options: { eps: 1e-300 } }),
  ({ x, n, o }) => {
    const w = tensor(
      [n.H, 1],
      (h) => 1 / Math.sqrt(Array.from({ length: n.K }, (_, k) => 1 / at(x.w, h, k) ** 2).reduce((a, b) => a + b)),
    );
    same(gaam({ x: x.x, w }, { ...o, gaussians: 1 }).weights, gaam(x, o).weights);
  },
);
law(
  "without offsets, the weights do not see scale and shift, once ε follows the scale",
  cases(gaam, { given: { delta: false }, options: { paddingValue: Infinity } }),
  ({ x, o }) => {
    const moved = edit(x.x, (v) => 4 * v + 0.5);
    same(gaam({ ...x, x: moved }, { ...o, eps: 16e-300 }).weights, gaam(x, { ...o, eps: 1e-300 }).weights);
  },
);
law(
  "the weights of a chunk sum to 1",
  cases(gaam, { given: { delta: false }, options: { heads: 1, axis: 1, eps: 1e-300 } }),
  ({ x, n, o }) => {
    const { weights } = gaam(x, o);
    same(
      tensor([n.T], (t) => Array.from({ length: n.M }, (_, m) => at(weights, t, m)).reduce((a, b) => a + b)),
      tensor([n.T], () => 1),
    );
  },
);
law("one axis is the other of the transpose", cases(gaam), ({ x, n, o }) => {
  const axis = 1 - o.axis;
  const transposed = tensor([n.M, n.T], (m, t) => at(x.x, t, m));
  const other = gaam({ ...x, x: transposed }, { ...o, axis }).out;
  same(
    gaam(x, o).out,
    tensor([n.T, n.M], (t, m) => at(other, m, t)),
  );
});
