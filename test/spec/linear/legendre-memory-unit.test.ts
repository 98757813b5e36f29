import { legendreMemoryUnit as lmu } from "../../../spec/linear/legendre-memory-unit.ts";
import { at, cases, edit, example, law, refuses, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(lmu);

const halving = 1 / Math.LN2;
const plain = [[1], [0], [0], [1 - 1e-5]];
const one = { x: [[4], [4]], wU: [[1]], wH: [[1], [0]], wP: [[1]], bn: plain };
example(
  "order 1 over 1/ln 2 tokens: half of the memory stays, half of the input 4 comes in",
  lmu,
  one,
  {
    out: [[2], [3]],
    h: [[2], [3]],
    state: [3],
  },
  { theta: halving },
);
example(
  "resumed from 8, the token beside the memory, and biases: an input of 4 − 2, h = 5 + 10·4 + 100, y = 3h − 1",
  lmu,
  { ...one, x: [[4]], bU: [-2], wH: [[1], [10]], bH: [100], wP: [[3]], bP: [-1], state: [8] },
  { out: [[434]], h: [[145]], state: [5] },
  { theta: halving },
);
example(
  "a negative input and a negative reading count as 0",
  lmu,
  { ...one, x: [[-4]], wH: [[-1], [0]], state: [8] },
  { out: [[0]], h: [[0]], state: [4] },
  { theta: halving },
);
example(
  "by default the order is the width and the window 128 tokens",
  lmu,
  { ...one, x: [[1]] },
  {
    state: [-Math.expm1(-1 / 128)],
  },
);
example(
  "batch norm: weight, bias, mean and variance, the ε of 10⁻⁵ showing in √(3·10⁻⁵ + 10⁻⁵)",
  lmu,
  { ...one, x: [[4]], bn: [[2], [7], [1], [3e-5]] },
  { out: [[2 / Math.sqrt(4e-5) + 7]] },
  { theta: halving },
);
refuses("must not be negative", lmu, { ...one, bn: [[1], [0], [0], [-1]] });

const angle = Math.SQRT2 / 4;
const [turn, fade] = [Math.sin(angle) / Math.SQRT2, Math.exp(-1 / 2)];
example(
  "order 2 over 4 tokens without input: e^{A} for the eigenvalues (−2 ± i√2)/4",
  lmu,
  { x: [[0]], wU: [[0]], wH: [[0], [0], [0]], wP: [[0]], bn: plain, state: [1, 10] },
  {
    state: [fade * (Math.cos(angle) + turn - 10 * turn), fade * (10 * Math.cos(angle) + 3 * turn - 10 * turn)],
  },
  { m: 2, theta: 4 },
);

const steady = <X extends { x: Tensor; wU: Tensor }>(x: X) => {
  const tokens = edit(x.x, (_, __, m) => Number(m === 0));
  const wU = edit(x.wU, (_, m) => (m === 0 ? 3 : 0));
  return { ...x, x: tokens, wU, bU: tensor([1], () => 0) };
};
law("a constant input is held as a constant window: the first coefficient, at any order", cases(lmu), ({ x, n, o }) => {
  const state = tensor([n.N], (i) => (i === 0 ? 3 : 0));
  same(lmu({ ...steady(x), state }, o).state, state);
});
law("two tokens of a window are one of half the window", cases(lmu, { sizes: { T: 2 } }), ({ x, n, o }) => {
  const both = steady(x);
  const one = { ...both, x: tensor([1, n.M], (_, m) => at(both.x, 0, m)) };
  same(lmu(both, { ...o, theta: 0.5 }).state, lmu(one, { ...o, theta: 0.25 }).state);
});
law(
  "after an impulse the memory goes on by itself: it is the sum of what each token left",
  cases(lmu),
  ({ x, n, o }) => {
    const alone = (from: number) =>
      lmu(
        {
          ...x,
          x: tensor([n.T, n.M], (t, m) => (t === from ? at(x.x, t, m) : 0)),
          wU: x.wU,
          bU: tensor([1], () => 0),
          state: tensor([n.N], (i) => (from === 0 && x.state ? at(x.state, i) : 0)),
        },
        o,
      ).state;
    const parts = Array.from({ length: n.T }, (_, t) => alone(t));
    same(
      lmu({ ...x, bU: tensor([1], () => 0) }, o).state,
      tensor([n.N], (i) => parts.reduce((total, part) => total + at(part, i), 0)),
    );
  },
);
