import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { rwkv6TimeMixing as rwkv6 } from "../../../spec/linear/rwkv6-time-mixing.ts";
import { at, cases, edit, example, join, law, reshape, same, span, specify, tensor } from "../../kit.ts";

specify(rwkv6);

example(
  "a bonus of 3 for the token itself; the decay of a token counts from the next one on",
  rwkv6,
  { r: [[1], [1], [2]], k: [[1], [1], [1]], v: [[8], [4], [2]], w: [[0.5], [0.5], [0.25]], u: [3] },
  { out: [[24], [20], [28]], state: [[4]] },
);
example(
  "two features with decays and bonuses of their own, from a carried state",
  rwkv6,
  { r: [[1, 1]], k: [[1, 2]], v: [[10]], w: [[0.5, 0]], u: [0, 3], state: [[4], [7]] },
  { out: [[71]], state: [[12], [20]] },
);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
law(
  "in parallel, only the decays strictly between act on a key",
  cases(rwkv6, { given: { state: false } }),
  ({ x, n }) => {
    const left = (t: number, s: number, d: number) =>
      Array.from({ length: Math.max(0, t - s - 1) }, (_, i) => at(x.w, s + 1 + i, d)).reduce((a, b) => a * b, 1);
    const weight = (t: number, s: number) =>
      total(n.D, (d) => at(x.r, t, d) * at(x.k, s, d) * (s === t ? at(x.u, d) : left(t, s, d)));
    same(
      rwkv6(x).out,
      tensor([n.T, n.E], (t, e) => total(t + 1, (s) => weight(t, s) * at(x.v, s, e))),
    );
  },
);
law("no decay and a bonus of 1 are linear attention", cases(rwkv6), ({ x, n }) => {
  const heads = (t: typeof x.r) => reshape(t, 1, ...t.shape);
  const plain = rwkv6({ ...x, w: edit(x.w, () => 1), u: edit(x.u, () => 1) });
  const wanted = lightningAttention({
    q: heads(x.r),
    k: heads(x.k),
    v: heads(x.v),
    ...(x.state && { state: heads(x.state) }),
  });
  same(heads(plain.out), wanted.out);
  same(reshape(plain.state, 1, n.D, n.E), wanted.state);
});
law(
  "without a bonus it is gated linear attention read one token late",
  cases(rwkv6, { sizes: { T: 4 } }),
  ({ x, n }) => {
    const open = { ...x, w: edit(x.w, (w) => 0.25 + w / 2), u: edit(x.u, () => 0) };
    const late = gatedLinearAttention(
      {
        q: join(0, span(x.r, 0, 1, 4), span(x.r, 0, 0, 1)),
        k: x.k,
        v: x.v,
        g: edit(open.w, Math.log),
        ...(x.state && { state: x.state }),
      },
      { scale: 1 },
    );
    const actual = rwkv6(open);
    same(span(actual.out, 0, 1, n.T), span(late.out, 0, 0, n.T - 1));
    same(actual.state, late.state);
  },
);
