import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { setTransformerIsab as isab } from "../../../spec/low-rank/set-transformer-isab.ts";
import { at, cases, edit, example, join, law, refuses, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(isab);

const one = { wQ0: [[1]], wK0: [[0]], wV0: [[2]], wQ1: [[1]], wK1: [[0]], wV1: [[1]] };
example(
  "the inducing point gathers the mean 4 and 1 from the bias; the set adds 5 and then what exceeds 5",
  isab,
  { ...one, x: [[1], [3]], inducing: [[0]], wO: [[[0]], [[1]]], bO: [[1], [-5]] },
  { h: [[5]], out: [[7], [11]] },
  { heads: 1 },
);
example(
  "biases of queries, keys and values of both blocks: 3 + mean 4 + 7, then x + 30 + 14 + 70",
  isab,
  { ...one, x: [[1], [3]], inducing: [[0]], wO: [[[0]], [[0]]], bQ: [[3], [30]], bK: [[5], [50]], bV: [[7], [70]] },
  { h: [[14]], out: [[115], [117]] },
  { heads: 1 },
);
const four = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];
const none = four.map((row) => row.map(() => 0));
const ln9 = Math.log(9);
example(
  "four heads by default, and scores over √4: of one feature, only its own head weighs ¾ to ¼",
  isab,
  {
    x: [
      [ln9, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    inducing: [[1, 1, 1, 1]],
    wQ0: four,
    wK0: four,
    wV0: four.map((row) => row.map((v) => (4 * v) / ln9)),
    wQ1: none,
    wK1: none,
    wV1: none,
    wO: [none, none],
  },
  {
    h: [[4, 1, 1, 1]],
    out: [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  },
);
refuses("A must be a multiple of heads", isab, { ...one, x: [[1]], inducing: [[0]], wO: [[[0]], [[1]]] }, { heads: 2 });
refuses(
  "shift needs gain",
  isab,
  {
    ...one,
    x: [[1]],
    inducing: [[0]],
    wO: [[[0]], [[1]]],
    shift: [
      [[1], [1]],
      [[1], [1]],
    ],
  },
  { heads: 1 },
);

const linear = (rows: Tensor, w: Tensor, b?: Tensor) =>
  tensor([rows.shape[0]!, w.shape[1]!], (t, a) =>
    Array.from({ length: w.shape[0]! }, (_, m) => at(rows, t, m) * at(w, m, a)).reduce(
      (x, y) => x + y,
      b ? at(b, a) : 0,
    ),
  );
const part = (t: Tensor | undefined, block: number) =>
  t && tensor(t.shape.slice(1), (...index) => at(t, block, ...index));
law(
  "each block is attention of its heads with the scale of the full width, and what follows is done feature by feature",
  cases(isab),
  ({ x, n, o }) => {
    const width = n.A / o.heads;
    const norm = (rows: Tensor, block: number, place: number) => {
      if (!x.gain) return rows;
      const gain = part(part(x.gain, block), place)!;
      const shift = part(part(x.shift, block), place);
      return edit(rows, (value, t, a) => {
        const row = Array.from({ length: n.A }, (_, i) => at(rows, t, i));
        const mean = row.reduce((s, v) => s + v) / n.A;
        const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / n.A;
        return ((value - mean) / Math.sqrt(variance + 1e-5)) * at(gain, a) + (shift ? at(shift, a) : 0);
      });
    };
    const mab = (block: number, queries: Tensor, keys: Tensor, w: readonly [Tensor, Tensor, Tensor]) => {
      const [q, k, v] = [
        linear(queries, w[0], part(x.bQ, block)),
        linear(keys, w[1], part(x.bK, block)),
        linear(keys, w[2], part(x.bV, block)),
      ];
      const heads = Array.from({ length: o.heads }, (_, j) => {
        const own = (t: Tensor) => span(t, 1, j * width, (j + 1) * width);
        return attention({ q: own(q), k: own(k), v: own(v) }, { scale: n.A ** -0.5 }).out;
      });
      const attended = join(1, ...heads);
      const a = norm(
        edit(q, (value, t, c) => value + at(attended, t, c)),
        block,
        0,
      );
      const fed = linear(a, part(x.wO, block)!, part(x.bO, block));
      return norm(
        edit(a, (value, t, c) => value + Math.max(0, at(fed, t, c))),
        block,
        1,
      );
    };
    const h = mab(0, x.inducing, x.x, [x.wQ0, x.wK0, x.wV0]);
    const { h: actual, out } = isab(x, o);
    same(actual, h);
    same(out, mab(1, x.x, h, [x.wQ1, x.wK1, x.wV1]));
  },
  40,
);
law("a bias of the keys changes nothing", cases(isab, { given: { bK: true } }), ({ x: { bK: _, ...rest }, x, o }) => {
  same(isab(x, o).out, isab(rest, o).out);
});
