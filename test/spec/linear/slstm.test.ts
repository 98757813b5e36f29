import { slstm } from "../../../spec/linear/slstm.ts";
import { at, cases, edit, example, fail, law, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(slstm);

const one = { x: [[1], [-1]], w: [[0, 0, 20, 0]], r: [[[0, 0, 0, 0]]] };
example("σ(0) keeps half: the cell is 1, then ½ − 1, over 1, then ½ + 1; the output gate is ½", slstm, one, {
  out: [[0.5], [-1 / 6]],
  y: [[-1 / 6]],
  c: [[-0.5]],
  n: [[1.5]],
  m: [[0]],
});
example(
  "an input gate of ln 8 at the first token is the scale, of which ln 4 stays: the second counts ¼",
  slstm,
  { ...one, w: [[Math.log(8), 0, 20, 0]], b: [0, 0, 0, Math.log(3)] },
  { out: [[0.75], [(0.75 * (1 - 1 / 32)) / (1 + 1 / 32)]], m: [[Math.log(4)]] },
);
example(
  "nothing normalised yet: the scale starts anew and what stays of a cell is at most all of it",
  slstm,
  { ...one, x: [[1]], b: [0, 100, 0, 0], c: [[5]], m: [[3]] },
  { out: [[3]], c: [[6]], n: [[1]], m: [[0]] },
);
example(
  "once something is, the larger scale wins",
  slstm,
  { ...one, x: [[1]], b: [0, 100, 0, 0], c: [[5]], n: [[1]], m: [[Math.log(4)]] },
  { out: [[5.25 / 1.25 / 2]], m: [[Math.log(4)]] },
);
example(
  "what came out last goes through R into the gates, also of the first token if resumed",
  slstm,
  { x: [[0]], w: [[0, 0, 0, 0]], r: [[[1, 0, 40, 0]]], y: [[0.5]] },
  { out: [[0.5]], m: [[0.5]] },
);
example(
  "two heads of two features: R stays within a head, gates are slowest in its columns",
  slstm,
  {
    x: [[0]],
    w: [Array.from({ length: 16 }, () => 0)],
    r: [
      [
        [1, 2, 0, 0, 0, 0, 0, 0],
        [10, 20, 0, 0, 0, 0, 0, 0],
      ],
      [
        [3, 4, 0, 0, 0, 0, 0, 0],
        [30, 40, 0, 0, 0, 0, 0, 0],
      ],
    ],
    y: [
      [1, 2],
      [3, 4],
    ],
  },
  {
    m: [
      [21, 42],
      [129, 172],
    ],
  },
  { heads: 2 },
);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const fresh = { given: { y: false, c: false, n: false, m: false } };
law("from nothing, what comes out is at most 1", cases(slstm, fresh), ({ x, o }) => {
  for (const y of slstm(x, o).out.data) if (Math.abs(y) > 1) fail(`${y} came out`);
});
const alone = (
  x: { x: Tensor; w: Tensor; b?: Tensor },
  n: { M: number; H: number; D: number },
  t: number,
  gate: number,
  i: number,
) => {
  const column = gate * n.H * n.D + i;
  let total = x.b ? at(x.b, column) : 0;
  for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(x.w, m, column);
  return total;
};
law("with R = 0 and without the scale: exponential gates over their own sum", cases(slstm, fresh), ({ x, n, o }) => {
  const width = n.H * n.D;
  same(
    slstm({ ...x, r: edit(x.r, () => 0) }, o).out,
    tensor([n.T, width], (t, i) => {
      let [cell, norm] = [0, 0];
      for (let s = 0; s <= t; s++) {
        const forget = sigmoid(alone(x, n, s, 1, i));
        const input = Math.exp(alone(x, n, s, 0, i));
        cell = forget * cell + input * Math.tanh(alone(x, n, s, 2, i));
        norm = forget * norm + input;
      }
      return (sigmoid(alone(x, n, t, 3, i)) * cell) / norm;
    }),
  );
});
law("with the forget gate shut only the token itself counts", cases(slstm, fresh), ({ x, n, o }) => {
  const b = tensor([4 * n.H * n.D], (i) => (Math.floor(i / (n.H * n.D)) === 1 ? Number.NEGATIVE_INFINITY : 0.25));
  const free = { ...x, r: edit(x.r, () => 0), b };
  same(
    slstm(free, o).out,
    tensor([n.T, n.H * n.D], (t, i) => sigmoid(alone(free, n, t, 3, i)) * Math.tanh(alone(free, n, t, 2, i))),
  );
});
law(
  "cell and normaliser on another scale are the same state",
  cases(slstm, { given: { y: true, c: true, n: true, m: true } }),
  ({ x, o }) => {
    const other = {
      c: edit(x.c, (v) => v / 2),
      n: edit(x.n, (v) => v / 2),
      m: edit(x.m, (v) => v + Math.LN2),
    };
    same(slstm({ ...x, ...other }, o).out, slstm(x, o).out);
  },
);
law("heads do not meet", cases(slstm, { sizes: { D: 2 }, options: { heads: 2 } }), ({ x, n, o }) => {
  const first = (t: Tensor) => span(t, 0, 0, 1);
  const part = (t: Tensor, axis: number) =>
    tensor(
      t.shape.map((length, a) => (a === axis ? 8 : length)),
      (...index) => {
        const i = index[axis]!;
        const column = Math.floor(i / 2) * 4 + (i % 2);
        return at(t, ...index.map((place, a) => (a === axis ? column : place)));
      },
    );
  const { y, c, n: norm, m } = x;
  const one = slstm(
    {
      x: x.x,
      w: part(x.w, 1),
      r: first(x.r),
      ...(x.b && { b: part(x.b, 0) }),
      ...(y && { y: first(y) }),
      ...(c && { c: first(c) }),
      n: norm ? first(norm) : tensor([1, 2], () => 1),
      ...(m && { m: first(m) }),
    },
    { heads: 1 },
  ).out;
  const whole = slstm({ ...x, n: norm ?? tensor([n.H, n.D], () => 1) }, o).out;
  same(span(whole, 1, 0, 2), one);
});
