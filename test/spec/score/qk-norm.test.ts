import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { qkNorm } from "../../../spec/score/qk-norm.ts";
import { at, cases, edit, example, fail, law, pick, same, specify, tensor } from "../../kit.ts";

specify(qkNorm);

const ln3 = Math.log(3);
const exact = { eps: 1e-300 };
const v = [[[8], [0]]];
example(
  "(3, 4, 0, 0) has root mean square 5/2; gains make the product 2 ln 3, which the scale of D = 4 halves",
  qkNorm,
  {
    q: [[[3, 4, 0, 0]]],
    k: [
      [
        [0, 50, 0, 0],
        [0, 0, 0, 7],
      ],
    ],
    v,
    gQ: [1, 2.5 * ln3, 9, 9],
    gK: [1, 0.25, 9, 9],
  },
  { out: [[[6]]] },
  exact,
);
example(
  "the default ε of 10⁻⁶ halves a mean square of 10⁻⁶",
  qkNorm,
  { q: [[[1e-3]]], k: [[[1], [-1]]], v, gQ: [ln3 * Math.SQRT1_2] },
  {
    out: [
      [
        [
          8 *
            (0.75 ** (1 / Math.sqrt(1 + 1e-6)) /
              (0.75 ** (1 / Math.sqrt(1 + 1e-6)) + 0.25 ** (1 / Math.sqrt(1 + 1e-6)))),
        ],
      ],
    ],
  },
);
example(
  "layer: 1 and 5 lie 2 below and above their mean; the scale is 1/√2",
  qkNorm,
  {
    q: [[[1, 5]]],
    k: [
      [
        [9, 7],
        [4, 6],
      ],
    ],
    v,
    gQ: [-1, 2],
    gamma: ln3 / Math.SQRT2,
  },
  { out: [[[2]]] },
  { ...exact, kind: "layer" },
);
example(
  "l2: cosines 24/25 and 0, times γ",
  qkNorm,
  {
    q: [[[3, 4]]],
    k: [
      [
        [8, 6],
        [4, -3],
      ],
    ],
    v,
    gamma: (25 / 24) * ln3,
  },
  { out: [[[6]]] },
  { ...exact, kind: "l2" },
);
example(
  "l2: a vector shorter than ε is divided by ε",
  qkNorm,
  { q: [[[1]]], k: [[[ln3], [0]]], v, gamma: 4 },
  { out: [[[6]]] },
  { eps: 2, kind: "l2" },
);
const wide = {
  q: [[[3]], [[4]]],
  k: [
    [[6], [0]],
    [[8], [0]],
  ],
  v: [
    [[8], [0]],
    [[0], [8]],
  ],
};
const share = (x: number) => (8 * Math.exp(x)) / (1 + Math.exp(x));
example(
  "full: heads (3) and (4) are one vector of mean square 12½, with a gain for each",
  qkNorm,
  { ...wide, gQ: [1, 2], gK: [1, 3] },
  { out: [[[share(18 / 25)]], [[8 - share(6 * (32 / 25))]]] },
  { ...exact, scope: "full" },
);
example(
  "head: each is one by itself, with one gain for both",
  qkNorm,
  { ...wide, gQ: [2] },
  { out: [[[share(2)]], [[8 - share(2)]]] },
  exact,
);
example(
  "four query heads on two key heads: the first two read 2, the others 8",
  qkNorm,
  { q: [[[1]], [[1]], [[1]], [[1]]], k: [[[1]], [[1]]], v: [[[2]], [[8]]] },
  { out: [[[2]], [[2]], [[8]], [[8]]] },
);
example("not causal unless told so", qkNorm, { q: [[[0], [0]]], k: [[[0], [0]]], v }, { out: [[[4], [4]]] });
example(
  "causal, two queries after one cached key: the last sees all three",
  qkNorm,
  { q: [[[0], [0]]], k: [[[0], [0], [0]]], v: [[[3], [6], [12]]] },
  { out: [[[4.5], [7]]] },
  { causal: true },
);
const quarter = Math.PI / 2;
example(
  "θ = 4/π²: the second of two planes makes a quarter turn a place, so the query meets the key before it turned",
  qkNorm,
  {
    q: [[[0, 3, 0, 0]]],
    k: [
      [
        [0, 0, 0, 5],
        [0, 0, 0, 7],
      ],
    ],
    v,
    gQ: [1, ln3 / 2, 1, 1],
  },
  { out: [[[6]]] },
  { ...exact, ropeTheta: quarter ** -2 },
);

