import { atlasMemory as atlas } from "../../../spec/linear/atlas-memory.ts";
import { deltanet } from "../../../spec/linear/deltanet.ts";
import { at, cases, edit, example, law, refuses, same, span, specify, tensor } from "../../kit.ts";

specify(atlas);

const still = { q: [[1]], k: [[1]], v: [[0]], gamma: [0], alpha: [1], eta: [-1], theta: [1] };
const plain = { degree: 1, nsSteps: 0, normalise: false };
example(
  "the features of (2, 3) up to degree 2: 1, 2, 3, 4, 6, 9",
  atlas,
  { ...still, q: [[2, 3]], k: [[0, 0]], memory: [[1], [10], [100], [1000], [10000], [100000]] },
  { out: [[964321]] },
  { normalise: false },
);
example(
  "with coefficients 2, 3 and 5 of the degrees",
  atlas,
  { ...still, q: [[2, 3]], k: [[0, 0]], memory: [[1], [0], [1], [0], [1], [0]], coefficient: [2, 3, 5] },
  { out: [[2 + 9 + 30]] },
  { normalise: false },
);
example(
  "normalised: (3, 4) is (0.6, 0.8)",
  atlas,
  { ...still, q: [[3, 4]], k: [[0, 0]], memory: [[0], [10], [100]] },
  { out: [[86]] },
  { degree: 1 },
);
example(
  "what is shorter than 10⁻¹² counts by that: 10⁻¹³ is a tenth",
  atlas,
  { ...still, q: [[1e-13]], memory: [[0], [5]] },
  { out: [[0.5]] },
  { degree: 1 },
);
example(
  "the gradient 2 · ½ (1, 3) · (1 + 6 − 4), twice the old momentum, half the old memory less a tenth of the new momentum",
  atlas,
  {
    q: [[1]],
    k: [[3]],
    v: [[4]],
    gamma: [0.5],
    alpha: [0.5],
    eta: [0.1],
    theta: [2],
    memory: [[1], [2]],
    momentum: [[10], [20]],
  },
  { out: [[0.5 - 2.3 + 1 - 4.9]], memory: [[-1.8], [-3.9]], momentum: [[23], [49]] },
  plain,
);
example(
  "one step on (3, 4): length 1, then 3.4445 − 4.775 + 2.0315 = 0.701 of it",
  atlas,
  { ...still, momentum: [[3], [4]] },
  { memory: [[0.4206], [0.5608]], momentum: [[3], [4]] },
  { degree: 1, nsSteps: 1 },
);
example(
  "no shorter than 10⁻⁷: 10⁻⁸ is a tenth",
  atlas,
  { ...still, momentum: [[1e-8], [0]] },
  { memory: [[0.34445 - 0.004775 + 0.000020315], [0]] },
  { degree: 1, nsSteps: 1 },
);
const quintic = (s: number) => 3.4445 * s - 4.775 * s ** 3 + 2.0315 * s ** 5;
const fivefold = quintic(quintic(quintic(quintic(quintic(Math.SQRT1_2)))));
example(
  "five steps by default, on the two singular values √½ of the identity",
  atlas,
  {
    ...still,
    v: [[0, 0]],
    momentum: [
      [1, 0],
      [0, 1],
    ],
  },
  {
    memory: [
      [fivefold, 0],
      [0, fivefold],
    ],
  },
  { degree: 1 },
);
const step = {
  q: [[0], [0], [0]],
  k: [[0], [0], [0]],
  gamma: [0.5, 0.5, 0.5],
  alpha: [1, 1, 1],
  eta: [1, 1, 1],
  theta: [0, 0, 0],
};
example(
  "degree 0 holds one value: with γ = ½ and η = 1 each token replaces it",
  atlas,
  { ...step, v: [[4], [8], [2]] },
  { out: [[4], [8], [2]] },
  { ...plain, degree: 0 },
);
example(
  "a window of two at η = ½: the mean of the last two",
  atlas,
  { ...step, eta: [0.5, 0.5, 0.5], v: [[4], [8], [2]], pastK: [[0]], pastV: [[6]], pastGamma: [0.5] },
  { out: [[5], [6], [5]], pastK: [[0]], pastV: [[2]], pastGamma: [0.5] },
  { ...plain, degree: 0, window: 2 },
);
example(
  "a window of three keeps the last two tokens: one of before and the new one",
  atlas,
  { ...still, k: [[3]], v: [[30]], gamma: [0.3], pastK: [[1], [2]], pastV: [[10], [20]], pastGamma: [0.1, 0.2] },
  { pastK: [[2], [3]], pastV: [[20], [30]], pastGamma: [0.2, 0.3] },
  { window: 3 },
);
example(
  "chunks of two: the second token takes its gradient at the memory of 0 before the first",
  atlas,
  { ...step, v: [[4], [8], [2]] },
  { out: [[4], [12], [2]] },
  { ...plain, degree: 0, chunk: 2 },
);
refuses("window must be an integer ≥ 1", atlas, { ...still }, { window: Number.POSITIVE_INFINITY });

