import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { softmaxOne } from "../../../spec/score/softmax-one.ts";
import { cases, edit, example, join, law, same, specify, tensor } from "../../kit.ts";

specify(softmaxOne);

example(
  "three zero scores: three quarters are attended, one is not",
  softmaxOne,
  { q: [[0]], k: [[1], [2], [3]], v: [[4], [8], [12]] },
  { out: [[6]], weights: [[0.25, 0.25, 0.25]] },
);
example(
  "scores ln 2 and 0 at D = 4, so the scale is ½: weights 2/4 and 1/4",
  softmaxOne,
  {
    q: [[1, 1, 1, 1]],
    k: [
      [Math.LN2, Math.LN2, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [4]],
  },
  { out: [[5]], weights: [[0.5, 0.25]] },
);
example(
  "N = 3 beside a single zero score",
  softmaxOne,
  { q: [[0]], k: [[0]], v: [[8]] },
  { out: [[2]] },
  { nOffset: 3 },
);
example(
  "scores of −1000 attend to nothing, without overflow",
  softmaxOne,
  { q: [[1]], k: [[-1000], [-1000]], v: [[1], [1]] },
  { out: [[0]], weights: [[0, 0]] },
);
example(
  "causal, two queries after one cached key",
  softmaxOne,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [7]] },
  {
    out: [[3], [4]],
    weights: [
      [1 / 3, 1 / 3, 0],
      [0.25, 0.25, 0.25],
    ],
  },
  { causal: true },
);
example(
  "no visible key gives zeros, also with N = 0",
  softmaxOne,
  { q: [[1]], k: [[2]], v: [[3]], mask: [[0]] },
  { out: [[0]], weights: [[0]] },
  { nOffset: 0 },
);

law(
  "is plain attention with N further keys and values of zero",
  cases(softmaxOne, { options: { causal: false } }),
  ({ x: { q, k, v, mask }, n, o: { scale } }) => {
    for (const nOffset of [0, 1, 2]) {
      const none = (width: number) => tensor([nOffset, width], () => 0);
      const more =
        mask &&
        join(
          1,
          mask,
          tensor([n.Tq, nOffset], () => 1),
        );
      same(
        softmaxOne({ q, k, v, mask }, { nOffset, scale }).out,
        scaledDotProductAttention(
          { q, k: join(0, k, none(n.D)), v: join(0, v, none(n.E)), ...(more && { mask: more }) },
          { scale },
        ).out,
      );
    }
  },
);
law("is plain attention times S / (N + S), S the sum of the exponentiated scores", cases(softmaxOne), ({ x, o }) => {
  const { nOffset, ...rest } = o;
  const plain = scaledDotProductAttention(x, rest);
  same(
    softmaxOne(x, o).out,
    edit(plain.out, (value, t) => {
      const S = Math.exp(plain.lse.data[t]!);
      return S ? (value * S) / (nOffset + S) : 0;
    }),
  );
});
