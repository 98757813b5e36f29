import { s4d } from "../../../spec/linear/s4d.ts";
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

specify(s4d);

const one = {
  u: [[1], [1], [1]],
  logDt: [Math.log(Math.LN2)],
  aRe: [[0]],
  aIm: [[0]],
  c: [[[100, 0]]],
  wOut: [[1, 0]],
};
example("rate −1 over ln 2: half stays; the kernel is 100, 50, 25, the gate of 0 is ½", s4d, one, {
  out: [[50], [75], [87.5]],
  kernel: [[100, 50, 25]],
  state: [[[1.75, 0]]],
});
example(
  "resumed from 8, a skip of 10, gate and biases",
  s4d,
  { ...one, u: [[1]], d: [10], wOut: [[2, 1]], bOut: [5, -510], state: [[[8, 6]]] },
  { out: [[(2 * 510 + 5) / 2]], state: [[[5, 3]]] },
);
example(
  "rate −e",
  s4d,
  { ...one, aRe: [[1]], logDt: [Math.log(Math.LN2) - 1] },
  { kernel: [[100 / Math.E, 50 / Math.E, 25 / Math.E]] },
);
const quarter = Math.PI / 2 / Math.LN2;
example(
  "a quarter turn a step besides: (i/2)ˡ, with C = A / (i/2 − 1) so that one of it is written",
  s4d,
  { ...one, aIm: [[quarter]], c: [[[(1 + quarter / 2) / 1.25, (0.5 - quarter) / 1.25]]] },
  { kernel: [[2, 0, -0.5]] },
);
example(
  "from the other side 200, 100 for the next token and the one after it",
  s4d,
  { ...one, c: [[[100, 0]], [[200, 0]]] },
  {
    out: [[50 + 150], [75 + 100], [87.5]],
    kernel: [
      [100, 50, 25],
      [200, 100, 50],
    ],
  },
  { bidirectional: true },
);
refuses(
  "a state needs bidirectional = false",
  s4d,
  { ...one, c: [[[1, 0]], [[1, 0]]], state: [[[1, 0]]] },
  { bidirectional: true },
);

const tail = (x: Parameters<typeof s4d>[0], y: Tensor) => {
  const { state, ...rest } = x;
  return s4d({ ...rest, u: y, c: edit(x.c as Tensor, () => 0), d: tensor([y.shape[1]!], () => 1) }).out;
};
law(
  "it is a convolution with its kernel",
  cases(s4d, { given: { state: false }, options: { bidirectional: false } }),
  ({ x, n, o }) => {
    const { out, kernel } = s4d(x, o);
    const y = tensor([n.T, n.M], (t, m) => {
      let total = x.d ? at(x.d, m) * at(x.u, t, m) : 0;
      for (let s = 0; s <= t; s++) total += at(kernel, m, t - s) * at(x.u, s, m);
      return total;
    });
    same(out, tail(x, y));
  },
);
law(
  "the second kernel acts on reversed tokens, one later",
  cases(s4d, { given: { state: false, d: false }, options: { bidirectional: true } }),
  ({ x, n, o }) => {
    const { out, kernel } = s4d(x, o);
    const y = tensor([n.T, n.M], (t, m) => {
      let total = 0;
      for (let s = 0; s <= t; s++) total += at(kernel, m, t - s) * at(x.u, s, m);
      for (let s = t + 1; s < n.T; s++) total += at(kernel, n.M + m, s - t - 1) * at(x.u, s, m);
      return total;
    });
    same(out, tail({ ...x, c: span(x.c, 0, 0, n.M) }, y));
  },
);
law(
  "the two halves of c have kernels alike; a silent second half leaves the layer of the first, which alone hands a state on",
  cases(s4d, { given: { state: false }, options: { bidirectional: true } }),
  ({ x, n, o }) => {
    const swapped = pick(x.c, 0, 2 * n.M, (m) => (m + n.M) % (2 * n.M));
    const kernel = s4d({ ...x, c: swapped }, o).kernel;
    same(
      pick(kernel, 0, 2 * n.M, (m) => (m + n.M) % (2 * n.M)),
      s4d(x, o).kernel,
    );
    const silent = s4d({ ...x, c: edit(x.c, (v, m) => (m < n.M ? v : 0)) }, o);
    const alone = s4d({ ...x, c: span(x.c, 0, 0, n.M) }, { ...o, bidirectional: false });
    same(silent.out, alone.out);
    if (silent.state || !alone.state) fail("a state where there is none, or none where there is one");
  },
);
law("half the step at twice the rates has half the kernel", cases(s4d), ({ x, o }) => {
  const faster = {
    logDt: edit(x.logDt, (v) => v - Math.LN2),
    aRe: edit(x.aRe, (v) => v + Math.LN2),
    aIm: edit(x.aIm, (v) => 2 * v),
  };
  same(
    s4d({ ...x, ...faster }, o).kernel,
    edit(s4d(x, o).kernel, (v) => v / 2),
  );
});
