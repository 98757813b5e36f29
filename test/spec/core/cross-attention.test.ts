import { crossAttention as cross } from "../../../spec/core/cross-attention.ts";
import { multiHeadAttention as mha } from "../../../spec/core/multi-head-attention.ts";
import { cases, edit, example, fc, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(cross);

const scores = { wQ: [[1, 1, 1, 1]], wK: [[Math.log(3), Math.log(3), 0, 0]] };
example(
  "scores ln 3 and 0 at D = 4, so the scale is ½: weights ¾ and ¼",
  cross,
  { x: [[1]], context: [[1], [0]], ...scores, wV: [[8]], wO: [[1]] },
  { out: [[6]] },
);
example(
  "T5's scale of 1 makes them 9 and 1 of 10",
  cross,
  { x: [[1]], context: [[1], [0]], ...scores, wV: [[10]], wO: [[1]] },
  { out: [[9]] },
  { scale: 1 },
);
example(
  "a masked context token is not seen",
  cross,
  { x: [[1]], context: [[1], [5]], ...scores, wV: [[8]], wO: [[1]], keyMask: [1, 0] },
  { out: [[8]] },
);
example(
  "no context token seen: the output bias alone",
  cross,
  { x: [[1]], context: [[1]], wQ: [[1]], wK: [[1]], wV: [[8]], wO: [[1]], bV: [3], bO: [7], keyMask: [0] },
  { out: [[7]] },
);

law(
  "with the tokens themselves as context it is self-attention",
  cases(mha, { options: { causal: false }, given: { mask: false, bias: false, headBias: false } }),
  ({ x, o }) => same(cross({ ...x, context: x.x }, { heads: o.heads, scale: o.scale }).out, mha(x, o).out),
);
law(
  "a masked token more changes nothing, whatever it holds",
  fc.tuple(cases(cross), fc.constantFrom(3, Number.NaN, Number.POSITIVE_INFINITY)),
  ([{ x, n, o }, wild]) => {
    const keyMask = join(
      0,
      x.keyMask ?? tensor([n.Tk], () => 1),
      tensor([1], () => 0),
    );
    const context = join(
      0,
      x.context,
      tensor([1, n.Mc], () => wild),
    );
    same(cross({ ...x, context, keyMask }, o).out, cross(x, o).out);
  },
);
law(
  "a context of one token gives every query its projected value",
  cases(cross, { sizes: { Tk: 1 }, given: { keyMask: false } }),
  ({ x, n, o }) => {
    const asked = cross({ ...x, x: edit(x.x, (v) => v + 1) }, o).out;
    same(asked, cross(x, o).out);
    same(span(asked, 0, 0, 1), cross({ ...x, wQ: edit(x.wQ, () => 0), x: tensor([1, n.M], () => 0) }, o).out);
  },
);
