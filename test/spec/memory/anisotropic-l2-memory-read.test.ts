import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { anisotropicL2MemoryRead as read } from "../../../spec/memory/anisotropic-l2-memory-read.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(read);

const ln3 = Math.log(3);
example(
  "at D = 4 a squared distance of 4, selected by ½ ln 3, is halved: scores −ln 3 and 0",
  read,
  {
    k: [
      [2, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [4]],
    q: [[0, 0, 0, 0]],
    e: [[ln3 / 2, 9, 9, 9]],
  },
  { out: [[5]], affinity: [[0.25], [0.75]], usage: [0.25, 0.75] },
);
example(
  "two queries, each at its own entry; usage adds up what they read",
  read,
  { k: [[0], [1]], s: [ln3, 2 * ln3], v: [[8], [4]], q: [[0], [1]], e: [[1], [1]] },
  {
    affinity: [
      [0.9, 0.25],
      [0.1, 0.75],
    ],
    usage: [1.15, 0.85],
  },
);
example(
  "without selection: sharpness ln 3 times 2·1·1 − 1",
  read,
  { k: [[1], [0]], s: [ln3, 7], v: [[8], [0]], q: [[1]] },
  { out: [[6]] },
);
example(
  "one of two equally near: the earlier",
  read,
  { k: [[1], [1]], v: [[3], [5]], q: [[0]] },
  { out: [[3]] },
  { topK: 1 },
);
example(
  "thirty entries are read unless told otherwise",
  read,
  {
    k: Array.from({ length: 31 }, () => [0]),
    v: Array.from({ length: 31 }, (_, i) => [i === 29 ? 30 : i === 30 ? 62 : 0]),
    q: [[1]],
  },
  { out: [[1]] },
);

law("an empty memory gives zeros", cases(read, { sizes: { Tk: 0 } }), ({ x, n, o }) =>
  same(
    read(x, o).out,
    tensor([n.Tq, n.E], () => 0),
  ),
);
law("the output is the values by the affinity, whose columns sum to 1", cases(read), ({ x, n, o }) => {
  const { out, affinity } = read(x, o);
  const by = (column: number, value: (i: number) => number) =>
    Array.from({ length: n.Tk }, (_, i) => at(affinity, i, column) * value(i)).reduce((a, b) => a + b, 0);
  same(
    out,
    tensor([n.Tq, n.E], (j, c) => by(j, (i) => at(x.v, i, c))),
  );
  if (n.Tk)
    same(
      tensor([n.Tq], (j) => by(j, () => 1)),
      tensor([n.Tq], () => 1),
    );
});
const all = { options: { topK: Number.POSITIVE_INFINITY } };
const square = (t: Tensor, i: number) =>
  Array.from({ length: t.shape[1]! }, (_, d) => at(t, i, d) ** 2).reduce((a, b) => a + b, 0);
law(
  "without selection it is attention with keys times their sharpness and the squares as a bias",
  cases(read, { ...all, given: { e: false } }),
  ({ x, n }) => {
    const s = (i: number) => (x.s ? at(x.s, i) : 1);
    const k = edit(x.k, (value, i) => s(i) * value);
    const bias = tensor([n.Tq, n.Tk], (_, i) => (-s(i) * square(x.k, i)) / Math.sqrt(n.D));
    same(read(x, all.options).out, attention({ q: x.q, k, v: x.v, bias }, { scale: 2 / Math.sqrt(n.D) }).out);
  },
);
law(
  "with all s equal to 1, selecting everything is the form without selection",
  cases(read, { given: { s: false } }),
  ({ x, o }) => {
    const { e: _, ...rest } = x;
    same(read({ ...rest, e: edit(x.q, () => 1) }, o).out, read(rest, o).out);
  },
);
law(
  "with a selection, moving keys and queries together changes nothing",
  cases(read, { given: { e: true } }),
  ({ x, o }) => {
    const move = (t: Tensor) => edit(t, (value, _, d) => value + d - 0.75);
    same(read({ ...x, k: move(x.k), q: move(x.q) }, o).out, read(x, o).out);
  },
);
law(
  "turning keys and queries together changes nothing where all channels count alike",
  cases(read, { ...all, sizes: { D: 2 } }),
  ({ x }) => {
    const turn = (t: Tensor) =>
      edit(t, (_, i, d) => (d ? 0.6 * at(t, i, 0) + 0.8 * at(t, i, 1) : 0.8 * at(t, i, 0) - 0.6 * at(t, i, 1)));
    const even = x.e && { e: edit(x.e, (_, j) => at(x.e, j, 0)) };
    same(
      read({ ...x, ...even, k: turn(x.k), q: turn(x.q) }, all.options).out,
      read({ ...x, ...even }, all.options).out,
    );
  },
);
