import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention } from "../../../spec/heads/grouped-query-attention.ts";
import { disentangledAttention as deberta } from "../../../spec/positional/disentangled-attention.ts";
import { at, cases, edit, example, fail, fc, law, same, span, specify, tensor, tensorOf } from "../../kit.ts";

specify(deberta);

const root = Math.SQRT2,
  three = Math.log(3);
const two = { hidden: [[1], [2]], wV: [[1]] };
example(
  "query's content and distance: −1 is row 1 of four, 1 is row 3; the scale is 1/√2",
  deberta,
  { ...two, wQ: [[1]], wK: [[0]], wPk: [[1]], relTable: [[9], [root * three], [0], [(root * three) / 2]] },
  { out: [[7 / 4], [5 / 4]] },
  { p2c: false },
);
example(
  "key's content and distance: key 1 weighs 3 in query 0, key 0 weighs 3 in query 1",
  deberta,
  { ...two, wQ: [[0]], wK: [[1]], wPq: [[1]], relTable: [[9], [(root * three) / 2], [0], [root * three]] },
  { out: [[7 / 4], [5 / 4]] },
  { c2p: false },
);
example(
  "as in the paper, with the distance from key to query: rows 1 and 3 change places",
  deberta,
  { ...two, wQ: [[0]], wK: [[1]], wPq: [[1]], relTable: [[9], [root * three], [0], [(root * three) / 2]] },
  { out: [[7 / 4], [5 / 4]] },
  { c2p: false, p2cIndex: "paper" },
);
example(
  "both terms at the scale 1/√3; a bias on the table's queries tells keys apart, one on its keys does not",
  deberta,
  {
    ...two,
    wQ: [[0]],
    wK: [[1]],
    wPk: [[1]],
    bPk: [5],
    wPq: [[1]],
    bPq: [Math.sqrt(3) * three],
    relTable: [[0], [0], [0], [0]],
  },
  { out: [[7 / 4], [7 / 4]] },
);
example(
  "a query whose keys are all masked gets zero",
  deberta,
  {
    ...two,
    wQ: [[1]],
    wK: [[0]],
    relTable: [[0], [0]],
    mask: [
      [0, 0],
      [0, 1],
    ],
  },
  { out: [[0], [2]] },
  { c2p: false, p2c: false },
);

/** Attention that sees only which row of the table each distance reads, beside attention with those rows as its bias. */
function rows(name: string, places: number, options: object, wanted: (distance: number) => number): void {
  const length = 12,
    unit = (i: number, j: number) => (i === j ? 1 : 0),
    height = (i: number) => ((i * 7) % places) / 4;
  law(name, fc.constant(0), () => {
    const { out } = deberta(
      {
        hidden: tensor([length, length], unit),
        wQ: tensor([length, 1], () => 0),
        bQ: tensorOf([Math.SQRT2]),
        wK: tensor([length, 1], () => 0),
        wV: tensor([length, length], unit),
        relTable: tensor([places, length], (i, m) => (m === 0 ? height(i) : 0)),
        wPk: tensor([length, 1], (m) => unit(m, 0)),
      },
      { p2c: false, ...options },
    );
    const q = tensor([length, 1], () => 0);
    const bias = tensor([length, length], (t, s) =>
      height(Math.max(0, Math.min(Math.sign(t - s) * wanted(Math.abs(t - s)) + places / 2, places - 1))),
    );
    same(out, scaledDotProductAttention({ q, k: q, v: tensor([length, length], unit), bias }).out);
  });
}
rows("K = 16: each distance has its row", 32, {}, (j) => j);
rows(
  "K = 8 and N = 17: to 4 each distance has its row; 5 and 6 share one, 7 to 10 the next, 11 begins the last",
  16,
  { maxPosition: 17 },
  (j) => [0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 6, 7][j]!,
);
rows("K = 2 and N = 8: the middle is 1 and no bucket lies beyond it", 4, { maxPosition: 8 }, (j) => Math.min(j, 1));
rows(
  "K = 5 and N = 4: the middle is 2, buckets beyond the last row share it, on the other side there is one more",
  10,
  { maxPosition: 4 },
  (j) => [0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 6, 7][j]!,
);
law(
  "without either term it is multi-head attention",
  cases(deberta, { options: { c2p: false, p2c: false }, given: { mask: false } }),
  ({ x, n, o }) => {
    const wO = tensor([n.H * n.E, n.H * n.E], (i, j) => (i === j ? 1 : 0));
    const { wQ, wK, wV, bQ, bK, bV } = x;
    same(
      deberta(x, o).out,
      groupedQueryAttention({ x: x.hidden, wQ, wK, wV, wO, bQ, bK, bV }, { heads: n.H, kvHeads: n.H }).out,
    );
  },
);
law(
  "a table of zeros leaves attention at the scale of the number of terms",
  cases(deberta, { options: { shareAttKey: false }, given: { bPk: false, bPq: false, mask: false } }),
  ({ x, n, o }) => {
    const f = 1 + Number(o.c2p) + Number(o.p2c);
    const wO = tensor([n.H * n.E, n.H * n.E], (i, j) => (i === j ? 1 : 0));
    const { wQ, wK, wV, bQ, bK, bV } = x;
    const scale = 1 / Math.sqrt(f * n.D);
    same(
      deberta({ ...x, relTable: edit(x.relTable, () => 0) }, o).out,
      groupedQueryAttention({ x: x.hidden, wQ, wK, wV, wO, bQ, bK, bV }, { heads: n.H, kvHeads: n.H, scale }).out,
    );
  },
);
law(
  "distances alone count: without the first token the others are as if it were masked",
  cases(deberta, { given: { mask: false } }),
  ({ x, n, o }) => {
    const masked = deberta({ ...x, mask: tensor([n.T, n.T], (_, s) => (s === 0 ? 0 : 1)) }, o).out;
    if (n.T > 1) same(deberta({ ...x, hidden: span(x.hidden, 0, 1, n.T) }, o).out, span(masked, 0, 1, n.T));
  },
);
law(
  "with a table that is the same for a distance and its reverse, code and paper agree",
  cases(deberta),
  ({ x, n, o }) => {
    const relTable = edit(x.relTable, (_, i, m) => at(x.relTable, i === 0 ? n.P - 1 : Math.max(i, n.P - i), m));
    const by = (p2cIndex: "code" | "paper") => deberta({ ...x, relTable }, { ...o, p2cIndex }).out;
    same(by("code"), by("paper"));
  },
);
law(
  "a shared table is one whose projections are those of the content",
  cases(deberta, { options: { shareAttKey: true, c2p: true, p2c: true } }),
  ({ x, o }) => {
    const own = { ...x, wPk: x.wK, wPq: x.wQ, ...(x.bK && { bPk: x.bK }), ...(x.bQ && { bPq: x.bQ }) };
    same(deberta(own, { ...o, shareAttKey: false }).out, deberta(x, o).out);
  },
);

const refused = (call: () => unknown): void => {
  try {
    call();
  } catch (error) {
    if (String(error).includes("maxPosition must exceed")) return;
    throw error;
  }
  fail("it was accepted");
};
law("buckets need a middle of 1 or more, and an end beyond it", fc.constant(0), () => {
  const one = tensorOf([[1]]);
  const call = (P: number, maxPosition: number) => () =>
    deberta(
      { hidden: one, wQ: one, wK: one, wV: one, wPk: one, wPq: one, relTable: tensor([P, 1], () => 1) },
      { maxPosition },
    );
  call(4, 3)();
  call(8, 4)();
  refused(call(2, 8));
  refused(call(8, 3));
});
