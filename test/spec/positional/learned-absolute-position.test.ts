import { learnedAbsolutePosition as learned } from "../../../spec/positional/learned-absolute-position.ts";
import { cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(learned);

const rows = [[10], [20], [30], [40], [50]];
example(
  "positions 0 and 1 after two rows of offset",
  learned,
  { x: [[1], [2]], table: rows },
  { out: [[31], [42]], positions: [0, 1] },
  { offset: 2 },
);
example(
  "positions given, and past the table the last row",
  learned,
  { x: [[1], [2], [3]], table: rows, positions: [3, 0, 7] },
  { out: [[41], [12], [53]], positions: [3, 0, 7] },
  { overflow: "clip" },
);
example(
  "RoBERTa: id 1 is padding at position 1 and not counted, the others count from 2",
  learned,
  { x: [[0], [0], [0], [0]], table: rows, inputIds: [5, 1, 7, 1] },
  { out: [[30], [20], [40], [20]], positions: [2, 1, 3, 1] },
  { scheme: "roberta" },
);
example(
  "RoBERTa without ids: nothing is padding",
  learned,
  { x: [[0], [0]], table: rows },
  { out: [[30], [40]], positions: [2, 3] },
  { scheme: "roberta" },
);

law("a zero table changes nothing", cases(learned), ({ x, o }) => {
  same(learned({ ...x, table: edit(x.table, () => 0) }, o).out, x.x);
});
law(
  "counting from 0 is giving those positions, and a decoded token gets the row it got before",
  cases(learned, { options: { scheme: "plain" }, given: { positions: false, inputIds: false } }),
  ({ x, n, o }) => {
    const positions = tensor([n.T], (t) => t);
    same(learned({ ...x, positions }, o).out, learned(x, o).out);
    const last = { ...x, x: span(x.x, 0, n.T - 1, n.T), positions: span(positions, 0, n.T - 1, n.T) };
    same(learned(last, o).out, span(learned(x, o).out, 0, n.T - 1, n.T));
  },
);
law(
  "without padding RoBERTa counts from one past the padding's own position",
  cases(learned, { options: { scheme: "roberta", overflow: "clip" } }),
  ({ x: { x, table }, n, o }) => {
    const inputIds = tensor([n.T], (t) => o.paddingIdx + 1 + t);
    const counted = learned({ x, table, inputIds }, o);
    same(
      counted.positions,
      tensor([n.T], (t) => o.paddingIdx + 1 + t),
    );
    same(counted.out, learned({ x, table, positions: counted.positions }, { ...o, scheme: "plain" }).out);
  },
);
law(
  "padding on the left moves the count along with the tokens",
  cases(learned, { options: { scheme: "roberta", overflow: "clip" } }),
  ({ x: { x, table }, n, o }) => {
    const inputIds = tensor([n.T], (t) => (t === 0 ? o.paddingIdx : o.paddingIdx + t));
    same(
      learned({ x, table, inputIds }, o).positions,
      tensor([n.T], (t) => o.paddingIdx + t),
    );
  },
);
