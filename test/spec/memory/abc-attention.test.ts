import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { gatedSlotAttention as slots } from "../../../spec/linear/gated-slot-attention.ts";
import { abcAttention as abc } from "../../../spec/memory/abc-attention.ts";
import { at, cases, edit, example, law, refuses, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(abc);

const ln = Math.log;
const nothing = Number.NEGATIVE_INFINITY;
example(
  "one slot is a running average: scores 0 and ln 3 weigh the values 4 and 8 by ¼ and ¾",
  abc,
  { q: [[5], [-7]], k: [[1], [5]], v: [[4], [8]], s: [[0], [ln(3)]] },
  { out: [[4], [7]], stateK: [[4]], stateV: [[7]], z: [ln(4)] },
  { causal: true },
);
example(
  "not causal, both queries see both tokens",
  abc,
  { q: [[5], [-7]], k: [[1], [5]], v: [[4], [8]], s: [[0], [ln(3)]] },
  { out: [[7], [7]] },
);
example(
  "a slot for each token is softmax attention; at D = 4 the product 2 ln 3 is halved",
  abc,
  {
    q: [[1, 1, 1, 1]],
    k: [
      [ln(3), ln(3), 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [0]],
    s: [
      [0, nothing],
      [nothing, 0],
    ],
  },
  { out: [[6]] },
);
example(
  "a slot that nothing was written to is not attended to",
  abc,
  { q: [[1]], k: [[2]], v: [[5]], s: [[0, nothing]] },
  { out: [[5]], stateV: [[5], [0]], z: [0, nothing] },
);
example(
  "a state of weight 3 keeps ¾",
  abc,
  { q: [[1]], k: [[8]], v: [[8]], s: [[0]], stateK: [[4]], stateV: [[4]], z: [ln(3)] },
  { out: [[5]], stateK: [[5]], stateV: [[5]], z: [ln(4)] },
  { causal: true },
);
example(
  "values with scores of their own",
  abc,
  { q: [[1]], k: [[0], [2]], v: [[4], [8]], s: [[0], [0]], sV: [[0], [ln(3)]] },
  { out: [[7]], stateK: [[1]], stateV: [[7]], z: [ln(2)], zV: [ln(4)] },
);
example(
  "and a weight of their own",
  abc,
  {
    q: [[1]],
    k: [[8]],
    v: [[8]],
    s: [[0]],
    sV: [[0]],
    stateK: [[4]],
    stateV: [[4]],
    z: [ln(3)],
    zV: [0],
  },
  { out: [[6]], stateK: [[5]], stateV: [[6]], z: [ln(4)], zV: [ln(2)] },
);
example(
  "causal with a query too many: the first sees no slot",
  abc,
  { q: [[1], [1]], k: [[0]], v: [[3]], s: [[0]] },
  { out: [[0], [3]] },
  { causal: true },
);
const one = { q: [[1]], k: [[1]], v: [[1]], s: [[0]] };
refuses("a state is", abc, { ...one, stateK: [[1]] });
refuses("a state is", abc, { ...one, stateV: [[1]], stateK: [[1]] });
refuses("a state is", abc, { ...one, stateV: [[1]], z: [0] });
refuses("a state is", abc, { ...one, sV: [[0]], stateK: [[1]], stateV: [[1]], z: [0] });
refuses("a state is", abc, { ...one, stateK: [[1]], stateV: [[1]], z: [0], zV: [0] });
refuses("a state is", abc, { ...one, sV: [[0]], zV: [0] });

const fresh = { stateK: false, stateV: false, z: false, zV: false };
const averaged = (score: Tensor, items: Tensor) => {
  const [places, slots] = score.shape as [number, number];
  return attention({
    q: tensor([slots, 1], () => 0),
    k: tensor([places, 1], () => 0),
    v: items,
    bias: tensor([slots, places], (n, j) => at(score, j, n)),
  }).out;
};
law(
  "is attention to slots that are softmax averages over time",
  cases(abc, { given: fresh, options: { causal: false } }),
  ({ x, o }) =>
    same(
      abc(x, o).out,
      attention({ q: x.q, k: averaged(x.s, x.k), v: averaged(x.sV ?? x.s, x.v) }, { scale: o.scale }).out,
    ),
);
law(
  "causal, each query attends to the slots of the tokens up to its own",
  cases(abc, { given: fresh, options: { causal: true } }),
  ({ x, n, o }) => {
    for (let t = Math.max(0, n.Tq - n.Tk); t < n.Tq; t++) {
      const past = (y: Tensor) => span(y, 0, 0, t + 1 + n.Tk - n.Tq);
      const { q, k, v, s, sV } = x;
      const whole = abc(
        { q: span(q, 0, t, t + 1), k: past(k), v: past(v), s: past(s), ...(sV && { sV: past(sV) }) },
        { ...o, causal: false },
      ).out;
      same(span(abc(x, o).out, 0, t, t + 1), whole);
    }
  },
);
law("the last causal row is that of the whole", cases(abc), ({ x, n, o }) => {
  if (n.Tk === 0 && !x.z) return;
  const last = (causal: boolean) => span(abc(x, { ...o, causal }).out, 0, n.Tq - 1, n.Tq);
  same(last(true), last(false));
});
law(
  "a slot for each token makes it causal softmax attention",
  cases(abc, { sizes: { N: 5 }, given: { ...fresh, sV: false } }, { largest: 5 }),
  ({ x: { q, k, v }, n, o }) => {
    if (n.Tk === 0) return;
    const s = tensor([n.Tk, n.Tk], (j, slot) => (j === slot ? 0 : nothing));
    same(abc({ q, k, v, s }, o).out, attention({ q, k, v }, o).out);
  },
);
law(
  "causal, it is the variant abc of gated slot attention",
  cases(abc, { sizes: { Tq: 3, Tk: 3 }, given: { ...fresh, sV: false }, options: { causal: true } }),
  ({ x: { q, k, v, s }, o }) => {
    const gated = slots({ q, k, v, slotScores: s }, { variant: "abc", scale: o.scale });
    const own = abc({ q, k, v, s }, o);
    same(own.out, gated.out);
    same(own.stateV, gated.stateV);
    same(own.z, gated.z);
  },
);
law("a constant on all scores of a slot only adds to z", cases(abc, { given: fresh }), ({ x, o }) => {
  const lift = (t: Tensor) => edit(t, (value, _, slot) => value + slot + 0.5);
  const raised = abc({ ...x, s: lift(x.s), ...(x.sV && { sV: lift(x.sV) }) }, o);
  const plain = abc(x, o);
  same(raised.out, plain.out);
  same(
    raised.z,
    edit(plain.z, (z, slot) => z + slot + 0.5),
  );
});
law(
  "cut anywhere and resumed from slots and z, is the whole",
  cases(abc, { sizes: { Tq: 4, Tk: 4 }, options: { causal: true } }),
  ({ x, o }) => {
    const whole = abc(x, o);
    const part = (from: number, to: number) => ({
      ...x,
      q: span(x.q, 0, from, to),
      k: span(x.k, 0, from, to),
      v: span(x.v, 0, from, to),
      s: span(x.s, 0, from, to),
      ...(x.sV && { sV: span(x.sV, 0, from, to) }),
    });
    for (const cut of [1, 3]) {
      const { stateK, stateV, z, zV, out } = abc(part(0, cut), o);
      const tail = abc({ ...part(cut, 4), stateK, stateV, z, ...(zV && { zV }) }, o);
      same(out, span(whole.out, 0, 0, cut));
      same(tail.out, span(whole.out, 0, cut, 4));
      same(tail.stateK, whole.stateK);
      same(tail.stateV, whole.stateV);
      same(tail.z, whole.z);
      if (whole.zV) same(tail.zV, whole.zV);
    }
  },
);
