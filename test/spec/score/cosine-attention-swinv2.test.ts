import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { cosineAttentionSwinv2 as cosine } from "../../../spec/score/cosine-attention-swinv2.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(cosine);

const ln = Math.log;
const flat = { w1: [[0], [0]], b1: [0], w2: [[0]] };
example(
  "(3, 4) beside itself and a perpendicular: cosines 1 and 0, times ln 3: weights ¾ and ¼",
  cosine,
  {
    q: [
      [
        [3, 4],
        [0, 0],
      ],
    ],
    k: [
      [
        [6, 8],
        [-4, 3],
      ],
    ],
    v: [[[8], [0]]],
    logitScale: [ln(ln(3))],
    ...flat,
  },
  { out: [[[6], [4]]] },
  { window: [1, 2] },
);
const near = 1 - ln(3) / 100;
example(
  "the factor is at most 100: cosines 1 and 1 − ln 3/100 are ln 3 apart",
  cosine,
  {
    q: [
      [
        [1, 0],
        [1, 0],
      ],
    ],
    k: [
      [
        [1, 0],
        [near, Math.sqrt(1 - near ** 2)],
      ],
    ],
    v: [[[8], [0]]],
    logitScale: [1000],
    ...flat,
  },
  { out: [[[6], [6]]] },
  { window: [2, 1] },
);
example(
  "a query of length 5·10⁻¹³ counts as half of a unit vector",
  cosine,
  { q: [[[5e-13], [0]]], k: [[[2], [0]]], v: [[[8], [0]]], logitScale: [ln(2 * ln(3))], ...flat },
  { out: [[[6], [4]]] },
  { window: [1, 2] },
);
const zero = [[[0], [0]]];
const twelve = 1 / (1 + Math.exp(-4));
example(
  "down by one of nine rows: coordinate log₂ 2 / 3, bias 16 · ¾ = 12 against 8; up by one: relu cuts to 8",
  cosine,
  { q: zero, k: zero, v: [[[1], [0]]], logitScale: [0], w1: [[3], [100]], b1: [0], w2: [[ln(3)]] },
  { out: [[[0.5], [twelve]]] },
  { window: [2, 1], pretrainedWindow: [9, 1] },
);
example(
  "the same along the columns",
  cosine,
  { q: zero, k: zero, v: [[[1], [0]]], logitScale: [0], w1: [[100], [3]], b1: [0], w2: [[ln(3)]] },
  { out: [[[0.5], [twelve]]] },
  { window: [1, 2], pretrainedWindow: [4, 9] },
);
const own = Math.log2(9) / 3;
example(
  "a window of two rows, itself trained with: coordinate log₂ 9 / 3; upwards it is negative",
  cosine,
  { q: zero, k: zero, v: [[[1], [0]]], logitScale: [0], w1: [[-1], [0]], b1: [0], w2: [[ln(3) / own]] },
  { out: [[[1 / (1 + Math.exp(4))], [0.5]]] },
  { window: [2, 1] },
);
example(
  "tokens of other regions are hidden; one that sees nothing gets zeros",
  cosine,
  {
    q: zero,
    k: zero,
    v: [[[1], [5]]],
    logitScale: [0],
    ...flat,
    mask: [
      [0, 1],
      [0, 0],
    ],
  },
  { out: [[[5], [0]]] },
  { window: [2, 1] },
);

const indices = (n: number) => Array.from({ length: n }, (_, i) => i);
law("is attention of unit vectors with the network's bias", cases(cosine), ({ x, n, o }) => {
  const N = n.Y * n.X;
  const unit = (y: Tensor) =>
    edit(y, (value, h, i) => {
      const length = Math.sqrt(indices(n.D).reduce((sum, d) => sum + at(y, h!, i!, d) ** 2, 0));
      return length ? value / length : 0;
    });
  const coordinate = (difference: number, was: number) =>
    difference ? (Math.sign(difference) * ln(1 + Math.abs((8 * difference) / (was - 1)))) / ln(8) : 0;
  const [wasY = 0, wasX = 0] = o.pretrainedWindow;
  const bias = tensor([n.H, N, N], (h, i, j) => {
    const y = coordinate(Math.floor(i / n.X) - Math.floor(j / n.X), wasY);
    const z = coordinate((i % n.X) - (j % n.X), wasX);
    const hidden = (a: number) => Math.max(0, y * at(x.w1, 0, a) + z * at(x.w1, 1, a) + at(x.b1, a));
    return 16 / (1 + Math.exp(-indices(n.A).reduce((sum, a) => sum + hidden(a) * at(x.w2, a, h), 0)));
  });
  const factor = (h: number) => Math.min(100, Math.exp(at(x.logitScale, h)));
  const mask = tensor([n.H, N, N], (_, i, j) => (x.mask ? at(x.mask, i, j) : 1));
  const q = edit(unit(x.q), (value, h) => factor(h!) * value);
  same(cosine(x, o).out, attention({ q, k: unit(x.k), v: x.v, bias, mask }, { scale: 1 }).out);
});
