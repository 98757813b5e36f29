import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { attentionSinkLogit as sink } from "../../../spec/score/attention-sink-logit.ts";
import { at, cases, edit, example, join, law, pick, same, specify, tensor } from "../../kit.ts";

specify(sink);

const ln = Math.log;
example(
  "scores ln 3 and 0 beside a sink of ln 4: weights 3/8 and 1/8; a scaled sink would be ln 2",
  sink,
  {
    q: [[[1, 1, 1, 1]]],
    k: [
      [
        [ln(3), ln(3), 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [16]]],
    sinks: [ln(4)],
  },
  { out: [[[5]]] },
);
example(
  "by default causal; the sink is seen by the first query too",
  sink,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[6], [12]]], sinks: [0] },
  { out: [[[3], [6]]] },
);
example(
  "a window of 2 after one cached key: each query sees its own key and the one before",
  sink,
  { q: [[[0], [0]]], k: [[[0], [0], [0]]], v: [[[3], [6], [12]]], sinks: [0] },
  { out: [[[3], [6]]] },
  { window: 2 },
);
example(
  "four query heads on two keys: the first two share, each with its own sink",
  sink,
  {
    q: [[[0]], [[0]], [[0]], [[0]]],
    k: [[[0]], [[0]]],
    v: [[[4]], [[8]]],
    sinks: [0, ln(3), 0, ln(3)],
  },
  { out: [[[2]], [[1]], [[4]], [[2]]] },
);
example(
  "a query before the first key sees nothing and gets zeros",
  sink,
  { q: [[[1], [1]]], k: [[[0]]], v: [[[5]]], sinks: [-1e9] },
  { out: [[[0], [5]]] },
);

const heads = <
  T extends { q: Parameters<typeof pick>[0]; k: Parameters<typeof pick>[0]; v: Parameters<typeof pick>[0] },
>(
  { q, k, v }: T,
  n: { Hq: number; Hk: number },
) => {
  const shared = (h: number) => Math.floor(h / (n.Hq / n.Hk));
  return { q, k: pick(k, 0, n.Hq, shared), v: pick(v, 0, n.Hq, shared) };
};
const visible = (n: { Hq: number; Tq: number; Tk: number }, o: { causal: boolean; window: number }) =>
  tensor([n.Hq, n.Tq, n.Tk], (_, t, s) => {
    const back = t + n.Tk - n.Tq - s;
    return back < o.window && (back >= 0 || !o.causal) ? 1 : 0;
  });
law("is attention times the logistic of the log-sum-exp less the sink", cases(sink), ({ x, n, o }) => {
  const plain = attention({ ...heads(x, n), mask: visible(n, o) }, { scale: o.scale });
  same(
    sink(x, o).out,
    edit(plain.out, (value, h, t) => value / (1 + Math.exp(at(x.sinks, h!) - at(plain.lse, h!, t!)))),
  );
});
law("is attention with one more key, whose score is the sink and whose value is zero", cases(sink), ({ x, n, o }) => {
  const { q, k, v } = heads(x, n);
  const empty = (last: number) => tensor([n.Hq, 1, last], () => 0);
  same(
    sink(x, o).out,
    attention(
      {
        q,
        k: join(1, k, empty(n.D)),
        v: join(1, v, empty(n.E)),
        mask: join(
          2,
          visible(n, o),
          tensor([n.Hq, n.Tq, 1], () => 1),
        ),
        bias: tensor([n.Hq, n.Tq, n.Tk + 1], (h, _, s) => (s === n.Tk ? at(x.sinks, h) : 0)),
      },
      { scale: o.scale },
    ).out,
  );
});
