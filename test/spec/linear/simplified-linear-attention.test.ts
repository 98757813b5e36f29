import { linearTransformer } from "../../../spec/linear/linear-transformer.ts";
import { simplifiedLinearAttention as slab } from "../../../spec/linear/simplified-linear-attention.ts";
import { at, cases, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(slab);

const one = { x: [[1]], wQkv: [[2, 3, 5]], wO: [[1]] };
example("weight 2 · 3 of 6 + 2", slab, one, { out: [[3.75]] }, { eps: 2 });
example(
  "the default ε of 10⁻⁶ halves what has a weight of 10⁻⁶",
  slab,
  { x: [[1]], wQkv: [[1e-3, 1e-3, 8]], wO: [[1]] },
  { out: [[4]] },
);
example(
  "the position goes to the key: max(−3 + 4, 0) = 1",
  slab,
  { ...one, wQkv: [[2, -3, 5]], e: [[4]] },
  { out: [[2.5]] },
  { eps: 2 },
);
example(
  "a query without positive features gets the convolution and its bias alone",
  slab,
  { ...one, wQkv: [[-2, 3, 5]], dwc: [[[10]]], dwcB: [7], bO: [0.5] },
  { out: [[57.5]] },
);
example(
  "in a square of two by two, taps (1, 0) and (2, 1): the value to the left and ten times the one below",
  slab,
  {
    x: [[1], [2], [3], [4]],
    wQkv: [[-1, 1, 1]],
    dwc: [
      [
        [0, 0, 0],
        [1, 0, 0],
        [0, 10, 0],
      ],
    ],
    wO: [[1]],
  },
  { out: [[30], [41], [0], [3]] },
);
example(
  "two heads share the kernel of a channel",
  slab,
  {
    x: [[1, 2]],
    wQkv: [
      [-1, 0, 0, 0, 1, 0],
      [0, -1, 0, 0, 0, 1],
    ],
    dwc: [[[10]]],
    wO: [
      [1, 0],
      [0, 1],
    ],
  },
  { out: [[10, 20]] },
  { heads: 2 },
);
refuses("T must be a square: got T = 2", slab, { x: [[1], [1]], wQkv: [[1, 1, 1]], wO: [[1]] });
refuses("K must be odd: got K = 2", slab, {
  ...one,
  dwc: [
    [
      [1, 1],
      [1, 1],
    ],
  ],
});

law(
  "without the convolution one head is a Linear Transformer with relu",
  cases(slab, { options: { heads: 1 }, given: { dwc: false, dwcB: false } }),
  ({ x, n, o }) => {
    const total = (count: number, f: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
    const project = (p: number) =>
      tensor(
        [n.T, n.D],
        (t, d) =>
          total(n.D, (c) => at(x.x, t, c) * at(x.wQkv, c, p * n.D + d)) +
          (x.bQkv ? at(x.bQkv, p * n.D + d) : 0) +
          (x.e && p === 1 ? at(x.e, t, d) : 0),
      );
    const context = linearTransformer(
      { q: project(0), k: project(1), v: project(2) },
      { feature: "relu", eps: o.eps },
    ).out;
    same(
      slab(x, o).out,
      tensor([n.T, n.Mo], (t, m) => total(n.D, (d) => at(context, t, d) * at(x.wO, d, m)) + (x.bO ? at(x.bO, m) : 0)),
    );
  },
);
law(
  "a kernel of zeros and its bias change nothing but wO times the bias",
  cases(slab, { given: { dwc: true, dwcB: true } }),
  ({ x, n, o }) => {
    const { dwc, dwcB, ...rest } = x;
    const bare = slab(rest, o).out;
    const shifted = tensor([n.T, n.Mo], (t, m) => {
      let total = at(bare, t, m);
      for (let i = 0; i < n.H * n.D; i++) total += at(dwcB, i % n.D) * at(x.wO, i, m);
      return total;
    });
    same(slab({ ...rest, dwcB, dwc: tensor([n.D, n.K, n.K], () => 0) }, o).out, shifted);
  },
);
