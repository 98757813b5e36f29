import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { aaren } from "../../../spec/linear/aaren.ts";
import { at, cases, edit, example, law, pick, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(aaren);

const ln3 = Math.log(3);
example(
  "scores 0 and ln 3 at D = 4: the second token counts thrice",
  aaren,
  {
    x: [
      [1, 0],
      [0, 1],
    ],
    qToken: [2, 0],
    wQ: [
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    wK: [
      [0, 1, 0, 0],
      [ln3, 0, 0, 0],
    ],
    wV: [[4], [8]],
    wO: [[10]],
  },
  { out: [[40], [70]], m: [ln3], u: [4 / 3], w: [[28 / 3]] },
);
example(
  "resumed: what came before counts thrice as well, of a sum of 2 and values of 10",
  aaren,
  { x: [[1]], qToken: [1], wQ: [[1]], wK: [[0]], wV: [[4]], wO: [[1]], m: [ln3], u: [2], w: [[10]] },
  { out: [[34 / 7]], m: [ln3], u: [7 / 3], w: [[34 / 3]] },
);
example(
  "two heads with queries 1 and 2 of one token",
  aaren,
  {
    x: [[1], [0]],
    qToken: [1],
    wQ: [[1, 2]],
    wK: [[ln3, ln3]],
    wV: [[4, 10]],
    wO: [
      [1, 0],
      [0, 1],
    ],
  },
  {
    out: [
      [4, 10],
      [3, 9],
    ],
    m: [ln3, 2 * ln3],
  },
  { heads: 2 },
);

const times = (x: Tensor, w: Tensor) =>
  tensor([x.shape[0]!, w.shape[1]!], (t, d) =>
    Array.from({ length: x.shape[1]! }, (_, m) => at(x, t, m) * at(w, m, d)).reduce((sum, v) => sum + v, 0),
  );
const fresh = { m: false, u: false, w: false };
law(
  "it is causal softmax attention in which all queries are one",
  cases(aaren, { options: { heads: 1 }, given: fresh }),
  ({ x, n, o }) => {
    const q = times(
      tensor([n.T, n.M], (_, m) => at(x.qToken, m)),
      x.wQ,
    );
    const context = attention({ q, k: times(x.x, x.wK), v: times(x.x, x.wV) }, { causal: true, scale: o.scale }).out;
    same(aaren(x, o).out, times(context, x.wO));
  },
);
law("the order of the tokens before does not matter to the last", cases(aaren), ({ x, n, o }) => {
  const turned = pick(x.x, 0, n.T, (t) => (t === n.T - 1 ? t : n.T - 2 - t));
  same(span(aaren({ ...x, x: turned }, o).out, 0, n.T - 1, n.T), span(aaren(x, o).out, 0, n.T - 1, n.T));
});
law(
  "two stretches join to the whole by the scan's operator",
  cases(aaren, { sizes: { T: 5 }, given: fresh }),
  ({ x, o }) => {
    const [left, right] = [aaren({ ...x, x: span(x.x, 0, 0, 2) }, o), aaren({ ...x, x: span(x.x, 0, 2, 5) }, o)];
    const whole = aaren(x, o);
    const m = edit(left.m, (v, h) => Math.max(v, at(right.m, h)));
    const joined = (h: number, a: number, b: number) =>
      a * Math.exp(at(left.m, h) - at(m, h)) + b * Math.exp(at(right.m, h) - at(m, h));
    same(whole.m, m);
    same(
      whole.u,
      edit(left.u, (a, h) => joined(h, a, at(right.u, h))),
    );
    same(
      whole.w,
      edit(left.w, (a, h, e) => joined(h, a, at(right.w, h, e))),
    );
  },
);
law("the first token reads its own value", cases(aaren, { given: fresh, sizes: { T: 1 } }), ({ x, o }) =>
  same(aaren(x, o).out, times(times(x.x, x.wV), x.wO)),
);
