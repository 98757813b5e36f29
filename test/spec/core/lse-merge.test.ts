import { lseMerge } from "../../../spec/core/lse-merge.ts";
import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { cases, edit, example, fc, join, law, pick, reshape, same, span, specify } from "../../kit.ts";

specify(lseMerge);

const nothing = Number.NEGATIVE_INFINITY;
example(
  "parts of weight 1 and 3 count a quarter and three quarters",
  lseMerge,
  { oParts: [[[4]], [[8]]], lseParts: [[0], [Math.log(3)]] },
  { out: [[7]], lse: [Math.log(4)] },
);
example(
  "an empty part adds nothing, wherever it stands, and parts that are all empty give zeros",
  lseMerge,
  {
    oParts: [
      [[5], [6], [7]],
      [[1], [2], [3]],
    ],
    lseParts: [
      [nothing, 2, nothing],
      [1, nothing, nothing],
    ],
  },
  { out: [[1], [6], [0]], lse: [1, 2, nothing] },
);
example(
  "log-sum-exps far beyond what exp can hold",
  lseMerge,
  { oParts: [[[4]], [[8]]], lseParts: [[1e4], [1e4]] },
  { out: [[6]], lse: [1e4 + Math.LN2] },
);

law(
  "merging the attentions over two parts of the keys is the attention over all of them",
  fc.tuple(cases(attention, { options: { causal: false }, given: { mask: false, bias: false } }), fc.nat()),
  ([{ x, n, o }, seed]) => {
    const cut = seed % (n.Tk + 1);
    const over = (from: number, to: number) =>
      attention({ q: x.q, k: span(x.k, 0, from, to), v: span(x.v, 0, from, to) }, o);
    const parts = [over(0, cut), over(cut, n.Tk)];
    const merged = lseMerge({
      oParts: join(0, ...parts.map((p) => reshape(p.out, 1, n.Tq, n.E))),
      lseParts: join(0, ...parts.map((p) => reshape(p.lse, 1, n.Tq))),
    });
    const whole = attention(x, o);
    same(merged.out, whole.out);
    same(merged.lse, whole.lse);
  },
);
law("merging one part is the identity", cases(lseMerge, { sizes: { P: 1 } }), ({ x, n }) => {
  const merged = lseMerge(x);
  same(merged.out, reshape(x.oParts, n.Tq, n.E));
  same(merged.lse, reshape(x.lseParts, n.Tq));
});
law("merging the first parts and then the last one equals merging all", cases(lseMerge), ({ x, n }) => {
  const head = Math.max(0, n.P - 1);
  const first = lseMerge({ oParts: span(x.oParts, 0, 0, head), lseParts: span(x.lseParts, 0, 0, head) });
  const then = lseMerge({
    oParts: join(0, reshape(first.out, 1, n.Tq, n.E), span(x.oParts, 0, head, n.P)),
    lseParts: join(0, reshape(first.lse, 1, n.Tq), span(x.lseParts, 0, head, n.P)),
  });
  const all = lseMerge(x);
  same(then.out, all.out);
  same(then.lse, all.lse);
});
law("an empty part is neutral", cases(lseMerge), ({ x, n }) => {
  const empty = edit(
    pick(x.lseParts, 0, n.P, (p) => p),
    () => nothing,
  );
  const padded = lseMerge({ oParts: join(0, x.oParts, x.oParts), lseParts: join(0, x.lseParts, empty) });
  same(padded.out, lseMerge(x).out);
  same(padded.lse, lseMerge(x).lse);
});
