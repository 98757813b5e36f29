import { hyenaOperator } from "../../../spec/spectral/hyena-operator.ts";
import { hyenaX } from "../../../spec/spectral/hyena-x.ts";
import { at, cases, edit, example, law, refuses, same, span, specify, tensor } from "../../kit.ts";

specify(hyenaX);

const two = { x: [[1], [2]], wIn: [[1, 2, 3]], wO: [[1]] };
example("q = x, k = 2x, v = 3x, without filters", hyenaX, two, { out: [[6], [48]] });
example(
  "biases of both projections: (x + 1) 2x 3x + 7",
  hyenaX,
  { ...two, bIn: [1, 0, 0], bO: [7] },
  { out: [[19], [79]] },
);
const before = [
  [0, 1],
  [1, 0],
  [0, 1],
];
example(
  "a filter that takes k from the token before, none at first",
  hyenaX,
  { ...two, shortW: before },
  {
    out: [[0], [24]],
    shortState: [[2, 4, 6]],
  },
);
example(
  "or from the state; v one more",
  hyenaX,
  { ...two, shortW: before, shortB: [0, 0, 1], shortState: [[9, 5, 9]] },
  {
    out: [[20], [28]],
    shortState: [[2, 4, 6]],
  },
);
example(
  "an inner filter: 6, then 24 and ten times 6",
  hyenaX,
  { ...two, innerW: [[10, 1]] },
  { out: [[6], [168]], innerState: [[24]] },
);
example(
  "with a bias, and 2 before the first",
  hyenaX,
  { ...two, innerW: [[10, 1]], innerB: [1], innerState: [[2]] },
  {
    out: [[27], [170]],
  },
);
example(
  "states of three and four taps after one token: the old ones move up",
  hyenaX,
  {
    x: [[1]],
    wIn: [[1, 1, 1]],
    wO: [[1]],
    shortW: [
      [0, 0, 1],
      [0, 0, 1],
      [1, 0, 0],
    ],
    shortState: [
      [2, 3, 4],
      [5, 6, 7],
    ],
    innerW: [[1, 0, 0, 0]],
    innerState: [[10], [20], [30]],
  },
  {
    out: [[10]],
    shortState: [
      [5, 6, 7],
      [1, 1, 1],
    ],
    innerState: [[20], [30], [4]],
  },
);
refuses("shortB needs shortW", hyenaX, { ...two, shortB: [0, 0, 1] });
refuses("innerB needs innerW", hyenaX, { ...two, innerB: [1] });

const bare = { bIn: false, bO: false, shortB: false, innerB: false, shortState: false, innerState: false };
law(
  "without biases and states twice the tokens give eight times the result",
  cases(hyenaX, { given: bare }),
  ({ x }) => {
    same(
      hyenaX({ ...x, x: edit(x.x, (v) => 2 * v) }).out,
      edit(hyenaX(x).out, (v) => 8 * v),
    );
  },
);
law(
  "Hyena-SE with the identity inside is Hyena-X",
  cases(hyenaX, { given: { shortW: true, innerW: false, innerState: false, innerB: false } }),
  ({ x, n }) => {
    const innerW = tensor([n.M, 4], (_, r) => Number(r === 3));
    same(hyenaX({ ...x, innerW }).out, hyenaX(x).out);
  },
);
law(
  "Hyena-X is the Hyena operator of order 2 with no long filter and D = 1",
  cases(hyenaX, { given: { shortW: true, innerW: false, innerB: false, innerState: false, shortState: false } }),
  ({ x, n }) => {
    const zero = (...shape: number[]) => tensor(shape, () => 0);
    const { wIn, bIn, shortW, shortB, wO, bO } = x;
    const filter = {
      fW1: zero(3, 1),
      fW2: zero(1, 1),
      fW3: zero(1, 1),
      fW4: zero(1, n.M),
      dSkip: tensor([n.M], () => 1),
    };
    const optional = { ...(bIn && { bIn }), ...(shortB && { shortB }), ...(bO && { bO }) };
    same(hyenaX(x).out, hyenaOperator({ x: x.x, wIn, shortW, wO, ...optional, ...filter }).out);
  },
);
law(
  "a token reaches K − 1 places on through the first filter and Ki − 1 more through the second",
  cases(hyenaX),
  ({ x, n }) => {
    const reach = 1 + Math.max(0, n.K - 1) + Math.max(0, n.Ki - 1);
    if (n.T <= reach) return;
    const other = edit(x.x, (v, t) => (t === 0 ? v + 1 : v));
    same(span(hyenaX({ ...x, x: other }).out, 0, reach, n.T), span(hyenaX(x).out, 0, reach, n.T));
  },
);
law(
  "each filter is a running sum of what it takes in",
  cases(hyenaX, { given: { ...bare, shortW: false, innerW: true } }),
  ({ x, n }) => {
    const ones = edit(x.innerW, () => 1);
    const identity = tensor([n.M, n.M], (a, b) => Number(a === b));
    const open = {
      ...x,
      wO: identity,
      wIn: edit(x.wIn, (v, _, i) => (i < n.M ? 0 : v)),
      bIn: tensor([3 * n.M], (i) => Number(i < n.M)),
    };
    const { innerW: _, ...plain } = open;
    const terms = hyenaX(plain).out;
    same(
      hyenaX({ ...open, innerW: ones }).out,
      edit(terms, (_v, t, m) => {
        let total = 0;
        for (let s = Math.max(0, t - n.Ki + 1); s <= t; s++) total += at(terms, s, m);
        return total;
      }),
    );
  },
);
