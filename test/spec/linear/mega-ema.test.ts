import { megaEma as ema } from "../../../spec/linear/mega-ema.ts";
import {
  at,
  cases,
  edit,
  example,
  fail,
  law,
  pick,
  refuses,
  same,
  span,
  specify,
  type Tensor,
  tensor,
} from "../../kit.ts";

specify(ema);

const silu = (x: number) => x / (1 + Math.exp(-x));
const shown = (...averages: number[]) => averages.map((e) => [silu(e)]);
const one = { x: [[1], [1], [1]], delta: [[0]], alpha: [[0]], beta: [[4]], gamma: [[1]] };
example("p = a = ½: the kernel is 2, 3/2, 9/8 and its sums the averages", ema, one, {
  out: shown(2, 3.5, 4.625),
  state: [[4.625]],
});
example(
  "resumed from 8, of which ¾ stays",
  ema,
  { ...one, x: [[1], [2]], state: [[8]] },
  {
    out: shown(8, 10),
    state: [[10]],
  },
);
example("ω adds the token itself", ema, { ...one, omega: [10] }, { out: shown(12, 13.5, 14.625) });
example(
  "two states add up over √2, the second with γ = ½ of β = 8",
  ema,
  { ...one, delta: [[0, 0]], alpha: [[0, 0]], beta: [[4, 8]], gamma: [[1, 0.5]] },
  { out: shown(2 * Math.SQRT2, 3.5 * Math.SQRT2, 4.625 * Math.SQRT2), state: [[4.625, 9.25]] },
);
const both = { ...one, delta: [[0], [0]], alpha: [[0], [0]], beta: [[4], [8]], gamma: [[1], [1]] };
example(
  "from both sides, the second kernel 4, 3, 9/4; each counts the token itself",
  ema,
  both,
  { out: shown(2 + 9.25, 3.5 + 7, 4.625 + 4) },
  { bidirectional: true },
);
refuses("a state needs bidirectional = false", ema, { ...both, state: [[1]] }, { bidirectional: true });

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const kernelOf = (x: { delta: Tensor; alpha: Tensor; beta: Tensor; gamma: Tensor }, row: number, lag: number) => {
  const N = x.delta.shape[1]!;
  let total = 0;
  for (let n = 0; n < N; n++) {
    const p = sigmoid(at(x.delta, row, n));
    total +=
      (at(x.gamma, row, n) * p * at(x.beta, row, n) * (1 - p * sigmoid(at(x.alpha, row, n))) ** lag) / Math.sqrt(N);
  }
  return total;
};
law(
  "it is a convolution with its kernel, from one side or both",
  cases(ema, { given: { state: false } }),
  ({ x, n, o }) =>
    same(
      ema(x, o).out,
      tensor([n.T, n.M], (t, m) => {
        let total = x.omega ? at(x.omega, m) * at(x.x, t, m) : 0;
        for (let s = 0; s <= t; s++) total += kernelOf(x, m, t - s) * at(x.x, s, m);
        if (o.bidirectional) for (let s = t; s < n.T; s++) total += kernelOf(x, n.M + m, s - t) * at(x.x, s, m);
        return silu(total);
      }),
    ),
);
law(
  "with α at its limit, β = γ = 1 and one state it is the plain moving average",
  cases(ema, { sizes: { N: 1 }, options: { bidirectional: false }, given: { omega: false, state: false } }),
  ({ x, n, o }) => {
    const set = (value: number) => edit(x.alpha, () => value);
    const means: number[][] = [];
    for (let t = 0; t < n.T; t++)
      means.push(
        Array.from({ length: n.M }, (_, m) => {
          const p = sigmoid(at(x.delta, m, 0));
          return (1 - p) * (means[t - 1]?.[m] ?? 0) + p * at(x.x, t, m);
        }),
      );
    same(
      ema({ ...x, alpha: set(Number.POSITIVE_INFINITY), beta: set(1), gamma: set(1) }, o).out,
      tensor([n.T, n.M], (t, m) => silu(means[t]![m]!)),
    );
  },
);
law(
  "read backwards with the two halves swapped, it is the same",
  cases(ema, { options: { bidirectional: true }, given: { state: false } }),
  ({ x, n, o }) => {
    const back = (t: Tensor) => pick(t, 0, n.T, (i) => n.T - 1 - i);
    const swap = (t: Tensor) => pick(t, 0, 2 * n.M, (i) => (i + n.M) % (2 * n.M));
    const { delta, alpha, beta, gamma } = x;
    const turned = { delta: swap(delta), alpha: swap(alpha), beta: swap(beta), gamma: swap(gamma) };
    same(ema({ ...x, ...turned, x: back(x.x) }, o).out, back(ema(x, o).out));
  },
);
law(
  "a second average that is not read leaves the first; only one alone hands a state on",
  cases(ema, { options: { bidirectional: true }, given: { state: false } }),
  ({ x, n, o }) => {
    const gamma = edit(x.gamma, (v, row) => (row < n.M ? v : 0));
    const first = (t: Tensor) => span(t, 0, 0, n.M);
    const cut = { ...x, delta: first(x.delta), alpha: first(x.alpha), beta: first(x.beta), gamma: first(gamma) };
    const [two, alone] = [ema({ ...x, gamma }, o), ema(cut, { ...o, bidirectional: false })];
    same(two.out, alone.out);
    if (two.state || !alone.state) fail("a state where there is none, or none where there is one");
  },
);
