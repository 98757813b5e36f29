import { groupedQueryAttention as gqa } from "../../../spec/heads/grouped-query-attention.ts";
import { cases, example, law, pick, reshape, same, specify } from "../../kit.ts";

specify(gqa);

example(
  "four query heads on two values: the first two read 2, the others 8",
  gqa,
  {
    x: [[1]],
    wQ: [[0, 0, 0, 0]],
    wK: [[0, 0]],
    wV: [[2, 8]],
    wO: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ],
  },
  { out: [[2, 2, 8, 8]] },
  { heads: 4, kvHeads: 2 },
);
example(
  "scores ln 3 and 0 at D = 4, so the scale is ½: weights ¾ and ¼",
  gqa,
  {
    x: [
      [1, 0],
      [0, 1],
    ],
    wQ: [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    wK: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    wV: [[8], [0]],
    wO: [[1]],
  },
  { out: [[6], [6]] },
);

law("is multi-head attention once each shared head is repeated", cases(gqa), ({ x, n, o }) => {
  const repeat = (flat: typeof x.wK, width: number) => {
    const lead = flat.shape.length === 2 ? [flat.shape[0]!] : [];
    const split = reshape(flat, ...lead, n.Hk, width);
    return reshape(
      pick(split, lead.length, n.Hq, (h) => Math.floor(h / (n.Hq / n.Hk))),
      ...lead,
      n.Hq * width,
    );
  };
  const all = {
    ...x,
    wK: repeat(x.wK, n.D),
    wV: repeat(x.wV, n.E),
    ...(x.bK && { bK: repeat(x.bK, n.D) }),
    ...(x.bV && { bV: repeat(x.bV, n.E) }),
  };
  same(gqa(all, { ...o, kvHeads: n.Hq }).out, gqa(x, o).out);
});
