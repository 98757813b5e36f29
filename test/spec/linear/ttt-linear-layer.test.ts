import { tttLinear } from "../../../spec/linear/ttt-linear.ts";
import { tttLinearLayer as layer } from "../../../spec/linear/ttt-linear-layer.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(layer);

const zero = [
  [0, 0],
  [0, 0],
];
const one = {
  x: [[1]],
  wQ: [[3, 1]],
  wK: [[0, 0]],
  wV: [[0, 0]],
  theta: [[0]],
  thetaB: [0],
  tau: Array(16).fill(0),
  gam: [[0, 0]],
  bet: [[1, 1]],
  postW: [1, 10],
  postB: [0, 100],
  wO: [[1], [1]],
  w: [zero],
  b: [[0, 0]],
};
const root = 1 / Math.sqrt(1 + 1e-6);
const gelu = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
example(
  "an inner loop that adds (1, 1) to the query (3, 1), which the norm makes (1, −1), times 1 and 10, plus 100",
  layer,
  one,
  { out: [[root - 10 * root + 100]], position: 1 },
);
example(
  "a gate on each feature",
  layer,
  { ...one, wG: [[0.5, 2]] },
  { out: [[gelu(0.5) * root + gelu(2) * (100 - 10 * root)]] },
);
const [c, s] = [Math.cos(1), Math.sin(1)];
const turned = [3 * c - s, 3 * s + c] as const;
const half = (turned[0] - turned[1]) / 2;
example(
  "at the second place of a mini-batch the query is turned by 1, at the first of the next not at all",
  layer,
  { ...one, x: [[1], [1]], tau: [0, 0], position: 1 },
  { out: [[(-9 * half) / Math.sqrt(half ** 2 + 1e-6) + 100], [-9 * root + 100]], position: 1 },
  { miniBatch: 2 },
);
refuses("D must be even", layer, {
  ...one,
  wQ: [[3]],
  wK: [[0]],
  wV: [[0]],
  gam: [[0]],
  bet: [[0]],
  postW: [1],
  postB: [0],
  wO: [[1]],
  w: [[[0]]],
  b: [[0]],
});
refuses("position holds integers from 0 to 15", layer, { ...one, position: 16 });

law(
  "within one mini-batch it learns from queries and keys turned by their positions",
  cases(layer, {
    sizes: { H: 1, T: 4 },
    options: { miniBatch: 4 },
    given: { wG: false, position: false, gradW: false, gradB: false },
  }),
  ({ x, n, o }) => {
    const { theta, thetaB, tau, gam, bet, w, b } = x;
    const project = (weight: typeof x.wQ) =>
      tensor([n.T, n.D], (t, d) => {
        let total = 0;
        for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(weight, m, d);
        return total;
      });
    const head = (t: typeof x.wQ) => tensor([1, n.T, n.D], (_, i, d) => at(t, i, d));
    const turn = (weight: typeof x.wQ) =>
      head(
        rope({ x: project(weight), positions: tensor([n.T], (t) => t) }, { base: o.ropeBase, layout: "interleaved" })
          .out,
      );
    const wanted = tttLinear(
      { q: turn(x.wQ), k: turn(x.wK), v: head(project(x.wV)), x: x.x, theta, thetaB, tau, gam, bet, w, b },
      { miniBatch: 4, base: o.base },
    );
    const actual = layer(x, o);
    // The norm inside divides by a deviation that may be 10⁻³.
    same(actual.w, wanted.w, 1e-8);
    same(actual.b, wanted.b, 1e-8);
  },
);
law(
  "the gain of the norm after the heads multiplies features of the output projection",
  cases(layer, { given: { wG: false } }),
  ({ x, o }) =>
    same(
      layer({ ...x, postB: edit(x.postB, () => 0) }, o).out,
      layer(
        {
          ...x,
          postB: edit(x.postB, () => 0),
          postW: edit(x.postW, () => 1),
          wO: edit(x.wO, (w, i) => w * at(x.postW, i)),
        },
        o,
      ).out,
    ),
);
law("the learning rates have a factor of 1 unless given another", cases(layer), ({ x, o }) => {
  const { base: _, ...rest } = o;
  same(layer(x, rest).gradB, layer(x, { ...rest, base: 1 }).gradB);
  same(layer(x, rest).b, layer(x, { ...rest, base: 1 }).b);
});
