import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { kerplePositionBias as kerple } from "../../../spec/positional/kerple-position-bias.ts";
import { at, cases, edit, example, fail, law, same, span, specify, tensor } from "../../kit.ts";

specify(kerple);

const nothing = [[[0], [0], [0]]];
example(
  "logarithmic, p = a = 1: weights 1/3, 1/2 and 1 before they are normed",
  kerple,
  { q: nothing, k: nothing, v: [[[11], [0], [0]]], p: [1], a: [1] },
  { out: [[[11], [11 / 3], [2]]] },
);
example(
  "power, p = 2, a = ln 2: weights 1/16, 1/2 and 1",
  kerple,
  { q: nothing, k: nothing, v: [[[0], [25], [0]]], p: [2], a: [Math.LN2] },
  { out: [[[0], [50 / 3], [8]]] },
  { variant: "power" },
);
example(
  "the weight e^(−ln 2 · 1) halves a score of 2 ln 3, which is 4 ln 3 over the root of 4",
  kerple,
  {
    q: [[[1, 1, 1, 1]]],
    k: [
      [
        [Math.log(3), Math.log(3), Math.log(3), Math.log(3)],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    pW: [1],
    aW: [Math.LN2],
  },
  { out: [[[6]]] },
  { variant: "power" },
);
example(
  "clamped: p = 0 counts as 0.01, a = 99 stays",
  kerple,
  { q: [[[0]]], k: [[[0], [0]]], v: [[[1 + 100 ** 0.01], [0]]], p: [0], a: [99] },
  { out: [[[1]]] },
);
example(
  "clamped: the exponent 3 counts as 2",
  kerple,
  { q: [[[0]]], k: [[[0], [0], [0]]], v: [[[25], [0], [0]]], p: [3], a: [Math.LN2] },
  { out: [[[1]]] },
  { variant: "power" },
);
example(
  "not causal, the query between two keys leans to both alike",
  kerple,
  { q: [[[0], [0], [0]]], k: nothing, v: [[[4], [0], [8]]], p: [1], a: [1] },
  { out: [[[(4 + 8 / 3) / (11 / 6)], [3], [(4 / 3 + 8) / (11 / 6)]]] },
  { causal: false },
);
example(
  "a query before the first key sees nothing",
  kerple,
  { q: [[[0], [0]]], k: [[[0]]], v: [[[5]]] },
  { out: [[[0], [5]]] },
);

law(
  "slope 0 and unclamped, it is scaled dot-product attention",
  cases(kerple, { options: { clamp: false }, given: { a: true, p: true, pW: false, aW: false } }),
  ({ x, n, o }) => {
    const { q, k, v } = x;
    same(kerple({ ...x, a: tensor([n.H], () => 0) }, o).out, attention({ q, k, v }, { causal: o.causal }).out);
  },
);
law(
  "the power kernel with exponent 1 is ALiBi",
  cases(kerple, { options: { variant: "power", clamp: false }, given: { a: true, p: false, pW: false, aW: false } }),
  ({ x: { q, k, v, a }, n, o }) => {
    const bias = tensor([n.H, n.Tq, n.Tk], (h, t, s) => -at(a, h) * Math.abs(t + n.Tk - n.Tq - s));
    same(kerple({ q, k, v, a }, o).out, attention({ q, k, v, bias }, { causal: o.causal }).out);
  },
);
law(
  "the logarithmic kernel multiplies weights by (1 + aδ)^−p",
  cases(kerple, { options: { variant: "log", clamp: false }, given: { a: true, p: true, pW: false, aW: false } }),
  ({ x: { q, k, v, a, p }, n, o }) => {
    const bias = tensor([n.H, n.Tq, n.Tk], (h, t, s) =>
      Math.log((1 + at(a, h) * Math.abs(t + n.Tk - n.Tq - s)) ** -at(p, h)),
    );
    same(kerple({ q, k, v, a, p }, o).out, attention({ q, k, v, bias }, { causal: o.causal }).out);
  },
);
law("an omitted one of a pair is 1, and both of the power kernel leave its part out", cases(kerple), ({ x, n, o }) => {
  const ones = tensor([n.H], () => 1);
  const { q, k, v, p, a, pW, aW } = x;
  if (o.variant === "log")
    return same(kerple({ q, k, v, ...(p && { p }), a: ones }, o).out, kerple({ q, k, v, ...(p && { p }) }, o).out);
  const bias = p || a ? { p: p ?? ones, a: a ?? ones } : { p: ones, a: tensor([n.H], () => 0) };
  const weight = pW || aW ? { pW: pW ?? ones, aW: aW ?? ones } : {};
  const unclamped = { ...o, clamp: false };
  return same(kerple({ q, k, v, ...bias, ...weight }, unclamped).out, kerple(x, unclamped).out);
});
law(
  "the weight draws scores towards 0: large, it leaves only the query's own",
  cases(kerple, { options: { variant: "power", clamp: false } }),
  ({ x: { q, k, v }, n, o }) => {
    const steep = { pW: tensor([n.H], () => 1), aW: tensor([n.H], () => 1e4) };
    const own = tensor([n.H, n.Tq, n.Tk], (h, t, s) => {
      const score = Array.from({ length: n.D }, (_, d) => at(q, h, t, d) * at(k, h, s, d)).reduce((x, y) => x + y, 0);
      return s === t + n.Tk - n.Tq ? score / Math.sqrt(n.D) : 0;
    });
    same(
      kerple({ q, k, v, ...steep }, o).out,
      attention({ q: edit(q, () => 0), k, v, bias: own }, { causal: o.causal }).out,
    );
  },
);
law("decoding, the last query alone gets what it got", cases(kerple), ({ x, n, o }) => {
  same(kerple({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }, o).out, span(kerple(x, o).out, 1, n.Tq - 1, n.Tq));
});

const refused = (call: () => unknown): boolean => {
  try {
    call();
  } catch {
    return true;
  }
  return false;
};
law(
  "the logarithmic kernel takes neither number of the weight",
  cases(kerple, { options: { variant: "log" }, given: { pW: false, aW: false } }),
  ({ x, n, o }) => {
    const number = tensor([n.H], () => 1);
    for (const weight of [{ pW: number }, { aW: number }])
      if (!refused(() => kerple({ ...x, ...weight }, o))) fail("a weight was taken");
  },
);
