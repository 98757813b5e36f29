import { gatedDeltanet2 } from "../../../spec/linear/gated-deltanet-2.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { kimiDeltaAttention } from "../../../spec/linear/kimi-delta-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(gatedDeltanet2);

const half = Math.log(0.5);
example(
  "an erase gate of ¼ takes 1 of the 4 that are left of 8, a write gate of ½ adds 5 of 10",
  gatedDeltanet2,
  { q: [[1], [1]], k: [[1], [1]], v: [[8], [10]], g: [[-7], [half]], b: [[1], [0.25]], w: [[1], [0.5]] },
  { out: [[8], [8]], state: [[8]] },
);
example(
  "read at the gated key, 2 · ½ + 2 · 0 = 1, written at the whole one; each value feature has its own gate",
  gatedDeltanet2,
  {
    q: [[1, 1]],
    k: [[1, 2]],
    v: [[10, 20]],
    g: [[half, Math.log(0.2)]],
    b: [[0.5, 0]],
    w: [[0.1, 1]],
    state: [
      [4, 0],
      [10, 0],
    ],
  },
  {
    out: [[4, 60]],
    state: [
      [2, 20],
      [2, 40],
    ],
  },
  { scale: 1 },
);
example(
  "at D = 4 the query is halved, the key is not",
  gatedDeltanet2,
  { q: [[6, 0, 0, 0]], k: [[1, 0, 0, 0]], v: [[2]], g: [[0, 0, 0, 0]], b: [[1, 1, 1, 1]], w: [[1]] },
  { out: [[6]] },
);

law("one strength for erasing and writing is Kimi delta attention", cases(gatedDeltanet2), ({ x, n, o }) => {
  const { b, w, ...rest } = x;
  const beta = tensor([n.T], (t) => at(b, t, 0));
  const one = (gates: typeof b) => edit(gates, (_, t) => at(beta, t));
  const [actual, wanted] = [
    gatedDeltanet2({ ...rest, b: one(b), w: one(w) }, o),
    kimiDeltaAttention({ ...rest, beta }, o),
  ];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("without erasing it is gated linear attention with gated values", cases(gatedDeltanet2), ({ x, o }) => {
  const { b, w, v, ...rest } = x;
  const [actual, wanted] = [
    gatedDeltanet2({ ...x, b: edit(b, () => 0) }, o),
    gatedLinearAttention({ ...rest, v: edit(v, (value, t, e) => value * at(w, t, e)) }, o),
  ];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("a gate on what is read is a factor on the key read with, and only there", cases(gatedDeltanet2), ({ x, n, o }) => {
  const S = tensor([n.D, n.E], (d, e) => (x.state ? at(x.state, d, e) : 0) * Math.exp(at(x.g, 0, d)));
  const read = (e: number) => {
    let total = 0;
    for (let d = 0; d < n.D; d++) total += at(x.b, 0, d) * at(x.k, 0, d) * at(S, d, e);
    return total;
  };
  same(
    tensor([1, n.E], (_, e) => at(gatedDeltanet2(x, o).out, 0, e)),
    tensor([1, n.E], (_, e) => {
      let total = 0;
      for (let d = 0; d < n.D; d++)
        total += at(x.q, 0, d) * (at(S, d, e) + at(x.k, 0, d) * (at(x.w, 0, e) * at(x.v, 0, e) - read(e)));
      return o.scale * total;
    }),
  );
});
