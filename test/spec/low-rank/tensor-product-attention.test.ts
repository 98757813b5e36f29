import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { tensorProductAttention as tpa } from "../../../spec/low-rank/tensor-product-attention.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { at, cases, edit, example, law, refuses, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(tpa);

const { cos, sin } = Math;
const one = { wAq: [[1]], wBq: [[1, 2]], wAk: [[1]], wBk: [[1, 0]], wAv: [[2, 4]], wBv: [[3, 5]], wO: [[1]] };
example(
  "the first token is not turned; values are the mean of 2 · 3 and 4 · 5",
  tpa,
  { ...one, x: [[1]] },
  {
    out: [[13]],
    q: [[[1, 2]]],
    k: [[[1, 0]]],
    v: [[[13]]],
  },
);
example(
  "D = 4: at token 1 the first pair turns back by 1, the second by 1/100",
  tpa,
  { ...one, wBq: [[0, 0, 0, 0]], wBk: [[1, 1, 0, 0]], x: [[1], [1]] },
  {
    out: [[13], [13]],
    k: [[[1, 1, 0, 0]], [[cos(1), cos(0.01), -sin(1), -sin(0.01)]]],
  },
);
const ln3 = Math.log(3);
example(
  "D = 4: a product 2 ln 3 is halved; weights ¼ and ¾ at the second token",
  tpa,
  {
    x: [
      [0, 1],
      [1, 0],
    ],
    wAq: [[1], [0]],
    wBq: [
      [2 * ln3, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    wAk: [[1], [0]],
    wBk: [
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    wAv: [[1], [1]],
    wBv: [[8], [4]],
    wO: [[1]],
  },
  { out: [[4], [7]] },
);
example(
  "the norm of a head's output: 3 and 4 have mean square 12½",
  tpa,
  {
    ...one,
    x: [[1e6]],
    wAv: [[1]],
    wBv: [[3, 4]],
    wO: [
      [1, 0],
      [0, 1],
    ],
    g: [Math.SQRT2, 10],
  },
  { out: [[6 / 5, 8 * Math.SQRT2]] },
);
refuses("D must be even", tpa, { ...one, x: [[1]], wBq: [[1]], wBk: [[1]] });

const sum = (n: number, f: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const factor = (x: Tensor, w: Tensor) =>
  tensor([x.shape[0]!, w.shape[1]!], (t, i) => sum(x.shape[1]!, (m) => at(x, t, m) * at(w, m, i)));
const head = (t: Tensor, h: number) => tensor([t.shape[0]!, t.shape[2]!], (i, d) => at(t, i, h, d));
/** Σ A B / rank of one head, not turned, then turned by the place times `sign`. */
const turned = (x: Tensor, wA: Tensor, wB: Tensor, rank: number, h: number, sign: number, base: number) => {
  const [a, b] = [factor(x, wA), factor(x, wB)];
  const [T, D] = [x.shape[0]!, wB.shape[1]! / rank];
  const plain = tensor([T, D], (t, d) => sum(rank, (r) => at(a, t, h * rank + r) * at(b, t, r * D + d)) / rank);
  return rope({ x: plain, positions: tensor([T], (t) => sign * t) }, { base }).out;
};
law("turning the factors is turning queries and keys, by minus the place", cases(tpa), ({ x, n, o }) => {
  const { q, k } = tpa(x, o);
  for (let h = 0; h < n.H; h++) {
    same(head(q, h), turned(x.x, x.wAq, x.wBq, n.Rq, h, -1, o.ropeBase));
    same(head(k, h), turned(x.x, x.wAk, x.wBk, n.Rk, h, -1, o.ropeBase));
  }
});
law("with the second half of all factors negated they turn the usual way", cases(tpa), ({ x, n, o }) => {
  const half = (w: Tensor) => edit(w, (v, _, i) => (i % n.D < n.D / 2 ? v : -v));
  const { q } = tpa({ ...x, wBq: half(x.wBq) }, o);
  for (let h = 0; h < n.H; h++) same(half(head(q, h)), turned(x.x, x.wAq, x.wBq, n.Rq, h, 1, o.ropeBase));
});
law("it is causal attention of each head's q, k and v", cases(tpa, { given: { g: false } }), ({ x, n, o }) => {
  const { out, q, k, v } = tpa(x, o);
  const heads = Array.from({ length: n.H }, (_, h) => {
    const own = (t: Tensor, width: number) => tensor([n.T, width], (i, d) => at(t, i, h, d));
    return attention({ q: own(q, n.D), k: own(k, n.D), v: own(v, n.E) }, { causal: true }).out;
  });
  same(
    out,
    edit(out, (_, t, m) => sum(n.H * n.E, (i) => at(heads[Math.floor(i / n.E)]!, t, i % n.E) * at(x.wO, i, m))),
  );
});
law(
  "scores follow from the cached factors without the keys",
  cases(tpa),
  ({ x, n, o }) => {
    const { q, k } = tpa(x, o);
    const aK = factor(x.x, x.wAk);
    const bK = Array.from({ length: n.Rk }, (_, r) => {
      const rows = tensor([n.T, n.D], (t, d) => at(factor(x.x, x.wBk), t, r * n.D + d));
      return rope({ x: rows, positions: tensor([n.T], (t) => -t) }, { base: o.ropeBase }).out;
    });
    const t = n.T - 1;
    const scores = tensor(
      [n.H, n.T],
      (h, s) => sum(n.Rk, (r) => at(aK, s, h * n.Rk + r) * sum(n.D, (d) => at(q, t, h, d) * at(bK[r]!, s, d))) / n.Rk,
    );
    same(
      scores,
      edit(scores, (_, h, s) => sum(n.D, (d) => at(q, t, h, d) * at(k, s, h, d))),
    );
  },
  30,
);
law(
  "of rank 1 and with factors alike, all heads share keys and values as in multi-query attention",
  cases(tpa, { sizes: { Rk: 1, Rv: 1 } }),
  ({ x, o }) => {
    const alike = (w: Tensor) => edit(w, (_, m) => at(w, m, 0));
    const { k, v } = tpa({ ...x, wAk: alike(x.wAk), wAv: alike(x.wAv) }, o);
    for (const t of [k, v])
      same(
        t,
        edit(t, (_, i, _h, d) => at(t, i, 0, d)),
      );
  },
);
