import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { rwkv4 } from "../../../spec/linear/rwkv-4.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(rwkv4);

const ln = Math.log;
// Columns of x: key, value, gate. A decay of ln 2 halves the past; a bonus of ln 2 doubles the token itself.
const eye = { wK: [[1], [0], [0]], wV: [[0], [1], [0]], wR: [[0], [0], [1]], wO: [[1]] };
const now = { muK: [1, 1, 1], muV: [1, 1, 1], muR: [1, 1, 1] };
const half = { ...eye, ...now, wRaw: [ln(ln(2))], u: [ln(2)] };
const gated = (key: number, value: number) => [ln(key), value, 0];
example(
  "weights: 2 of the token itself; 1 then ½ of those before; half of it, by a gate of ½",
  rwkv4,
  { ...half, x: [gated(1, 8), gated(1, 4), gated(1, 10)] },
  {
    out: [[4], [(8 + 2 * 4) / 3 / 2], [(0.5 * 8 + 4 + 2 * 10) / 3.5 / 2]],
    last: [0, 10, 0],
    a: [2 + 2 + 10],
    b: [1.75],
    p: [0],
  },
);
example(
  "a carried average of 3 at weight 4 · e² before a key of weight 2: the exponent falls by ln 2",
  rwkv4,
  { ...half, x: [[ln(2), 8, 0]], a: [12], b: [4], p: [2] },
  {
    out: [[(12 * Math.E ** 2 + 32) / (4 * Math.E ** 2 + 4) / 2]],
    a: [12 + 32 / Math.E ** 2],
    b: [4 + 4 / Math.E ** 2],
    p: [2 - ln(2)],
  },
);
example(
  "a key of weight e⁴ takes over the exponent",
  rwkv4,
  { ...half, x: [[4, 8, 0]], a: [12], b: [4], p: [2] },
  { a: [8 + 6 / Math.E ** 2], b: [1 + 2 / Math.E ** 2], p: [4] },
);
example(
  "the token before is mixed in, each of three in its own measure",
  rwkv4,
  {
    ...eye,
    wRaw: [0],
    u: [0],
    muK: [0.5, 0, 0],
    muV: [0, 0.25, 0],
    muR: [0, 0, 0.75],
    x: [[6, 4, 0]],
    last: [2, 8, 4 * ln(3)],
  },
  { out: [[7 * 0.75]], a: [7], b: [1], p: [4] },
);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const blended = (
  {
    x,
    n,
  }: { x: { x: Parameters<typeof at>[0]; last?: Parameters<typeof at>[0] }; n: { T: number; M: number; A: number } },
  mu: Parameters<typeof at>[0],
  w: Parameters<typeof at>[0],
) =>
  tensor([n.T, n.A], (t, c) =>
    total(n.M, (m) => {
      const before = t ? at(x.x, t - 1, m) : x.last ? at(x.last, m) : 0;
      return (at(mu, m) * at(x.x, t, m) + (1 - at(mu, m)) * before) * at(w, m, c);
    }),
  );
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
law("is a weighted average: by e^k, by age, the token itself by its bonus", cases(rwkv4), (drawn) => {
  const { x, n } = drawn;
  const [k, v, r] = [blended(drawn, x.muK, x.wK), blended(drawn, x.muV, x.wV), blended(drawn, x.muR, x.wR)];
  const decay = (c: number) => Math.exp(at(x.wRaw, c));
  const state = (t: typeof x.a | undefined, c: number) =>
    t ? at(t, c) * Math.exp(x.p ? at(x.p, c) : Number.NEGATIVE_INFINITY) : 0;
  const wkv = tensor([n.T, n.A], (t, c) => {
    const weight = (i: number) => Math.exp(i === t ? at(x.u, c) + at(k, t, c) : -(t - 1 - i) * decay(c) + at(k, i, c));
    const old = Math.exp(-t * decay(c));
    return (
      (old * state(x.a, c) + total(t + 1, (i) => weight(i) * at(v, i, c))) /
      (old * state(x.b, c) + total(t + 1, weight))
    );
  });
  same(
    rwkv4(x).out,
    tensor([n.T, n.Mo], (t, m) => total(n.A, (c) => sigmoid(at(r, t, c)) * at(wkv, t, c) * at(x.wO, c, m))),
    1e-11,
  );
});
const fresh = { a: false, b: false, p: false };
law(
  "without decay and bonus it is causal attention without queries",
  cases(rwkv4, { given: fresh, sizes: { A: 1 } }),
  (drawn) => {
    const { x, n } = drawn;
    const average = scaledDotProductAttention(
      { q: tensor([n.T, 1], () => 1), k: blended(drawn, x.muK, x.wK), v: blended(drawn, x.muV, x.wV) },
      { scale: 1, causal: true },
    ).out;
    const r = blended(drawn, x.muR, x.wR);
    same(
      rwkv4({ ...x, wRaw: tensor([1], () => Number.NEGATIVE_INFINITY), u: tensor([1], () => 0) }).out,
      tensor([n.T, n.Mo], (t, m) => sigmoid(at(r, t, 0)) * at(average, t, 0) * at(x.wO, 0, m)),
    );
  },
);
law(
  "the first token reads its own value, whatever its key",
  cases(rwkv4, { given: fresh, sizes: { T: 1 } }),
  (drawn) => {
    const { x, n } = drawn;
    const [v, r] = [blended(drawn, x.muV, x.wV), blended(drawn, x.muR, x.wR)];
    same(
      rwkv4(x).out,
      tensor([1, n.Mo], (_, m) => total(n.A, (c) => sigmoid(at(r, 0, c)) * at(v, 0, c) * at(x.wO, c, m))),
    );
  },
);
law("carried sums are the same at any exponent", cases(rwkv4, { given: { a: true, b: true, p: true } }), ({ x }) => {
  const shift = (t: typeof x.a) => edit(t, (value) => value * Math.exp(-1.5));
  same(rwkv4({ ...x, a: shift(x.a), b: shift(x.b), p: edit(x.p, (p) => p + 1.5) }).out, rwkv4(x).out, 1e-11);
});
