import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { lightningAttention2 } from "../../../spec/linear/lightning-attention-2.ts";
import { cases, edit, example, law, reshape, same, specify, type Tensor, tensorOf } from "../../kit.ts";

specify(lightningAttention2);

const three = { q: [[1], [2], [4]], k: [[1], [1], [2]], v: [[8], [4], [2]], slope: Math.log(2) };
example(
  "three tokens in blocks of two, what is carried halves: forwards from 16, and back",
  lightningAttention2,
  { ...three, dOut: [[1], [1], [1]], state: [[16]] },
  {
    out: [[16], [24], [40]],
    state: [[10]],
    dQ: [[16], [12], [10]],
    dK: [[24], [16], [8]],
    dV: [[3], [4], [8]],
  },
  { block: 2 },
);
example(
  "one block for all",
  lightningAttention2,
  three,
  { out: [[8], [16], [32]], state: [[8]] },
  { block: Number.POSITIVE_INFINITY },
);
example("without an upstream gradient there are none", lightningAttention2, three, {
  out: [[8], [16], [32]],
  state: [[8]],
});

law("is lightning attention of one head, whatever the block", cases(lightningAttention2), ({ x, n, o }) => {
  const heads = {
    q: reshape(x.q, 1, n.T, n.D),
    k: reshape(x.k, 1, n.T, n.D),
    v: reshape(x.v, 1, n.T, n.E),
    ...(x.slope && { slope: reshape(x.slope, 1) }),
    ...(x.state && { state: reshape(x.state, 1, n.D, n.E) }),
  };
  const [actual, wanted] = [lightningAttention2(x, o), lightningAttention(heads)];
  same(reshape(actual.out, 1, n.T, n.E), wanted.out);
  same(reshape(actual.state, 1, n.D, n.E), wanted.state);
});
law(
  "gradients do not depend on the block either",
  cases(lightningAttention2, { given: { dOut: true } }),
  ({ x, n, o }) => {
    const [actual, wanted] = [lightningAttention2(x, o), lightningAttention2(x, { block: n.T })];
    same(actual.dQ, wanted.dQ);
    same(actual.dK, wanted.dK);
    same(actual.dV, wanted.dV);
  },
);
law(
  "a change of the queries, keys or values, in which the outputs are linear, changes them by its product with the gradient",
  cases(lightningAttention2, { given: { dOut: true } }),
  ({ x, o }) => {
    const product = (a: Tensor, b: Tensor | undefined) =>
      Array.from(a.data).reduce((total: number, value, i) => total + value * (b?.data[i] ?? Number.NaN), 0);
    const base = lightningAttention2(x, o);
    const gradients = { q: base.dQ, k: base.dK, v: base.dV };
    for (const name of ["q", "k", "v"] as const) {
      const change = edit(x[name], (value, t, d) => ((t * 7 + d * 3) % 5) - 2 - value / 2);
      const after = lightningAttention2(
        { ...x, [name]: edit(change, (c, ...i) => c + x[name].data[i[0]! * x[name].shape[1]! + i[1]!]!) },
        o,
      );
      same(
        tensorOf(product(x.dOut, after.out) - product(x.dOut, base.out)),
        tensorOf(product(change, gradients[name])),
        1e-10,
      );
    }
  },
);
