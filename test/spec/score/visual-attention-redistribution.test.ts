import { visualAttentionRedistribution as redistribution } from "../../../spec/score/visual-attention-redistribution.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(redistribution);

// Token 0 is a sink before the image, 1 a sink in it; a token with one of two features has it normed to √2, just below.
const x = [
  [5, 0],
  [5, 0],
  [0, 5],
  [0, 5],
  [0, 5],
];
const image = { tau: 1.4, dims: [0], imageStart: 1, imageLength: 3 };
example(
  "sinks with 0.3 and 0.1 keep 0.6 of it; the 0.16 go to image tokens with 0.1 and 0.3 as 1 to 3",
  redistribution,
  { attn: [[[0.3, 0.1, 0.1, 0.3, 0.2]]], x, v: [[[0], [0], [100], [0], [10]]] },
  { attn: [[[0.18, 0.06, 0.14, 0.42, 0.2]]], out: [[[16]]] },
  { ...image, phase: "decode" },
);
example(
  "prefill: the rows up to the image's end stay, that of the fourth token is of the image",
  redistribution,
  { attn: [Array.from({ length: 5 }, () => [0.3, 0.1, 0.1, 0.3, 0.2])], x },
  {
    attn: [
      [
        [0.3, 0.1, 0.1, 0.3, 0.2],
        [0.3, 0.1, 0.1, 0.3, 0.2],
        [0.3, 0.1, 0.1, 0.3, 0.2],
        [0.3, 0.1, 0.1, 0.3, 0.2],
        [0.18, 0.06, 0.14, 0.42, 0.2],
      ],
    ],
  },
  image,
);
example(
  "the least attention on the image is 0.2, and half of it may lie on sinks but for 3 · 10⁻⁶ below",
  redistribution,
  {
    attn: [
      [
        [0.8125, 0.0625, 0.0625, 0.0625, 0],
        [0.796875, 0.0625, 0.078125, 0.0625, 0],
        [0.5, 0.25, 0.25, 0, 0],
        [0.5, 0.250001, 0.249999, 0, 0],
        [0.5, 0.250002, 0.249998, 0, 0],
      ],
    ],
    x,
  },
  {
    attn: [
      [
        [0.8125, 0.0625, 0.0625, 0.0625, 0],
        [0.796875 * 0.6, 0.0375, (0.078125 * 0.484375) / 0.140625, (0.0625 * 0.484375) / 0.140625, 0],
        [0.3, 0.15, 0.55, 0, 0],
        [0.3, 0.1500006, 0.5499994, 0, 0],
        [0.5, 0.250002, 0.249998, 0, 0],
      ],
    ],
  },
  { ...image, phase: "decode" },
);
example(
  "a threshold of exactly the attention on the image lets the row change",
  redistribution,
  { attn: [[[0.25, 0.25, 0.25, 0.25, 0]]], x },
  { attn: [[[0.125, 0.125, 0.375, 0.375, 0]]] },
  { ...image, phase: "decode", theta: 0.75, p: 0.5 },
);
example(
  "a part of exactly ρ lets it change, 10⁻⁶ counted for each image token",
  redistribution,
  { attn: [[[0.25, 0.25, 0.25, 0.25, 0]]], x },
  { attn: [[[0.125, 0.125, 0.375, 0.375, 0]]] },
  { ...image, phase: "decode", rho: 0.25 / (0.250001 + 0.250001 + 0.250001), p: 0.5 },
);
example(
  "tokens decoded later are no sinks; all image tokens sinks, or no attention on the others: the row stays",
  redistribution,
  { attn: [[[0, 1, 0, 0, 0]], [[0, 0.5, 0, 0, 0.5]]], x: [[5], [5]] },
  { attn: [[[0, 1, 0, 0, 0]], [[0, 0.5, 0, 0, 0.5]]] },
  { tau: 0.5, rho: 1, phase: "decode" },
);
example(
  "a sink before the image gives nothing where the image has none",
  redistribution,
  { attn: [[[0.5, 0.5]]], x: [[5], [0]] },
  { attn: [[[0.5, 0.5]]] },
  { tau: 0.5, imageStart: 1, imageLength: 1, phase: "decode" },
);
example(
  "a size of exactly τ is no sink, so that nothing changes",
  redistribution,
  { attn: [[[0.5, 0.5]]], x: [[1], [0]] },
  { attn: [[[0.5, 0.5]]] },
  { tau: 1 / Math.sqrt(1 + 1e-6), phase: "decode" },
);
example(
  "a token is a sink beyond 20 root mean squares: one feature of 441 is normed to 21",
  redistribution,
  {
    attn: [
      [
        [0.25, 0.75],
        [0.25, 0.75],
      ],
    ],
    x: [Array.from({ length: 441 }, (_, m) => Number(m === 7)), Array.from({ length: 441 }, () => 1)],
  },
  {
    attn: [
      [
        [0.15, 0.85],
        [0.15, 0.85],
      ],
    ],
  },
  { phase: "decode" },
);
example(
  "the 10⁻⁶ beside the mean square: a feature of 10⁻³ is normed to √½",
  redistribution,
  { attn: [[[0.25, 0.75]]], x: [[0.001], [0]] },
  { attn: [[[0.15, 0.85]]] },
  { tau: 0.7, phase: "decode" },
);
example(
  "which it would not be beyond 0.71",
  redistribution,
  { attn: [[[0.25, 0.75]]], x: [[0.001], [0]] },
  { attn: [[[0.25, 0.75]]] },
  { tau: 0.71, phase: "decode" },
);

law(
  "every row keeps its sum",
  cases(redistribution, { options: { phase: "decode", theta: 0 } }),
  ({ x: given, n, o }) => {
    const total = (t: typeof given.attn) =>
      tensor([n.H, n.Tq], (h, i) => Array.from({ length: n.Tk }, (_, s) => at(t, h, i, s)).reduce((a, b) => a + b, 0));
    same(total(redistribution(given, o).attn), total(given.attn));
  },
);
law("with p = 1, or no sink at all, nothing changes", cases(redistribution), ({ x: given, o }) => {
  same(redistribution(given, { ...o, p: 1 }).attn, given.attn);
  same(redistribution(given, { ...o, tau: Number.POSITIVE_INFINITY }).attn, given.attn);
});
law(
  "image tokens that are no sinks keep their proportions",
  cases(redistribution, { options: { phase: "decode", theta: 0, tau: 0.75 } }),
  ({ x: given, n, o }) => {
    const { attn } = redistribution(given, o);
    const factor = edit(given.attn, (a, ...index) => (a > 0 ? at(attn, ...index) / a : Number.NaN));
    for (let h = 0; h < n.H; h++)
      for (let t = 0; t < n.Tq; t++) {
        const grown = new Set(
          Array.from({ length: o.imageLength }, (_, i) => at(factor, h, t, o.imageStart + i))
            .filter((f) => f > 1 + 1e-9)
            .map((f) => f.toPrecision(9)),
        );
        same(
          tensor([], () => Math.max(grown.size, 1)),
          tensor([], () => 1),
        );
      }
  },
);
law("the output is the values weighed by the new attention", cases(redistribution, { given: { v: true } }), (drawn) => {
  const { H, Tq, Tk, E } = drawn.n;
  const { attn, out } = redistribution(drawn.x, drawn.o);
  const places = Array.from({ length: Tk }, (_, s) => s);
  same(
    out,
    tensor([H, Tq, E], (h, t, e) => places.reduce((sum, s) => sum + at(attn, h, t, s) * at(drawn.x.v, h, s, e), 0)),
  );
});
