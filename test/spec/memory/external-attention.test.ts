import { externalAttention as external } from "../../../spec/memory/external-attention.ts";
import { at, cases, edit, example, join, law, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(external);

const ln3 = Math.log(3);
example(
  "¼ and ¾ over the tokens; of ¼ + ¼ and ¼ + ¾ they are ½ and ¾",
  external,
  { x: [[0], [ln3]], mK: [[1]], mV: [[8]] },
  { out: [[4], [6]] },
  { eps: 0.25 },
);
example(
  "two slots share a token: ¼ and ½ are ⅓ and ⅔, ¾ and ½ are 0.6 and 0.4",
  external,
  { x: [[0], [ln3]], mK: [[1], [0]], mV: [[15], [0]] },
  { out: [[5], [9]] },
  { eps: 0 },
);
example(
  "ε is 10⁻⁹ unless given: as much as the weight of the first token",
  external,
  { x: [[0], [Math.log(1e9)]], mK: [[1]], mV: [[8]] },
  { out: [[8 / (2 + 1e-9)], [8 / (1 + 1e-9 + 1e-18)]] },
);
example(
  "two heads with one memory: the first sees x, the second 2 ln 3 − x; biases after memory and map",
  external,
  {
    x: [[0], [ln3]],
    wT: [[1, -1]],
    bT: [0, 2 * ln3],
    mK: [[1], [0]],
    mV: [[15], [0]],
    bV: [1],
    wO: [[1], [10]],
    bO: [100],
  },
  { out: [[100 + 6 + 100], [100 + 10 + 60]] },
  { heads: 2, eps: 0 },
);

law(
  "with keys of zero every token gets the mean of the values",
  cases(external, { options: { heads: 1, eps: 0 }, given: { wO: false } }),
  ({ x, n, o }) => {
    const mean = (e: number) =>
      Array.from({ length: n.N }, (_, slot) => at(x.mV, slot, e) / n.N).reduce((a, b) => a + b, 0) +
      (x.bV ? at(x.bV, e) : 0) +
      (x.bO ? at(x.bO, e) : 0);
    same(
      external({ ...x, mK: edit(x.mK, () => 0) }, o).out,
      tensor([n.T, n.E], (_, e) => mean(e)),
    );
  },
);
law(
  "what is added to all tokens alike is lost in the softmax over them: a vector, and both biases before it",
  cases(external),
  ({ x, o }) => {
    const { bT: _, bK: __, ...plain } = x;
    const moved = { ...plain, x: edit(x.x, (value, _t, m) => value + m + 0.5) };
    same(external(x, o).out, external(moved, o).out);
  },
);
law(
  "a head is the single form of its part of the tokens",
  cases(external, { options: { heads: 2 }, given: { wT: true, wO: false, bO: false, bT: false } }),
  ({ x, n, o }) => {
    const mapped = (h: number): Tensor =>
      tensor([n.T, n.D], (t, d) =>
        Array.from({ length: n.M }, (_, m) => at(x.x, t, m) * at(x.wT, m, h * n.D + d)).reduce((a, b) => a + b, 0),
      );
    const head = (h: number) =>
      external({ x: mapped(h), mK: x.mK, mV: x.mV, ...(x.bV && { bV: x.bV }) }, { eps: o.eps }).out;
    same(external(x, o).out, join(1, head(0), head(1)));
  },
);
law(
  "with ε = 0 the weights of a token sum to 1",
  cases(external, { options: { heads: 1, eps: 0 }, given: { wO: false, bO: false, bV: false } }),
  ({ x, n, o }) => {
    const { out } = external({ ...x, mV: edit(x.mV, () => 1.5) }, o);
    same(
      out,
      tensor([n.T, n.E], () => 1.5),
    );
  },
);
law(
  "without ε one token alone is weighed by none of its features",
  cases(external, { sizes: { T: 1 }, options: { eps: 0 } }),
  ({ x, o }) => same(external({ ...x, x: edit(span(x.x, 0, 0, 1), () => 0) }, o).out, external(x, o).out),
);
