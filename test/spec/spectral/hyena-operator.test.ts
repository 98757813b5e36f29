import { hyenaOperator as hyena } from "../../../spec/spectral/hyena-operator.ts";
import { longConvolution } from "../../../spec/spectral/long-convolution.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(hyena);

const silent = { fW1: [[0], [0], [0]], fW2: [[0]], fW3: [[0]], fW4: [[0]], wO: [[1]] };
const taps = (parts: number) => Array.from({ length: parts }, () => [1]);
example(
  "without a filter and D = 1 it is x₀ x₁ v",
  hyena,
  { ...silent, x: [[1], [2]], wIn: [[1, 2, 3]], shortW: taps(3), dSkip: [1] },
  {
    out: [[6], [48]],
  },
);
example(
  "order 3: x₀ x₁ x₂ v, times D of both steps, and a bias",
  hyena,
  { ...silent, fW4: [[0, 0]], x: [[1], [2]], wIn: [[1, 2, 3, 4]], shortW: taps(4), dSkip: [1, 10], bO: [1] },
  { out: [[241], [3841]] },
  { order: 3 },
);
example(
  "short filters of two taps, the last on the token: x₀ is the token before",
  hyena,
  {
    ...silent,
    x: [[1], [2]],
    wIn: [[1, 1, 1]],
    shortW: [
      [1, 0],
      [0, 1],
      [0, 1],
    ],
    dSkip: [1],
    bIn: [0, 0, 1],
    shortB: [5, 0, 0],
  },
  { out: [[5 * 1 * 2], [6 * 2 * 3]] },
);
const loud = { fW1: [[0], [0], [0]], fW2: [[0]], fW3: [[0]], fB3: [Math.PI / 2], fW4: [[1]], wO: [[1]] };
const gates = { wIn: [[1, 1, 1]], shortW: taps(3) };
const slow = 0.01 ** (1 / 1.5);
const fast = 0.01 ** (1 / 0.3);
example(
  "a filter of 1 fades to 0.01^(1/1.5) over the length",
  hyena,
  { ...loud, ...gates, x: [[1], [1]] },
  {
    out: [[1], [1 + slow]],
  },
);
example(
  "and half as fast if twice as many places are meant",
  hyena,
  { ...loud, ...gates, x: [[1], [1]] },
  {
    out: [[1], [1 + Math.sqrt(slow)]],
  },
  { lMax: 3 },
);
example(
  "a shift keeps up all of it",
  hyena,
  { ...loud, ...gates, x: [[1], [1]] },
  { out: [[1.5], [2 + slow]] },
  { shift: 0.5 },
);
example(
  "the second of two channels fades to 0.01^(1/0.3)",
  hyena,
  {
    ...loud,
    fW4: [[1, 1]],
    x: [
      [1, 1],
      [1, 1],
    ],
    wIn: [
      [1, 0, 1, 0, 1, 0],
      [0, 1, 0, 1, 0, 1],
    ],
    shortW: taps(6),
    wO: [
      [1, 0],
      [0, 1],
    ],
  },
  {
    out: [
      [1, 1],
      [1 + slow, 1 + fast],
    ],
  },
);
const { sin, cos } = Math;
const quiet = { fW2: [[1]], fW3: [[1]], fW4: [[1]], wO: [[1]], ...gates };
example(
  "three sines of the time 1, twice the frequency in each",
  hyena,
  { ...quiet, fW1: [[1], [0], [0]], freq: [2], x: [[1], [1]] },
  {
    out: [[0], [slow * sin(2 * sin(2 * sin(2)))]],
  },
);
example(
  "the frequency is 1 unless given, biases are inside",
  hyena,
  { ...quiet, fW1: [[1], [0], [0]], fB1: [1], fB2: [2], x: [[1]] },
  {
    out: [[sin(sin(2 + sin(1)))]],
  },
);
const features = (place: number) => Array.from({ length: 5 }, (_, j) => [j === place ? Math.PI / 2 : 0]);
const turns = {
  fW2: [[Math.PI / 2]],
  fW3: [[Math.PI / 2]],
  fW4: [[1]],
  wO: [[1]],
  shortW: taps(3),
  wIn: [[0, 0, 1]],
  bIn: [1, 1, 0],
};
const faded = [1, slow ** (1 / 3), slow ** (2 / 3), slow] as const;
example(
  "of five features the last is minus the sine of a turn over the length",
  hyena,
  { ...turns, fW1: features(4), x: [[1], [0], [0], [0]] },
  { out: [[0], [-faded[1]], [0], [faded[3]]] },
);
example(
  "and the third its cosine",
  hyena,
  { ...turns, fW1: features(2), x: [[1], [0], [0], [0]] },
  { out: [[1], [0], [-faded[2]], [0]] },
);
const angle = (1e-4 * 2 * Math.PI) / 4;
const small = { ...turns, fW2: [[1]], fW3: [[1]] };
example(
  "the fourth is minus the sine of 1/10000 of it, the second the cosine",
  hyena,
  { ...small, fW1: [[0], [0], [0], [1000], [0]], x: [[1], [0], [0], [0]] },
  { out: [0, 1, 2, 3].map((r) => [-faded[r]! * sin(sin(sin(1000 * sin(angle * r))))]) },
);
example(
  "seven features: the middle frequency lies halfway from 1/10000 to 2",
  hyena,
  { ...small, fW1: [[0], [0], [1], [0], [0], [0], [0]], x: [[1], [0], [0], [0]] },
  { out: [0, 1, 2, 3].map((r) => [faded[r]! * sin(sin(sin(cos((Math.PI * r * (1e-4 + 2)) / 4))))]) },
);
refuses("lMax must be at least T", hyena, { ...quiet, fW1: [[1], [0], [0]], x: [[1], [1]] }, { lMax: 1 });
refuses("P must be odd", hyena, { ...quiet, fW1: [[1], [0], [0], [0]], x: [[1]] });
refuses("at least 3", hyena, { ...quiet, fW1: [[1]], x: [[1]] });

const identity = (n: number) => tensor([n, n], (i, j) => Number(i === j));
law(
  "with gates of one it is a long convolution by its own answer to an impulse",
  cases(hyena, { options: { order: 2 }, given: { shortB: false, bO: false, bIn: false } }),
  ({ x, n, o }) => {
    const asValue = {
      ...x,
      wIn: tensor([n.M, 3 * n.M], (c, i) => Number(i === 2 * n.M + c)),
      bIn: tensor([3 * n.M], (i) => Number(i < 2 * n.M)),
      shortW: tensor([3 * n.M, 1], () => 1),
      wO: identity(n.M),
    };
    const impulse = tensor([n.T, n.M], (t) => Number(t === 0));
    const answer = hyena({ ...asValue, x: impulse }, o).out;
    const kernel = tensor([n.M, n.T], (m, t) => at(answer, t, m));
    same(hyena(asValue, o).out, longConvolution({ u: x.x, kernel }).out);
  },
);
law(
  "without biases twice the tokens give 2 to the N + 1 times the result",
  cases(hyena, { given: { bIn: false, shortB: false, bO: false } }),
  ({ x, o }) => {
    same(
      hyena({ ...x, x: edit(x.x, (v) => 2 * v) }, o).out,
      edit(hyena(x, o).out, (v) => 2 ** (o.order + 1) * v),
    );
  },
);
