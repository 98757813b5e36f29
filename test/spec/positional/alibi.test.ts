import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { alibi } from "../../../spec/positional/alibi.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(alibi);

example(
  "slopes of two heads are 1/16 and 1/256, of a third one 1/4: keys one away that score as much are level",
  alibi,
  {
    q: [[[1]], [[1]], [[1]]],
    k: [
      [[1 / 16], [0]],
      [[1 / 256], [0]],
      [[1 / 4], [0]],
    ],
    v: [
      [[0], [2]],
      [[0], [2]],
      [[0], [2]],
    ],
  },
  { out: [[[1]], [[1]], [[1]]] },
);
example(
  "seven heads: 1/4, 1/16, 1/64, 1/256, then 1/2, 1/8, 1/32",
  alibi,
  {
    q: [[[1]], [[1]], [[1]], [[1]], [[1]], [[1]], [[1]]],
    k: [4, 16, 64, 256, 2, 8, 32].map((m) => [[1 / m], [0]]),
    v: [4, 16, 64, 256, 2, 8, 32].map(() => [[0], [2]]),
  },
  { out: [[[1]], [[1]], [[1]], [[1]], [[1]], [[1]], [[1]]] },
);
example(
  "slope ln 2: each step back halves the weight",
  alibi,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[3], [6]]], slopes: [Math.LN2] },
  { out: [[[3], [5]]] },
);
example(
  "symmetric, slope ln 2: each step forward halves it too",
  alibi,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[3], [6]]], slopes: [Math.LN2] },
  { out: [[[4], [5]]] },
  { symmetric: true },
);
example(
  "more queries than keys: the first sees none and gets zero",
  alibi,
  { q: [[[0], [0]]], k: [[[0]]], v: [[[3]]] },
  { out: [[[0], [3]]] },
);

const bias = (slopes: readonly number[], n: { H: number; Tq: number; Tk: number }, form: "distance" | "key") =>
  tensor([n.H, n.Tq, n.Tk], (h, t, s) => slopes[h]! * (form === "key" ? s : -Math.abs(t + n.Tk - n.Tq - s)));
const eight = [1, 2, 3, 4, 5, 6, 7, 8].map((h) => 2 ** -h);

law(
  "is attention with a bias linear in the distance",
  cases(alibi, { given: { slopes: true } }),
  ({ x: { q, k, v, slopes }, n, o }) =>
    same(
      alibi({ q, k, v, slopes }, o).out,
      scaledDotProductAttention(
        { q, k, v, bias: bias(Array.from(slopes.data), n, "distance") },
        { causal: !o.symmetric },
      ).out,
    ),
);
law(
  "eight heads have the slopes ½, ¼ … 1/256, and under the causal mask the key's place alone does as well",
  cases(alibi, { sizes: { H: 8 }, given: { slopes: false }, options: { symmetric: false } }),
  ({ x: { q, k, v }, n }) =>
    same(
      alibi({ q, k, v }).out,
      scaledDotProductAttention({ q, k, v, bias: bias(eight, n, "key") }, { causal: true }).out,
    ),
);
law("slope 0 is plain attention", cases(alibi), ({ x: { q, k, v }, n, o }) =>
  same(
    alibi({ q, k, v, slopes: tensor([n.H], () => 0) }, o).out,
    scaledDotProductAttention({ q, k, v }, { causal: !o.symmetric }).out,
  ),
);
law("the last queries alone get what they got among all", cases(alibi), ({ x, n, o }) =>
  same(alibi({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }, o).out, span(alibi(x, o).out, 1, n.Tq - 1, n.Tq)),
);
law(
  "with equal keys the weight falls by the same factor at each step",
  cases(alibi, { sizes: { Tk: 3, Tq: 1, E: 3 }, given: { slopes: true } }),
  ({ x, n, o }) => {
    const { out } = alibi({ ...x, k: edit(x.k, () => 1), v: tensor([n.H, 3, 3], (_, s, e) => (s === e ? 1 : 0)) }, o);
    const ratio = (from: number) => tensor([n.H], (h) => at(out, h, 0, from) / at(out, h, 0, from + 1));
    same(ratio(0), ratio(1));
    same(
      ratio(0),
      edit(x.slopes, (m) => Math.exp(-m)),
    );
  },
);
