import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { cope } from "../../../spec/positional/cope.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(cope);

const three = Math.log(3);
example(
  "gates of ½: the token stands at ½ from itself, the one before at 1",
  cope,
  { q: [[[1], [1]]], k: [[[0], [0]]], v: [[[8], [0]]], posEmb: [[0], [2 * three]] },
  {
    out: [[[8], [6]]],
    bias: [
      [
        [three, 0],
        [2 * three, three],
      ],
    ],
  },
);
example(
  "positions end at the last row: 1 is cut down to 0 where there is one row alone",
  cope,
  { q: [[[1], [1]]], k: [[[0], [0]]], v: [[[8], [0]]], posEmb: [[three]] },
  {
    out: [[[8], [4]]],
    bias: [
      [
        [three, 0],
        [three, three],
      ],
    ],
  },
);
example(
  "a gate of ¾ lies three quarters of the way from row 0 to row 1; at D = 4 scores are halved, row products not",
  cope,
  {
    q: [[[1, 1, 1, 1]]],
    k: [[[0, 0, 0, 0]]],
    v: [[[5]]],
    gateK: [[[2 * three, 0, 0, 0]]],
    posEmb: [
      [1, 0, 0, 0],
      [1, 1, 1, 2],
    ],
  },
  { bias: [[[0.25 * 1 + 0.75 * 5]]], out: [[[5]]] },
);
example(
  "more queries than keys: the first sees none and gets zero",
  cope,
  { q: [[[1], [1]]], k: [[[1]]], v: [[[3]]], posEmb: [[1]] },
  { out: [[[0], [3]]], bias: [[[0], [1]]] },
);

law("a table of zeros leaves causal attention", cases(cope), ({ x, o }) => {
  const { q, k, v } = x;
  same(
    cope({ ...x, posEmb: edit(x.posEmb, () => 0) }, o).out,
    scaledDotProductAttention({ q, k, v }, { causal: true }).out,
  );
});
law("gates that are all open count tokens: a bias of the distance from 1 on", cases(cope), ({ x, n }) => {
  const q = edit(x.q, (f) => Math.abs(f) + 0.25);
  const bias = tensor([n.H, n.Tq, n.Tk], (h, t, s) => {
    const row = Math.max(0, Math.min(t + n.Tk - n.Tq - s + 1, n.P - 1));
    return Array.from({ length: n.D }, (_, d) => at(q, h, t, d) * at(x.posEmb, row, d)).reduce((a, b) => a + b, 0);
  });
  const { out } = cope({ ...x, q, gateK: edit(x.k, () => 1e4) });
  same(out, scaledDotProductAttention({ q, k: x.k, v: x.v, bias }, { causal: true }).out);
});
law("gates that are all shut put every token at row 0", cases(cope), ({ x, n }) => {
  const q = edit(x.q, (f) => Math.abs(f) + 0.25);
  const { bias } = cope({ ...x, q, gateK: edit(x.k, () => -1e4) });
  same(
    bias,
    tensor([n.H, n.Tq, n.Tk], (h, t, s) =>
      s > t + n.Tk - n.Tq
        ? 0
        : Array.from({ length: n.D }, (_, d) => at(q, h, t, d) * at(x.posEmb, 0, d)).reduce((a, b) => a + b, 0),
    ),
  );
});
law(
  "a table that is linear in the row reads off positions: they grow back in time, by gates below 1",
  cases(cope),
  ({ x, n }) => {
    const q = edit(x.q, (f, _, __, d) => (d === 0 ? 1 : f));
    const { bias } = cope({ ...x, q, posEmb: tensor([40, n.D], (i, d) => (d === 0 ? i : 0)) });
    const gate = (h: number, t: number, s: number) => {
      const score = Array.from({ length: n.D }, (_, d) => at(q, h, t, d) * at(x.gateK ?? x.k, h, s, d)).reduce(
        (a, b) => a + b,
        0,
      );
      return 1 / (1 + Math.exp(-score / Math.sqrt(n.D)));
    };
    same(
      bias,
      tensor([n.H, n.Tq, n.Tk], (h, t, s) => {
        const here = t + n.Tk - n.Tq;
        let count = 0;
        for (let u = s; u <= here; u++) count += gate(h, t, u);
        return count;
      }),
    );
  },
);
law("the last query alone gets what it got among all", cases(cope), ({ x, n }) =>
  same(cope({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }).out, span(cope(x).out, 1, n.Tq - 1, n.Tq)),
);
