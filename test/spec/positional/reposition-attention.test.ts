import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { repositionAttention as reposition } from "../../../spec/positional/reposition-attention.ts";
import { cases, edit, example, fail, law, pick, reshape, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(reposition);

const image = (...rows: number[][]) => rows.map((row) => row.map((value) => [value]));
const one = { wQ: [[0]], wK: [[0]], wV: [[1]] };
example(
  "a subject of 2 and 6, moved to one row and one column in between: 4, and back to two columns",
  reposition,
  {
    ...one,
    target: image([0, 0, 0, 0]),
    reference: image([1, 2, 6, 3]),
    rowsT: [0, 1],
    columnsT: [0, 2],
    rowsR: [0, 1],
    columnsR: [1, 3],
    m: [[1, 0.5, 1, 1]],
  },
  { out: image([4, 3.5, 3, 3]) },
);
example(
  "two columns shown as three: 0, 4 and 8, on average 4; beyond the box the average of the whole reference",
  reposition,
  {
    target: image([0, 8, 0]),
    reference: image([0, 8, 0]),
    rowsT: [0, 1],
    columnsT: [0, 2],
    rowsR: [0, 1],
    columnsR: [0, 2],
    m: [[1, 1, 1]],
    ...one,
  },
  { out: image([4, 4, 8 / 3]) },
  { columnsG: [0, 3] },
);
example(
  "queries of 0, 0 and ⅔ become 0 and ½: the first weighs 0 and 4 alike, the second ¾ and ¼ at D = 4; 2 and 1 become 2, 1½, 1",
  reposition,
  {
    target: [
      [
        [0, 0],
        [0, 0],
        [2 / 3, 0],
      ],
    ],
    reference: [
      [
        [Math.log(3), 0],
        [0, 4],
        [0, 7],
      ],
    ],
    rowsT: [0, 1],
    columnsT: [0, 3],
    rowsR: [0, 1],
    columnsR: [0, 2],
    m: [[1, 1, 1]],
    wQ: [
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ],
    wK: [
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ],
    wV: [[0], [1]],
  },
  { out: image([2, 1.5, 1]) },
  { columnsG: [0, 2] },
);
example(
  "by default G is the middle two of four rows and columns, where the place adds 10 to one of its four tokens",
  reposition,
  {
    ...one,
    target: image([0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]),
    reference: image([0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]),
    place: image([1, 1, 1, 1], [1, 1, 13, 1], [1, 1, 1, 1], [1, 1, 1, 1]),
    rowsT: [0, 1],
    columnsT: [0, 1],
    rowsR: [3, 4],
    columnsR: [3, 4],
    m: [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
  },
  {
    out: image([4, 1.75, 1.75, 1.75], [1.75, 1.75, 1.75, 1.75], [1.75, 1.75, 1.75, 1.75], [1.75, 1.75, 1.75, 1.75]),
  },
);
example(
  "by default G of three rows and columns is two, the first two",
  reposition,
  {
    ...one,
    target: image([0, 0, 0], [0, 0, 0], [0, 0, 0]),
    reference: image([0, 0, 0], [0, 0, 0], [0, 0, 0]),
    place: image([4, 0, 0], [0, 0, 0], [0, 0, 5]),
    rowsT: [0, 1],
    columnsT: [0, 1],
    rowsR: [0, 1],
    columnsR: [0, 1],
    m: [
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ],
  },
  { out: image([1, 1, 1], [1, 1, 1], [1, 1, 1]) },
);
const flat = (t: Tensor) => reshape(t, (t.shape[0] ?? 0) * (t.shape[1] ?? 0), t.shape[2] ?? 0);
const times = (a: Tensor, w: Tensor) => {
  const [rows = 0, inner = 0] = a.shape;
  const columns = w.shape[1] ?? 0;
  const cell = (i: number, j: number) =>
    Array.from({ length: inner }, (_, c) => Number(a.data[i * inner + c]) * Number(w.data[c * columns + j])).reduce(
      (total, term) => total + term,
      0,
    );
  return tensor([rows, columns], cell);
};
const plain = { given: { place: false, wO: false } };
law(
  "where m is 0 it is attention from all of the target to all of the reference",
  cases(reposition, plain),
  ({ x, n, o }) => {
    const { out } = attention({
      q: times(flat(x.target), x.wQ),
      k: times(flat(x.reference), x.wK),
      v: times(flat(x.reference), x.wV),
    });
    same(reposition({ ...x, m: edit(x.m, () => 0) }, o).out, reshape(out, n.Y, n.X, n.E));
  },
);
law("where the boxes are G, the subjects attend as they are", cases(reposition, plain), ({ x, o }) => {
  const [top = 0, bottom = 0] = o.rowsG;
  const [left = 0, right = 0] = o.columnsG;
  const rows = tensor([2], (i) => (i ? bottom : top));
  const columns = tensor([2], (i) => (i ? right : left));
  const cut = (t: Tensor) =>
    flat(
      pick(
        pick(t, 0, bottom - top, (y) => top + y),
        1,
        right - left,
        (i) => left + i,
      ),
    );
  const moved = reposition(
    { ...x, m: edit(x.m, () => 1), rowsT: rows, columnsT: columns, rowsR: rows, columnsR: columns },
    o,
  ).out;
  const { out } = attention({
    q: times(cut(x.target), x.wQ),
    k: times(cut(x.reference), x.wK),
    v: times(cut(x.reference), x.wV),
  });
  same(cut(moved), out);
});
law(
  "a reference subject that moves with its box changes nothing where m is 1",
  cases(reposition, { sizes: { Y: 3, X: 5 }, given: { wO: false } }),
  ({ x, n, o }) => {
    const columns = tensor([2], (i) => 2 * i);
    const boxes = { columnsT: columns, rowsT: tensor([2], (i) => 3 * i), rowsR: tensor([2], (i) => 1 + i) };
    const m = edit(x.m, () => 1);
    const shifted = pick(x.reference, 1, n.X, (i) => (i + n.X - 2) % n.X);
    const here = reposition({ ...x, ...boxes, m, columnsR: columns }, o).out;
    const there = reposition({ ...x, ...boxes, m, reference: shifted, columnsR: tensor([2], (i) => 2 + 2 * i) }, o).out;
    const inBox = (t: Tensor) => pick(t, 1, 2, (i) => i);
    same(inBox(there), inBox(here));
  },
);
law(
  "without features of places only the size of G matters",
  cases(reposition, { sizes: { Y: 4, X: 4 }, given: { place: false } }),
  ({ x }) => {
    same(
      reposition(x, { rowsG: [0, 2], columnsG: [0, 3] }).out,
      reposition(x, { rowsG: [2, 4], columnsG: [1, 4] }).out,
    );
  },
);
law(
  "an empty common box is refused, and one that leaves the image",
  cases(reposition, { sizes: { Y: 2, X: 2 } }),
  ({ x }) => {
    for (const rowsG of [[1, 1], [0, 3], [-1, 1], [0, 1, 2], [1]]) {
      let refused = "";
      try {
        reposition(x, { rowsG, columnsG: [0, 1] });
      } catch (error) {
        refused = String(error);
      }
      if (!refused.includes("rowsG")) fail(`${rowsG}: ${refused || "accepted"}`);
    }
  },
);
