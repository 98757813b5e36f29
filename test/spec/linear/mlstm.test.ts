import { mlstm } from "../../../spec/linear/mlstm.ts";
import { retention } from "../../../spec/linear/retention.ts";
import { at, cases, edit, example, law, refuses, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(mlstm);

const key = (k: number) => [[k, 0, 0, 0]];
const two = { q: [key(1), key(1)], k: [key(4), key(8)], v: [[[30]], [[60]]] };
example(
  "keys 4 and 8 over √4, the first halved by σ(0): (1·30 + 4·60) / (1 + 4)",
  mlstm,
  two,
  {
    out: [[[30]], [[54]]],
    c: [[[270], [0], [0], [0]]],
    n: [[5, 0, 0, 0]],
    m: [0],
  },
  { eps: 0 },
);
example(
  "the default ε = 10⁻⁶ joins the divisor 2",
  mlstm,
  { q: [key(1)], k: [key(4)], v: [[[2.000001]]] },
  { out: [[[2]]] },
);
example(
  "an input gate of ln 2 is the scale: half of it is 1, which the reading ¼ of the keys does not reach, but ½ does",
  mlstm,
  { q: [key(0.25)], k: [key(2)], v: [[[8]]], i: [[Math.LN2]] },
  { out: [[[4]]], n: [[1, 0, 0, 0]], m: [Math.LN2] },
  { eps: 0 },
);
example(
  "resumed at a scale of ln 8, of which ln 4 stays: a new token of scale ln 2 counts half",
  mlstm,
  {
    q: [key(1)],
    k: [key(4)],
    v: [[[6]]],
    i: [[Math.LN2]],
    c: [[[9], [0], [0], [0]]],
    n: [[3, 0, 0, 0]],
    m: [Math.log(8)],
  },
  { out: [[[(9 + 6) / 4]]], c: [[[15], [0], [0], [0]]], n: [[4, 0, 0, 0]], m: [Math.log(4)] },
  { eps: 0 },
);
example(
  "nothing written at all gives zeros; then a token of scale 1",
  mlstm,
  { ...two, i: [[Number.NEGATIVE_INFINITY], [0]] },
  { out: [[[0]], [[60]]] },
  { eps: 0 },
);
example(
  "gates from the queries, keys and values of all heads, in this order, and biases",
  mlstm,
  {
    q: [[[1], [2]]],
    k: [[[3], [4]]],
    v: [[[5], [6]]],
    i: [[100, 200]],
    wI: [
      [1, 0],
      [10, 0],
      [0, 1],
      [0, 10],
      [0.5, 0],
      [0, 0.5],
    ],
    bI: [1000, 2000],
  },
  { m: [1 + 20 + 2.5 + 1100, 3 + 40 + 3 + 2200] },
);
example(
  "the forget gate likewise: σ(ln 3) keeps ¾ of a scale of 1",
  mlstm,
  {
    q: [[[1]]],
    k: [[[0]]],
    v: [[[1]]],
    i: [[-50]],
    f: [[1]],
    wF: [[2], [0], [-3]],
    bF: [Math.log(3)],
    c: [[[1]]],
    n: [[1]],
    m: [0],
  },
  { m: [Math.log(0.75)], c: [[[1]]] },
);
example(
  "the norm of a head: 1 and 3 are ∓1 over √(1 + 10⁻⁵), then the gain",
  mlstm,
  { q: [[[1]]], k: [[[1]]], v: [[[1, 3]]], gain: [[2, 10]] },
  { out: [[[-2 / Math.sqrt(1 + 1e-5), 10 / Math.sqrt(1 + 1e-5)]]] },
  { eps: 0 },
);
refuses("c and n need m", mlstm, { q: [[[1]]], k: [[[1]]], v: [[[1]]], c: [[[1]]] });
refuses("c and n need m", mlstm, { q: [[[1]]], k: [[[1]]], v: [[[1]]], n: [[1]] });
for (const name of ["wI", "wF"])
  refuses("wI and wF need D = E", mlstm, { q: [[[1]]], k: [[[1]]], v: [[[1, 2]]], [name]: [[0], [0], [0]] });

const gated = { i: true, f: true, wI: false, wF: false, bI: false, bF: false };
const fresh = { given: { ...gated, c: false, n: false, m: false, gain: false } };
const ln = (f: number) => -Math.log1p(Math.exp(-f));
const decay = (f: Tensor, s: number, t: number, h: number) => {
  let total = 0;
  for (let r = s + 1; r <= t; r++) total += ln(at(f, r, h));
  return total;
};
const dot = (a: Tensor, t: number, b: Tensor, s: number, h: number, D: number) => {
  let total = 0;
  for (let d = 0; d < D; d++) total += at(a, t, h, d) * at(b, s, h, d);
  return total;
};
law(
  "in parallel it is attention with exponential weights, each row by its own largest",
  cases(mlstm, fresh),
  ({ x, n, o }) =>
    same(
      mlstm(x, o).out,
      tensor([n.T, n.H, n.E], (t, h, e) => {
        const score = (s: number) => decay(x.f, s, t, h) + at(x.i, s, h);
        const top = Math.max(...Array.from({ length: t + 1 }, (_, s) => score(s)));
        let [above, below] = [0, 0];
        for (let s = 0; s <= t; s++) {
          const z = (Math.exp(score(s) - top) * dot(x.q, t, x.k, s, h, n.D)) / Math.sqrt(n.D);
          above += z * at(x.v, s, h, e);
          below += z;
        }
        return above / (Math.max(Math.abs(below), Math.exp(-top)) + o.eps);
      }),
    ),
);
law(
  "without ε the largest is immaterial: the divisor is at least 1",
  cases(mlstm, { ...fresh, options: { eps: 0 } }),
  ({ x, n, o }) => {
    const plain = tensor([n.T, n.H, n.E], (t, h, e) => {
      let [above, below] = [0, 0];
      for (let s = 0; s <= t; s++) {
        const z = (Math.exp(decay(x.f, s, t, h) + at(x.i, s, h)) * dot(x.q, t, x.k, s, h, n.D)) / Math.sqrt(n.D);
        above += z * at(x.v, s, h, e);
        below += z;
      }
      return above / Math.max(Math.abs(below), 1);
    });
    same(mlstm(x, o).out, plain);
    same(mlstm({ ...x, m: tensor([n.H], (h) => 2 - h) }, o).out, plain);
  },
);
law(
  "with open gates it is linear attention over its own sum of scores, or over 1",
  cases(mlstm, { ...fresh, options: { eps: 0 } }),
  ({ x, n, o }) => {
    const open = { f: edit(x.f, () => Number.POSITIVE_INFINITY), i: edit(x.i, () => 0) };
    const heads = (t: Tensor, width: number) => tensor([n.H, n.T, width], (h, s, d) => at(t, s, h, d));
    const ones = tensor([n.H, n.T, 1], () => 1);
    const kept = { q: heads(x.q, n.D), k: heads(x.k, n.D), gamma: tensor([n.H], () => 1) };
    const [above, below] = [retention({ ...kept, v: heads(x.v, n.E) }).out, retention({ ...kept, v: ones }).out];
    same(
      mlstm({ ...x, ...open }, o).out,
      tensor([n.T, n.H, n.E], (t, h, e) => at(above, h, t, e) / Math.max(Math.abs(at(below, h, t, 0)), 1)),
    );
  },
);
law(
  "gates of any size stay in range: the last of ever larger inputs is all that counts",
  cases(mlstm, fresh),
  ({ x, n, o }) => {
    const last = n.T - 1;
    const out = mlstm({ ...x, i: edit(x.i, (_, t) => 1000 * (t + 1)) }, { ...o, eps: 0 }).out;
    for (let h = 0; h < n.H; h++) {
      const score = dot(x.q, last, x.k, last, h, n.D);
      if (Math.abs(score) > 0.01)
        same(
          tensor([n.E], (e) => at(out, last, h, e)),
          tensor([n.E], (e) => Math.sign(score) * at(x.v, last, h, e)),
        );
    }
  },
);
law("an input gate of −∞ writes nothing, but what was there fades", cases(mlstm, fresh), ({ x, n, o }) => {
  const i = edit(x.i, (v, t) => (t === n.T - 1 ? Number.NEGATIVE_INFINITY : v));
  const v = edit(x.v, (value, t) => (t === n.T - 1 ? value + 9 : value));
  same(mlstm({ ...x, i, v }, o).out, mlstm({ ...x, i }, o).out);
});
law("the gain is on each head normed by itself", cases(mlstm, { given: { gain: true } }), ({ x, n, o }) => {
  const { gain, ...rest } = x;
  const plain = mlstm(rest, o).out;
  same(
    mlstm(x, o).out,
    tensor([n.T, n.H, n.E], (t, h, e) => {
      const row = Array.from({ length: n.E }, (_, j) => at(plain, t, h, j));
      const centre = row.reduce((a, b) => a + b, 0) / n.E;
      const spread = row.reduce((a, b) => a + (b - centre) ** 2, 0) / n.E;
      return (at(gain, h, e) * (row[e]! - centre)) / Math.sqrt(spread + o.normEps);
    }),
  );
});