law(
  "with a negligible ε the length of each query and key is immaterial",
  cases(qkNorm, { options: { ...exact, scope: "head" } }),
  ({ x, o }) => {
    const longer = (t: typeof x.q) => edit(t, (value, h, i) => value * (1 + h + 2 * i));
    same(qkNorm({ ...x, q: longer(x.q), k: longer(x.k) }, o).out, qkNorm(x, o).out);
  },
);
law(
  "rms without gains is l2 with γ = √D",
  cases(qkNorm, { options: { ...exact, kind: "rms", scope: "head" }, given: { gQ: false, gK: false } }),
  ({ x, n, o }) => {
    const gamma = tensor([], () => Math.sqrt(n.D) * (x.gamma ? at(x.gamma) : 1));
    same(qkNorm({ ...x, gamma }, { ...o, kind: "l2" }).out, qkNorm(x, o).out);
  },
);
law(
  "layer is rms of what is less its mean",
  cases(qkNorm, { options: { kind: "layer", scope: "head" } }),
  ({ x, n, o }) => {
    const centred = (t: typeof x.q) => {
      const mean = (h: number, i: number) =>
        Array.from({ length: n.D }, (_, d) => at(t, h, i, d)).reduce((a, b) => a + b) / n.D;
      return edit(t, (value, h, i) => value - mean(h, i));
    };
    same(qkNorm({ ...x, q: centred(x.q), k: centred(x.k) }, { ...o, kind: "rms" }).out, qkNorm(x, o).out);
  },
);
law(
  "is scaled dot-product attention of the normalised and then turned queries and keys",
  cases(qkNorm, { options: { kind: "l2", ropeTheta: 100, eps: 1e-3 }, given: { gQ: true, gK: true } }, {}),
  ({ x, n, o }) => {
    const prepared = (t: typeof x.q, g: typeof x.gQ) => {
      const size = (h: number, i: number) => {
        const heads = o.scope === "full" ? Array.from({ length: t.shape[0]! }, (_, j) => j) : [h];
        const squares = heads.flatMap((j) => Array.from({ length: n.D }, (_, d) => at(t, j, i, d) ** 2));
        return Math.max(Math.sqrt(squares.reduce((a, b) => a + b)), o.eps);
      };
      const unit = edit(t, (value, h, i, d) => (value / size(h, i)) * at(g, o.scope === "full" ? h * n.D + d : d));
      const positions = tensor([t.shape[0]!, t.shape[1]!], (_, i) => i + n.Tk - t.shape[1]!);
      return t.shape[1] ? rope({ x: unit, positions }, { base: 100 }).out : unit;
    };
    const repeat = (t: typeof x.q) => pick(t, 0, n.Hq, (h) => Math.floor(h / (n.Hq / n.Hk)));
    same(
      attention(
        { q: prepared(x.q, x.gQ), k: repeat(prepared(x.k, x.gK)), v: repeat(x.v) },
        { scale: x.gamma ? at(x.gamma) : 1, causal: o.causal },
      ).out,
      qkNorm(x, o).out,
    );
  },
);
law("an odd D cannot turn", cases(qkNorm, { sizes: { D: 3 } }), ({ x, o }) => {
  try {
    qkNorm(x, { ...o, ropeTheta: 100 });
  } catch {
    return;
  }
  fail("three features were turned in planes");
});
