import { tttLinear as ttt } from "../../../spec/linear/ttt-linear.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(ttt);

const root = 1 / Math.sqrt(1 + 1e-6);
// One head, two features: z = (1, −1) has mean 0 and mean square 1, so its norm is (1, −1) but for ε.
const plain = {
  q: [[[0, 0]]],
  k: [[[0, 0]]],
  v: [[[0, 0]]],
  x: [[0]],
  theta: [[0]],
  thetaB: [0],
  gam: [[1, 1]],
  bet: [[0, 0]],
  w: [
    [
      [0, 0],
      [0, 0],
    ],
  ],
  b: [[1, -1]],
};
example(
  "the target is what the model gives already, so nothing is learned: the query plus the norm of b",
  ttt,
  { ...plain, q: [[[3, 4]]], v: [[[root, -root]]], tau: [0] },
  { out: [[[3 + root, 4 - root]]], b: [[[1, -1]]].flat(), gradB: [[0, 0]], position: 0 },
  { miniBatch: 1 },
);
// Error (0, 2) at the norm's output: mean 1, mean along the norm −root, so through the norm (0 − 1 + root², 2 − 1 − root²) · root.
const left = (root ** 2 - 1) * root;
example(
  "an error of (0, 2): a rate of ½ / 2, a gradient of almost nothing, since the norm takes out shifts and lengths",
  ttt,
  { ...plain, v: [[[root, -root - 2]]], tau: [0] },
  { b: [[1 - left / 4, -1 + left / 4]], gradB: [[0, 0]], position: 0 },
  { miniBatch: 1 },
);
example(
  "in an unfinished mini-batch b stays and the gradients are kept, by default one of 16 tokens",
  ttt,
  { ...plain, v: [[[root, -root - 2]]], tau: Array(16).fill(0) },
  { b: [[1, -1]], gradB: [[left / 4, -left / 4]], position: 1 },
);
const wide = {
  q: [[[1, 0, 0]]],
  k: [[[2, 0, 0]]],
  v: [[[2, 0, 0]]],
  x: [[1]],
  theta: [[Math.log(3)]],
  thetaB: [0],
  gam: [[1, 1, 1]],
  bet: [[0, 1, 0]],
  w: [
    [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
  ],
  b: [[0, 0, 0]],
};
// z = 0 has norm 0 and s = 10⁻³; the error is (0, 1, 0), of mean 1/3; the rate ¾ / 3 = ¼.
const g = [-1000 / 3, 2000 / 3, -1000 / 3];
example(
  "weights that are all 0: a rate of ¼ times 1000 (error − mean), times the key for W",
  ttt,
  { ...wide, tau: [0, 0] },
  {
    gradB: [g.map((v) => v / 4)],
    gradW: [[g.map((v) => v / 2), [0, 0, 0], [0, 0, 0]]],
    position: 1,
  },
  { miniBatch: 2 },
);
example(
  "a step of 1/(1 + 1) + ¼ at the second place of a mini-batch, and a base rate of 2",
  ttt,
  {
    ...wide,
    tau: [9, 0.25],
    position: 1,
    gradW: [
      [
        [100, 0, 0],
        [0, 0, 0],
        [0, 0, 8],
      ],
    ],
    gradB: [[0, 0, 4]],
  },
  {
    w: [
      [
        [-75 - 0.75 * g[0]!, -0.75 * g[1]!, -0.75 * g[2]!],
        [0, 0, 0],
        [0, 0, -6],
      ],
    ],
    b: [[-0.375 * g[0]!, -0.375 * g[1]!, -3 - 0.375 * g[2]!]],
    gradB: [[0, 0, 0]],
    position: 0,
  },
  { miniBatch: 2, base: 2 },
);
example(
  "a step below 0 is none",
  ttt,
  { ...wide, tau: [-5] },
  { b: [[0, 0, 0]], gradB: [[0, 0, 0]], out: [[[1, 1, 0]]] },
  { miniBatch: 1 },
);
refuses("position holds integers from 0 to 1", ttt, { ...wide, tau: [0, 0], position: 2 }, { miniBatch: 2 });

const norm = (z: readonly number[], gam: readonly number[], bet: readonly number[]) => {
  const mean = z.reduce((a, b) => a + b, 0) / z.length;
  const size = Math.sqrt(z.reduce((a, b) => a + (b - mean) ** 2, 0) / z.length + 1e-6);
  return z.map((v, d) => ((v - mean) / size) * gam[d]! + bet[d]!);
};
law("steps of size 0 leave the model as it is", cases(ttt), ({ x, n, o }) => {
  const idle = ttt({ ...x, tau: edit(x.tau, () => -1) }, o);
  same(idle.w, x.w);
  same(idle.b, x.b);
  same(
    idle.out,
    tensor([n.H, n.T, n.D], (h, t, d) => {
      const z = Array.from({ length: n.D }, (_, c) => {
        let total = at(x.b, h, c);
        for (let i = 0; i < n.D; i++) total += at(x.q, h, t, i) * at(x.w, h, i, c);
        return total;
      });
      const row = (of: typeof x.gam) => Array.from({ length: n.D }, (_, c) => at(of, h, c));
      return at(x.q, h, t, d) + norm(z, row(x.gam), row(x.bet))[d]!;
    }),
  );
});
law(
  // Differences of a loss over 2·10⁻⁵ agree with its gradient to some eight digits.
  "the gradient is that of ½ |f(k W + b) − (v − k)|², by differences",
  cases(
    ttt,
    { sizes: { T: 1, H: 1, D: 3 }, options: { miniBatch: 2 }, given: { gradW: false, gradB: false, position: false } },
    { values: "normal" },
  ),
  ({ x, n, o }) => {
    const loss = (w: typeof x.w, b: typeof x.b) => {
      const features = Array.from({ length: n.D }, (_, d) => d);
      const z = features.map((c) =>
        features.reduce((total, i) => total + at(x.k, 0, 0, i) * at(w, 0, i, c), at(b, 0, c)),
      );
      const y = norm(
        z,
        features.map((d) => at(x.gam, 0, d)),
        features.map((d) => at(x.bet, 0, d)),
      );
      return features.reduce((total, d) => total + (y[d]! - (at(x.v, 0, 0, d) - at(x.k, 0, 0, d))) ** 2 / 2, 0);
    };
    let score = at(x.thetaB, 0);
    for (let m = 0; m < n.M; m++) score += at(x.x, 0, m) * at(x.theta, 0, m);
    const rate = o.base / (1 + Math.exp(-score)) / n.D;
    const h = 1e-5;
    const moved = (t: typeof x.w, by: number, ...where: number[]) =>
      edit(t, (v, ...index) => (index.every((i, a) => i === where[a]) ? v + by : v));
    const { gradW, gradB } = ttt(x, o);
    const spread = Math.min(...Array.from({ length: n.D }, (_, d) => d).map((d) => Math.abs(at(x.b, 0, d))));
    if (spread < 0.1) return;
    same(
      gradB,
      edit(
        gradB,
        (_, head, d) => (rate * (loss(x.w, moved(x.b, h, head, d)) - loss(x.w, moved(x.b, -h, head, d)))) / (2 * h),
      ),
      1e-4,
    );
    same(
      gradW,
      edit(
        gradW,
        (_, head, i, d) =>
          (rate * (loss(moved(x.w, h, head, i, d), x.b) - loss(moved(x.w, -h, head, i, d), x.b))) / (2 * h),
      ),
      1e-4,
    );
  },
);
law(
  "the dual form: one product of queries with the keys so far and their gradients, no W for each token",
  cases(ttt, {
    sizes: { H: 1, T: 3, D: 3 },
    options: { miniBatch: 3 },
    given: { gradW: false, gradB: false, position: false },
  }),
  ({ x, n, o }) => {
    const G = Array.from({ length: n.T }, (_, s) => {
      const one = (t: typeof x.q) => tensor([1, 1, n.D], (h, _, d) => at(t, h, s, d));
      const alone = ttt(
        { ...x, q: one(x.q), k: one(x.k), v: one(x.v), x: tensor([1, n.M], (_, m) => at(x.x, s, m)) },
        o,
      );
      return alone.gradB;
    });
    same(
      ttt(x, o).out,
      tensor([1, n.T, n.D], (_, t, d) => {
        const step = Math.max(1 / (t + 1) + at(x.tau, t), 0);
        const z = Array.from({ length: n.D }, (_, c) => {
          let total = at(x.b, 0, c);
          for (let i = 0; i < n.D; i++) total += at(x.q, 0, t, i) * at(x.w, 0, i, c);
          for (let s = 0; s <= t; s++) {
            let product = 1;
            for (let i = 0; i < n.D; i++) product += at(x.q, 0, t, i) * at(x.k, 0, s, i);
            total -= step * product * at(G[s]!, 0, c);
          }
          return total;
        });
        const row = (of: typeof x.gam) => Array.from({ length: n.D }, (_, c) => at(of, 0, c));
        return at(x.q, 0, t, d) + norm(z, row(x.gam), row(x.bet))[d]!;
      }),
      // The norm divides by a deviation that may be 10⁻³.
      1e-8,
    );
  },
);
