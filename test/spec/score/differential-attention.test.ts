import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { rotaryPositionEmbedding } from "../../../spec/positional/rotary-position-embedding.ts";
import { differentialAttention as differential } from "../../../spec/score/differential-attention.ts";
import { at, cases, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(differential);

const identity = (n: number) =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
const none = (d: number) => ({
  lambdaQ1: Array.from({ length: d }, () => 0),
  lambdaK1: Array.from({ length: d }, () => 0),
  lambdaQ2: Array.from({ length: d }, () => 0),
  lambdaK2: Array.from({ length: d }, () => 0),
});
example(
  "one token: both maps are 1 and λ = 0.2, so 0.8·(3, 4) with mean square 8 is normalised and times 1 − 0.2",
  differential,
  { x: [[1]], wQ: [[1, 1]], wK: [[1, 1]], wV: [[3, 4]], wO: identity(2), ...none(1), g: [1, 10] },
  { out: [[(0.8 * 2.4) / Math.sqrt(8 + 1e-5), (0.8 * 32) / Math.sqrt(8 + 1e-5)]] },
  { rope: false },
);
const later = 0.8 - 0.6 * Math.exp(-0.6);
example(
  "in layer 2, with products ln 3 and ln 2 of the λ vectors, λ is 3 − 2 + λ₀; a small value shows ε",
  differential,
  {
    x: [[1]],
    wQ: [[1, 1]],
    wK: [[1, 1]],
    wV: [[0.01, 0]],
    wO: [[1], [0]],
    lambdaQ1: [Math.log(3)],
    lambdaK1: [1],
    lambdaQ2: [1],
    lambdaK2: [Math.log(2)],
  },
  { out: [[((1 - later) * -later * 0.01) / Math.sqrt((later * 0.01) ** 2 / 2 + 1e-5)]] },
  { rope: false, depth: 2 },
);
const turned = 1 / (1 + Math.exp(100 * (Math.cos(0.01) - 1)));
const [second, first] = [turned - 0.1, 1 - turned - 0.1];
const size = Math.sqrt((first ** 2 + second ** 2) / 8 + 1e-5);
example(
  "pair 1 of D = 4 turns 1/100 per place: scores 100·cos 0.01 and 100 in the first map, equal ones in the second",
  differential,
  {
    x: [
      [1, 1, 0],
      [1, 0, 1],
    ],
    wQ: [[0, 0, 200, 0, 0, 0, 0, 0], Array(8).fill(0), Array(8).fill(0)],
    wK: [[0, 0, 1, 0, 0, 0, 0, 0], Array(8).fill(0), Array(8).fill(0)],
    wV: [Array(8).fill(0), [1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]],
    wO: identity(8).map(([a = 0, b = 0]) => [a, b]),
    ...none(4),
  },
  {
    out: [
      [(0.8 * 0.8) / Math.sqrt(0.64 / 8 + 1e-5), 0],
      [(0.8 * first) / size, (0.8 * second) / size],
    ],
  },
);

const indices = (n: number) => Array.from({ length: n }, (_, i) => i);
const project = (x: Tensor, w: Tensor, from: number, width: number) =>
  tensor([x.shape[0]!, width], (t, d) =>
    indices(w.shape[0]!).reduce((sum, m) => sum + at(x, t, m) * at(w, m, from + d), 0),
  );
law(
  "is, for each head, one attention less λ times another, normalised, times the gain and 1 − λ₀",
  cases(differential),
  ({ x, n, o }) => {
    const r = n.H / n.Hk;
    const initial = 0.8 - 0.6 * Math.exp(-0.3 * o.depth);
    const dot = (a: Tensor, b: Tensor) => indices(n.D).reduce((sum, d) => sum + at(a, d) * at(b, d), 0);
    const lambda = Math.exp(dot(x.lambdaQ1, x.lambdaK1)) - Math.exp(dot(x.lambdaQ2, x.lambdaK2)) + initial;
    const positions = tensor([n.T], (t) => t);
    const turn = (y: Tensor) =>
      o.rope ? rotaryPositionEmbedding({ x: y, positions }, { layout: "interleaved", base: o.ropeBase }).out : y;
    const map = (j: number) =>
      attention(
        {
          q: turn(project(x.x, x.wQ, j * n.D, n.D)),
          k: turn(project(x.x, x.wK, Math.floor(j / r) * n.D, n.D)),
          v: project(x.x, x.wV, Math.floor(j / 2 / r) * n.E, n.E),
        },
        { causal: o.causal },
      ).out;
    const heads = indices(n.H).map((h) => {
      const [one, other] = [map(2 * h), map(2 * h + 1)];
      const raw = tensor([n.T, n.E], (t, e) => at(one, t, e) - lambda * at(other, t, e));
      const root = (t: number) => Math.sqrt(indices(n.E).reduce((sum, e) => sum + at(raw, t, e) ** 2, 0) / n.E + 1e-5);
      return tensor([n.T, n.E], (t, e) => ((1 - initial) * (x.g ? at(x.g, e) : 1) * at(raw, t, e)) / root(t));
    });
    const joined = tensor([n.T, n.H * n.E], (t, c) => at(heads[Math.floor(c / n.E)]!, t, c % n.E));
    same(differential(x, o).out, project(joined, x.wO, 0, n.Mo), 1e-11);
  },
);
law(
  "when the second map is the first, the result is (1 − λ) times attention, normalised: its sign turns where λ passes 1",
  cases(differential, {
    options: { heads: 1, rope: false, causal: false, depth: 0 },
    sizes: { Hk: 1, D: 1 },
    given: { g: false },
  }),
  ({ x, n, o }) => {
    const twice = (w: Tensor) => tensor([n.M, 2], (m) => at(w, m, 0));
    const zero = tensor([1], () => 0);
    const one = tensor([1], () => 1);
    const at2 = (lambda: number) =>
      differential(
        {
          ...x,
          wQ: twice(x.wQ),
          wK: twice(x.wK),
          lambdaQ1: tensor([1], () => Math.log(lambda + 0.8)),
          lambdaK1: one,
          lambdaQ2: zero,
          lambdaK2: zero,
        },
        o,
      ).out;
    same(
      at2(0.5),
      tensor([n.T, n.Mo], (t, m) => -at(at2(1.5), t, m)),
    );
  },
);
