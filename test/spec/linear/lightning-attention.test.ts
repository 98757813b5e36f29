import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { retention } from "../../../spec/linear/retention.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(lightningAttention);

const ln = Math.log;
example(
  "what was written halves with every token",
  lightningAttention,
  { q: [[[1], [1], [2]]], k: [[[1], [1], [1]]], v: [[[8], [4], [2]]], slope: [ln(2)] },
  { out: [[[8], [8], [12]]], state: [[[6]]] },
);
example(
  "two features, no decay, and a state of before",
  lightningAttention,
  {
    q: [
      [
        [1, 0],
        [1, 1],
      ],
    ],
    k: [
      [
        [1, 2],
        [0, 1],
      ],
    ],
    v: [[[3], [5]]],
    state: [[[10], [20]]],
  },
  { out: [[[13], [44]]], state: [[[13], [31]]] },
);

law("is retention without scale whose factor is e to minus the slope", cases(lightningAttention), ({ x, n }) => {
  const gamma = tensor([n.H], (h) => Math.exp(x.slope ? -at(x.slope, h) : 0));
  const { slope: _, ...rest } = x;
  const [actual, wanted] = [lightningAttention(x), retention({ ...rest, gamma }, { scale: 1 })];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("in parallel, product t, s is multiplied by λ to their distance", cases(lightningAttention), ({ x, n }) => {
  const total = (length: number, f: (i: number) => number) =>
    Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
  const faded = (h: number, steps: number) => Math.exp(x.slope ? -steps * at(x.slope, h) : 0);
  const wanted = tensor([n.H, n.T, n.E], (h, t, e) => {
    const before = x.state ? total(n.D, (d) => at(x.q, h, t, d) * at(x.state, h, d, e)) : 0;
    const product = (s: number) => total(n.D, (d) => at(x.q, h, t, d) * at(x.k, h, s, d));
    return faded(h, t + 1) * before + total(t + 1, (s) => faded(h, t - s) * product(s) * at(x.v, h, s, e));
  });
  same(lightningAttention(x).out, wanted);
});
law("features may be split and the outputs added", cases(lightningAttention, { sizes: { D: 3 } }), ({ x }) => {
  const part = (from: number, to: number) =>
    lightningAttention({
      ...x,
      q: span(x.q, 2, from, to),
      k: span(x.k, 2, from, to),
      ...(x.state && { state: span(x.state, 1, from, to) }),
    }).out;
  const rest = part(1, 3);
  same(
    lightningAttention(x).out,
    edit(part(0, 1), (o, ...index) => o + at(rest, ...index)),
  );
});