law(
  "with a window of one, no momentum, no decay and no orthogonalisation it is the delta rule at β = 2γη on the features",
  cases(atlas, {
    options: { window: 1, chunk: 1, degree: 1, nsSteps: 0, normalise: false },
    given: { coefficient: false },
  }),
  ({ x, n, o }) => {
    const features = (t: typeof x.q) => tensor([n.T, n.D + 1], (s, i) => (i === 0 ? 1 : at(t, s, i - 1)));
    const wanted = deltanet(
      {
        q: features(x.q),
        k: features(x.k),
        v: x.v,
        beta: tensor([n.T], (t) => 2 * at(x.gamma, t) * at(x.eta, t)),
        ...(x.memory && { state: x.memory }),
      },
      { scale: 1 },
    );
    const actual = atlas({ ...x, alpha: edit(x.alpha, () => 1), theta: edit(x.theta, () => 0) }, o);
    same(actual.out, wanted.out);
    same(actual.memory, wanted.state);
  },
);
law("η = 0 lets the memory fade and nothing else", cases(atlas, { given: { memory: true } }), ({ x, n, o }) => {
  const kept = Array.from({ length: n.T }, (_, t) => at(x.alpha, t)).reduce((a, b) => a * b, 1);
  same(
    atlas({ ...x, eta: edit(x.eta, () => 0) }, o).memory,
    edit(x.memory, (v) => kept * v),
  );
});
law(
  "a chunk of all tokens and a window of as many: every step is a sum of gradients at the first memory",
  cases(atlas, {
    sizes: { T: 4 },
    options: { window: 3, chunk: 5, nsSteps: 0 },
    given: { pastGamma: false, momentum: false },
  }),
  ({ x, o }) => {
    const alone = (t: number, gamma: number) =>
      atlas(
        {
          ...x,
          q: span(x.q, 0, t, t + 1),
          k: span(x.k, 0, t, t + 1),
          v: span(x.v, 0, t, t + 1),
          gamma: tensor([1], () => gamma),
          alpha: tensor([1], () => 1),
          eta: tensor([1], () => 1),
          theta: tensor([1], () => 0),
        },
        o,
      ).momentum;
    const parts = [0, 1, 2, 3].map((t) => alone(t, at(x.gamma, t)));
    const momentum = atlas({ ...x, theta: edit(x.theta, () => 1) }, o).momentum;
    const times = [3, 3, 2, 1];
    same(
      momentum,
      edit(parts[0]!, (_, i, e) => parts.reduce((sum, part, t) => sum + times[t]! * at(part, i, e), 0)),
    );
  },
);
law(
  "the orthogonalised step knows no scale and turns its sign with the momentum",
  cases(atlas, { sizes: { T: 1 }, options: { window: 1, nsSteps: 5 }, given: { momentum: true, memory: false } }),
  ({ x, o }) => {
    const start = { ...x, gamma: edit(x.gamma, () => 0), theta: edit(x.theta, () => 1), eta: edit(x.eta, () => 1) };
    const stepped = (factor: number) => atlas({ ...start, momentum: edit(x.momentum, (v) => factor * v) }, o).memory;
    same(stepped(4), stepped(1));
    same(
      stepped(-1),
      edit(stepped(1), (v) => -v),
    );
  },
);
