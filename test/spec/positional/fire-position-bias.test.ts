import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { firePositionBias as fire } from "../../../spec/positional/fire-position-bias.ts";
import { at, cases, edit, example, law, same, span, specify, tensor, tensorOf } from "../../kit.ts";

specify(fire);

const plain = { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[8], [0]]], c: 1, lMul: 1, w1: [[1]], b1: [0] };
const three = Math.log(3);
example(
  "distance 1 of a threshold of 3 is ln 2 of ln 4 and ε = ln 4 of padding: a quarter",
  fire,
  { ...plain, w2: [[4 * three]], b2: [0] },
  {
    out: [[[8], [6]]],
    bias: [
      [
        [0, 0],
        [three, 0],
      ],
    ],
  },
  { l0: 3, eps: Math.log(4) },
);
example(
  "by default the threshold is 512 and ε a millionth",
  fire,
  { ...plain, w2: [[1]], b2: [0.5] },
  {
    bias: [
      [
        [0.5, 0],
        [0.5 + Math.LN2 / (Math.log(513) + 1e-6), 0.5],
      ],
    ],
  },
);
example(
  "the network: 3 relu(2r + 1) − 5 relu(1 − 4r) + 7 at r = ½, ln 3 / ln 16, ¼ and 0 (normaliser ln 4 + ln 4)",
  fire,
  {
    q: [[[0]]],
    k: [[[0], [0], [0], [0]]],
    v: [[[0], [0], [0], [0]]],
    c: 1,
    lMul: 0.5,
    w1: [[2, -4]],
    b1: [1, 1],
    w2: [[3], [-5]],
    b2: [7],
  },
  { bias: [[[13, 10 + (6 * three) / Math.log(16), 11.5, 5]]] },
  { l0: 2, eps: Math.log(4) },
);
example(
  "more queries than keys: the first sees none and gets zero",
  fire,
  { ...plain, k: [[[0]]], v: [[[8]]], w2: [[1]], b2: [2] },
  { out: [[[0], [8]]], bias: [[[0], [2]]] },
);

law("is causal attention with its bias added", cases(fire), ({ x, o }) => {
  const { q, k, v } = x;
  const { out, bias } = fire(x, o);
  same(out, scaledDotProductAttention({ q, k, v, bias }, { causal: true }).out);
});
law("a last layer of zeros leaves causal attention, whatever its bias", cases(fire), ({ x, o }) => {
  const { q, k, v } = x;
  same(fire({ ...x, w2: edit(x.w2, () => 0) }, o).out, scaledDotProductAttention({ q, k, v }, { causal: true }).out);
});
law("up to the threshold the bias depends on the distance alone", cases(fire), ({ x, n }) => {
  const { bias } = fire({ ...x, lMul: tensorOf(-1) }, { l0: 50 });
  const inner = (d: number) =>
    tensor([n.H, n.Tq - 1, n.Tk - 1], (h, t, s) => (s <= t + n.Tk - n.Tq ? at(bias, h, t + d, s + d) : 0));
  if (n.Tq > 1 && n.Tk > 1) same(inner(1), inner(0));
});
law(
  "beyond it the first key is as far as can be, r = ψ / (ψ + ε)",
  cases(fire, { sizes: { A: 1, Tk: 4 } }),
  ({ x, n, o }) => {
    const unit = { w1: tensorOf([[1]]), b1: tensorOf([0]), w2: tensor([1, n.H], () => 1), b2: tensor([n.H], () => 0) };
    const { bias } = fire({ ...x, ...unit, lMul: tensorOf(0) }, o);
    const c = Math.abs(x.c.data[0]!);
    const psi = (t: number) => Math.log(c * Math.max(0, t + n.Tk - n.Tq) + 1);
    same(
      tensor([n.H, n.Tq], (h, t) => at(bias, h, t, 0)),
      tensor([n.H, n.Tq], (_, t) => psi(t) / (psi(t) + o.eps)),
    );
  },
);
law("the last query alone gets what it got among all", cases(fire), ({ x, n, o }) =>
  same(fire({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }, o).out, span(fire(x, o).out, 1, n.Tq - 1, n.Tq)),
);
