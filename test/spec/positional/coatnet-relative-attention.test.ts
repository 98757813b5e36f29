import { groupedQueryAttention } from "../../../spec/heads/grouped-query-attention.ts";
import { coatnetRelativeAttention as coatnet } from "../../../spec/positional/coatnet-relative-attention.ts";
import { at, cases, edit, example, law, reshape, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(coatnet);

const pair = { x: [[[4], [8]]], wQkv: [[0, 0, 1]], wO: [[1]] };
example(
  "a bias of ln 3 at offset −1: the query on the left gives the key on its right ¾",
  coatnet,
  { ...pair, table: [[[Math.log(3), 0, 0]]] },
  { out: [[[7], [6]]] },
);
example(
  "key less query: the query on the right gives the key on its left ¾",
  coatnet,
  { ...pair, table: [[[Math.log(3), 0, 0]]] },
  { out: [[[6], [5]]] },
  { convention: "key-query" },
);
example(
  "scores ln 3 and 0 at D = 4, so the scale is ½; and an output bias",
  coatnet,
  {
    x: [
      [
        [1, 0],
        [0, 1],
      ],
    ],
    wQkv: [
      [1, 1, 1, 1, Math.log(3), Math.log(3), 0, 0, 8, 0, 0, 0],
      [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    table: [[[0, 0, 0]]],
    wO: [[1], [0], [0], [0]],
    bO: [1],
  },
  { out: [[[7], [7]]] },
);

const flat = (x: Tensor) => reshape(x, x.shape[0]! * x.shape[1]!, x.shape[2]!);
law("with a table of zeros it is multi-head attention of all places", cases(coatnet), ({ x, n, o }) => {
  const width = n.H * n.D;
  const part = (i: number) => span(x.wQkv, 1, i * width, (i + 1) * width);
  const biases = x.bQkv && {
    bQ: span(x.bQkv, 0, 0, width),
    bK: span(x.bQkv, 0, width, 2 * width),
    bV: span(x.bQkv, 0, 2 * width, 3 * width),
  };
  const dense = groupedQueryAttention(
    { x: flat(x.x), wQ: part(0), wK: part(1), wV: part(2), ...biases, wO: x.wO },
    { heads: n.H, kvHeads: n.H },
  ).out;
  const { out } = coatnet({ ...x, table: edit(x.table, () => 0) }, o);
  same(
    flat(out),
    edit(dense, (v, _, m) => v + (x.bO ? at(x.bO, m) : 0)),
  );
});
law("the table turned round in both axes exchanges the conventions", cases(coatnet), ({ x, o }) => {
  const [H = 0, Y = 0, X = 0] = x.table.shape;
  const turned = tensor([H, Y, X], (h, i, j) => at(x.table, h, Y - 1 - i, X - 1 - j));
  const other = o.convention === "query-key" ? "key-query" : "query-key";
  same(coatnet({ ...x, table: turned }, { ...o, convention: other }).out, coatnet(x, o).out);
});
law("the map and the table transposed transpose the result", cases(coatnet), ({ x, n, o }) => {
  const map = (t: Tensor) => tensor([n.X, n.Y, t.shape[2]!], (i, j, c) => at(t, j, i, c));
  const turned = tensor([n.H, n.Xr, n.Yr], (h, i, j) => at(x.table, h, j, i));
  same(coatnet({ ...x, x: map(x.x), table: turned }, o).out, map(coatnet(x, o).out));
});
law("a constant added to the table of a head changes nothing", cases(coatnet), ({ x, o }) =>
  same(coatnet({ ...x, table: edit(x.table, (b, h) => b + h + 0.5) }, o).out, coatnet(x, o).out),
);
