import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { pathAttention as path } from "../../../spec/positional/path-attention.ts";
import { at, cases, edit, example, join, law, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(path);

const ln3 = Math.log(3);
const steps = (count: number, first: readonly number[], rest: readonly number[]) =>
  Array.from({ length: count }, (_, t) => [t ? rest : first]);
example(
  "β = 2 and w along the key: it comes back with its sign turned, 1/3 against 1",
  path,
  { q: [[[1]], [[1]]], k: [[[ln3]], [[0]]], v: [[[8]], [[0]]], w: [[[1]], [[1]]], beta: [[2], [2]] },
  { out: [[[8]], [[2]]] },
);
example(
  "β = ½ halves what lies along w at each token on the way: ln 81 / 4 = ln 3, and the key's own token does not count",
  path,
  {
    q: steps(3, [1], [1]),
    k: steps(3, [4 * ln3], [0]),
    v: steps(3, [10], [0]),
    w: steps(3, [1], [1]),
    beta: [[2], [0.5], [0.5]],
  },
  { out: [[[10]], [[9]], [[6]]] },
);
example(
  "reflections on the way from the key to the query: H₁ first, which swaps the features, then H₂",
  path,
  {
    q: steps(3, [0, 0], [1, 0]),
    k: steps(3, [2 * ln3, ln3], [0, 0]),
    v: steps(3, [10], [0]),
    w: [[[0, 0]], [[Math.SQRT1_2, -Math.SQRT1_2]], [[1, 0]]],
    beta: [[2], [2], [1.5]],
  },
  { out: [[[10]], [[7.5]], [[10 / (1 + 2 * Math.sqrt(3))]]] },
  { scale: 1 },
);
example(
  "a gate of −2 ln 3 on the second token, scaled by ½ at D = 4: weights 1/3 and 1; the first token's gate does not count",
  path,
  {
    q: steps(2, [0, 0, 0, 0], [0, 0, 0, 0]),
    k: steps(2, [0, 0, 0, 0], [0, 0, 0, 0]),
    v: steps(2, [8], [0]),
    w: steps(2, [1, 0, 0, 0], [1, 0, 0, 0]),
    beta: [[1], [1]],
    g: [[-7], [-2 * ln3]],
  },
  { out: [[[8]], [[2]]] },
);
example(
  "the gate not scaled: weights 1/9 and 1",
  path,
  {
    q: steps(2, [0, 0, 0, 0], [0, 0, 0, 0]),
    k: steps(2, [0, 0, 0, 0], [0, 0, 0, 0]),
    v: steps(2, [10], [0]),
    w: steps(2, [1, 0, 0, 0], [1, 0, 0, 0]),
    beta: [[1], [1]],
    g: [[-7], [-2 * ln3]],
  },
  { out: [[[10]], [[1]]] },
  { gateBiasScaled: false },
);

const perHead = (t: Tensor, heads: number, from: (h: number) => number) =>
  tensor([heads, t.shape[0]!, t.shape[2]!], (h, i, d) => at(t, i, from(h), d));
law(
  "β = 0 is causal attention without positions, with shared key heads",
  cases(path, { given: { g: false } }),
  ({ x, n, o }) => {
    const shared = (h: number) => Math.floor(h / (n.Hq / n.Hk));
    const plain = attention(
      {
        q: perHead(x.q, n.Hq, (h) => h),
        k: perHead(x.k, n.Hq, shared),
        v: perHead(x.v, n.Hq, shared),
      },
      { causal: true, scale: o.scale },
    ).out;
    same(
      path({ ...x, beta: edit(x.beta, () => 0) }, o).out,
      tensor([n.T, n.Hq, n.E], (t, h, e) => at(plain, h, t, e)),
    );
  },
);
law(
  "decoding with reflected cached keys gives the last row of the whole",
  cases(path, { sizes: { Hq: 1, Hk: 1 } }),
  ({ x, n, o }) => {
    const cache: number[][] = [];
    for (let t = 0; t < n.T; t++) {
      for (const key of cache) {
        const along = key.reduce((total, v, d) => total + v * at(x.w, t, 0, d), 0);
        for (let d = 0; d < n.D; d++) key[d]! -= at(x.beta, t, 0) * along * at(x.w, t, 0, d);
      }
      cache.push(Array.from({ length: n.D }, (_, d) => at(x.k, t, 0, d)));
    }
    const last = n.T - 1;
    const bias = tensor([1, n.T], (_, s) => {
      const gates = Array.from({ length: last - s }, (_, u) => (x.g ? at(x.g, s + 1 + u, 0) : 0));
      return (o.gateBiasScaled ? o.scale : 1) * gates.reduce((a, b) => a + b, 0);
    });
    const q = tensor([1, n.D], (_, d) => at(x.q, last, 0, d));
    const k = tensor([n.T, n.D], (s, d) => cache[s]![d]!);
    const v = tensor([n.T, n.E], (s, e) => at(x.v, s, 0, e));
    same(
      tensor([1, n.E], (_, e) => at(path(x, o).out, last, 0, e)),
      attention({ q, k, v, bias }, { scale: o.scale }).out,
    );
  },
);
law("each query head reads the key head of its group", cases(path, { sizes: { Hq: 4, Hk: 2 } }), ({ x, o }) => {
  const heads = (from: number) => {
    const [queries, keys] = [
      (t: typeof x.q) => span(t, 1, 2 * from, 2 * from + 2),
      (t: typeof x.k) => span(t, 1, from, from + 1),
    ];
    return path(
      {
        q: queries(x.q),
        k: keys(x.k),
        v: keys(x.v),
        w: keys(x.w),
        beta: keys(x.beta),
        ...(x.g && { g: queries(x.g) }),
      },
      o,
    ).out;
  };
  same(path(x, o).out, join(1, heads(0), heads(1)));
});
law("the first token's own w, β and gate never matter", cases(path), ({ x, o }) => {
  const other = (t: typeof x.w) => edit(t, (v, i) => (i ? v : v + 0.75));
  same(path({ ...x, w: other(x.w), beta: other(x.beta), ...(x.g && { g: other(x.g) }) }, o).out, path(x, o).out);
});
law(
  "at β = 2 and unit w one w twice in a row is no turn at all",
  cases(path, { sizes: { T: 3, Hk: 1 }, given: { g: false } }),
  ({ x, n, o }) => {
    const w = tensor([n.T, 1, n.D], (_, __, d) => Number(d === 0));
    const onlyFirst = edit(x.k, (v, t, _, d) => (t === 1 && d === 0 ? 0 : v));
    same(
      span(path({ ...x, k: onlyFirst, w, beta: edit(x.beta, () => 2) }, o).out, 0, 2, 3),
      span(path({ ...x, k: onlyFirst, w, beta: edit(x.beta, () => 0) }, o).out, 0, 2, 3),
    );
  },
);
