import { multiHeadAttention as mha } from "../../../spec/core/multi-head-attention.ts";
import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention as gqa } from "../../../spec/heads/grouped-query-attention.ts";
import { multiQueryAttention as mqa } from "../../../spec/heads/multi-query-attention.ts";
import { cases, example, fc, join, law, same, span, specify } from "../../kit.ts";

specify(mqa);

example(
  "scores ln 3 and 0 at D = 4, so the scale is ½: weights ¾ and ¼, for both heads alike",
  mqa,
  {
    x: [[1], [0]],
    wQ: [[0, 0, 0, 0, 0, 0, 0, 0]],
    bQ: [1, 1, 1, 1, 1, 1, 1, 1],
    wK: [[Math.log(3), Math.log(3), 0, 0]],
    wV: [[8]],
    wO: [[1], [10]],
  },
  { out: [[66], [66]] },
  { heads: 2 },
);
example(
  "causal, two queries after one cached token: the last sees all three",
  mqa,
  { x: [[0], [0]], context: [[3], [6], [12]], wQ: [[0]], wK: [[0]], wV: [[1]], wO: [[1]] },
  { out: [[4.5], [7]] },
  { causal: true },
);
example(
  "causal with fewer tokens than queries: the first sees nothing and gets the output bias",
  mqa,
  { x: [[0], [0]], context: [[3]], wQ: [[0]], wK: [[0]], wV: [[1]], wO: [[1]], bV: [1], bO: [5] },
  { out: [[5], [9]] },
  { causal: true },
);

law("is grouped-query attention with one group", cases(mqa, { given: { context: false, bO: false } }), ({ x, o }) =>
  same(mqa(x, o).out, gqa(x, { ...o, kvHeads: 1 }).out),
);
law(
  "is multi-head attention whose heads all have the same keys and values",
  cases(mqa, { given: { context: false } }),
  ({ x, n, o }) => {
    const repeat = (t: typeof x.wK) => join(t.shape.length - 1, ...Array.from({ length: n.H }, () => t));
    const all = {
      ...x,
      wK: repeat(x.wK),
      wV: repeat(x.wV),
      ...(x.bK && { bK: repeat(x.bK) }),
      ...(x.bV && { bV: repeat(x.bV) }),
    };
    same(mha(all, o).out, mqa(x, o).out);
  },
);
law(
  "the last tokens asked with all tokens as context get what they got in the whole",
  fc.tuple(cases(mqa, { options: { causal: true }, given: { context: false } }), fc.nat()),
  ([{ x, n, o }, seed]) => {
    const from = seed % n.Tq;
    same(mqa({ ...x, x: span(x.x, 0, from, n.Tq), context: x.x }, o).out, span(mqa(x, o).out, 0, from, n.Tq));
  },
);
law(
  "one head with plain weights is scaled dot-product attention",
  cases(attention, {
    sizes: { D: 2, E: 2 },
    given: { mask: false, bias: false },
    options: { causalAlign: "bottom-right" },
  }),
  ({ x: { q, k }, o }) => {
    if (!k.shape[0]) return;
    const unit = { shape: [2, 2], data: [1, 0, 0, 1] };
    same(
      mqa({ x: q, context: k, wQ: unit, wK: unit, wV: unit, wO: unit }, { causal: o.causal, scale: o.scale }).out,
      attention({ q, k, v: k }, o).out,
    );
  },
);
