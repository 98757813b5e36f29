import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { symmetricAlibi as alibi } from "../../../spec/positional/symmetric-alibi.ts";
import { cases, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(alibi);

const heads = (H: number) => Array.from({ length: H }, () => [[0], [0]]);
const beside = (...slopes: number[]) =>
  slopes.map((m) => [
    [0, -m],
    [-m, 0],
  ]);
example(
  "three heads: two slopes of 2 heads, then the first of 4",
  alibi,
  { q: heads(3), k: heads(3), v: heads(3) },
  { bias: beside(1 / 16, 1 / 256, 1 / 4) },
);
example(
  "six heads: four slopes of 4 heads, then the first and third of 8",
  alibi,
  { q: heads(6), k: heads(6), v: heads(6) },
  { bias: beside(1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8) },
);
example(
  "eight heads halve their slopes from ½ to 1⁄256",
  alibi,
  { q: heads(8), k: heads(8), v: heads(8) },
  { bias: beside(1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256) },
);
example(
  "slope ln 2 and equal keys: each place halves the weight, on both sides",
  alibi,
  { q: [[[0], [0], [0]]], k: [[[1], [1], [1]]], v: [[[7], [14], [28]]], slopes: [Math.LN2] },
  { out: [[[12], [15.75], [21]]] },
);
example(
  "scores ln 3 and 0 at D = 4 and no slope give weights ¾ and ¼",
  alibi,
  {
    q: [
      [
        [1, 1, 1, 1],
        [1, 1, 1, 1],
      ],
    ],
    k: [
      [
        [Math.log(3), Math.log(3), 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    slopes: [0],
  },
  { out: [[[6], [6]]] },
);
example("nothing but padding gives zeros", alibi, { q: [[[1]]], k: [[[1]]], v: [[[1]]], mask: [0] }, { out: [[[0]]] });

law("is attention with its bias", cases(alibi), ({ x: { q, k, v, mask, slopes }, n }) => {
  const { out, bias } = alibi({ q, k, v, mask, slopes });
  const seen = tensor([n.H, n.T, n.T], (_h, _t, s) => (mask ? mask.data[s]! : 1));
  same(out, attention({ q, k, v, bias, mask: seen }).out);
});
law("the sequence reversed gives the outputs reversed", cases(alibi), ({ x, n }) => {
  const back = (t: typeof x.q, axis: number) => pick(t, axis, n.T, (i) => n.T - 1 - i);
  const { q, k, v, mask, slopes } = x;
  const reversed = alibi({ q: back(q, 1), k: back(k, 1), v: back(v, 1), mask: mask && back(mask, 0), slopes });
  same(reversed.out, back(alibi(x).out, 1));
});
law(
  "is attention without positions where the slopes are 0",
  cases(alibi, { given: { mask: false } }),
  ({ x: { q, k, v }, n }) => {
    same(alibi({ q, k, v, slopes: tensor([n.H], () => 0) }).out, attention({ q, k, v }).out);
  },
);
