import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { tokenMixingTemplate as mixing } from "../../../spec/linear/token-mixing-template.ts";
import { at, cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(mixing);

example("influences 2 and 3 on values 10 and 100", mixing, { influence: [[2, 3]], v: [[10], [100]] }, { out: [[320]] });
example(
  "a hidden pair does not count, a query that sees nothing gets zeros, and a gate is on the outputs",
  mixing,
  {
    influence: [
      [2, 3],
      [5, 7],
    ],
    v: [
      [10, 1],
      [100, 4],
    ],
    mask: [
      [0, 1],
      [0, 0],
    ],
    gate: [
      [2, 0.5],
      [9, 9],
    ],
  },
  {
    out: [
      [600, 6],
      [0, 0],
    ],
  },
);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
/** The influences of a mechanism, column by column, from values that are one at one token and zero elsewhere. */
const influences = (n: { T: number }, of: (v: ReturnType<typeof tensor>) => ReturnType<typeof tensor>) =>
  of(tensor([n.T, n.T], (s, e) => Number(s === e)));
law(
  "with the softmax of the scores it is attention",
  cases(scaledDotProductAttention, { options: { causal: false } }),
  ({ x, n, o }) => {
    const bias = (t: number, s: number) => (x.bias ? at(x.bias, t, s) : 0);
    const power = (t: number, s: number) =>
      Math.exp(o.scale * total(n.D, (d) => at(x.q, t, d) * at(x.k, s, d)) + bias(t, s));
    const seen = (t: number, s: number) => Number(!x.mask || at(x.mask, t, s));
    const influence = tensor([n.Tq, n.Tk], (t, s) => power(t, s) / (total(n.Tk, (i) => seen(t, i) * power(t, i)) || 1));
    same(
      mixing({ influence, v: x.v, ...(x.mask && { mask: x.mask }) }).out,
      scaledDotProductAttention(x, o).out,
      1e-11,
    );
  },
);
law(
  "with products and powers of a decay it is lightning attention, head by head",
  cases(lightningAttention, { given: { state: false, slope: true } }),
  ({ x, n }) => {
    const influence = tensor([n.H, n.T, n.T], (h, t, s) => {
      const product = total(n.D, (d) => at(x.q, h, t, d) * at(x.k, h, s, d));
      return product * Math.exp(-(t - s) * at(x.slope, h));
    });
    const mask = tensor([n.H, n.T, n.T], (_, t, s) => Number(s <= t));
    same(mixing({ influence, v: x.v, mask }).out, lightningAttention(x).out, 1e-11);
  },
);
law(
  "the influences of a recurrence come out of one-hot values, and are lower triangular",
  cases(gatedLinearAttention, { given: { state: false } }),
  ({ x, n, o }) => {
    const influence = influences(n, (v) => gatedLinearAttention({ ...x, v }, o).out);
    same(mixing({ influence, v: x.v }).out, gatedLinearAttention(x, o).out);
    for (let t = 0; t < n.T; t++)
      for (let s = t + 1; s < n.T; s++) if (at(influence, t, s) !== 0) fail(`token ${s} acts on token ${t}`);
  },
);
law(
  "a Toeplitz influence is a causal convolution",
  cases(mixing, { given: { mask: false, gate: false } }),
  ({ x, n }) => {
    const tap = (lag: number) => (lag < 0 ? 0 : 1 / (lag + 2));
    const wanted = tensor([n.Tq, n.E], (t, e) => total(Math.min(t + 1, n.Tk), (s) => at(x.v, s, e) / (t - s + 2)));
    same(mixing({ v: x.v, influence: tensor([n.Tq, n.Tk], (t, s) => tap(t - s)) }).out, wanted);
  },
);
law(
  "rows of sum 1 give back a constant",
  cases(mixing, { given: { mask: false, gate: false }, sizes: { Tk: 3 } }),
  ({ x, n }) => {
    const influence = tensor([n.Tq, 3], (t, s) =>
      s < 2 ? at(x.influence, t, s) : 1 - at(x.influence, t, 0) - at(x.influence, t, 1),
    );
    same(
      mixing({ influence, v: edit(x.v, () => 2.5) }).out,
      tensor([n.Tq, n.E], () => 2.5),
    );
  },
);
law(
  "a low-rank influence may be applied in two steps",
  cases(mixing, { given: { mask: false, gate: false }, sizes: { Tq: 3, Tk: 3 } }),
  ({ x }) => {
    const [left, right] = [x.influence, edit(x.influence, (value, t, s) => value + t - s)];
    const influence = tensor([3, 3], (t, s) => total(3, (r) => at(left, t, r) * at(right, r, s)));
    const inner = mixing({ influence: right, v: x.v }).out;
    same(mixing({ influence, v: x.v }).out, mixing({ influence: left, v: inner }).out);
  },
);
