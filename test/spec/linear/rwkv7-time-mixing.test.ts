import { deltanet } from "../../../spec/linear/deltanet.ts";
import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { rwkv6TimeMixing } from "../../../spec/linear/rwkv6-time-mixing.ts";
import { rwkv7TimeMixing as rwkv7 } from "../../../spec/linear/rwkv7-time-mixing.ts";
import { at, cases, edit, example, law, reshape, same, specify, tensor } from "../../kit.ts";

specify(rwkv7);

example(
  "half of 8 fades, a quarter of what is held (8, before it fades) is removed, 3 is written",
  rwkv7,
  { r: [[2]], w: [[0.5]], k: [[1]], v: [[3]], kk: [[1]], a: [[0.25]], state: [[8]] },
  { out: [[10]], state: [[5]] },
);
example(
  "the key that removes is not the one that writes: held along (0.6, 0.8) are 10; rates ½ and 1",
  rwkv7,
  { r: [[1, 100]], w: [[1, 1]], k: [[1, 0]], v: [[2]], kk: [[0.6, 0.8]], a: [[0.5, 1]], state: [[6], [8]] },
  { out: [[5]], state: [[5], [0]] },
);

law("without removal or decay it is linear attention", cases(rwkv7), ({ x, n }) => {
  const heads = (t: typeof x.r) => reshape(t, 1, ...t.shape);
  const plain = rwkv7({ ...x, a: edit(x.a, () => 0), w: edit(x.w, () => 1) });
  const wanted = lightningAttention({
    q: heads(x.r),
    k: heads(x.k),
    v: heads(x.v),
    ...(x.state && { state: heads(x.state) }),
  });
  same(heads(plain.out), wanted.out);
  same(reshape(plain.state, 1, n.D, n.E), wanted.state);
});
law("removing at full rate with the key that writes is the delta rule", cases(rwkv7), ({ x, n }) => {
  const { r: q, kk: k, v, state } = x;
  const beta = tensor([n.T], () => 1);
  const actual = rwkv7({ ...x, k, a: edit(x.a, () => 1), w: edit(x.w, () => 1) });
  const wanted = deltanet({ q, k, v, beta, ...(state && { state }) }, { scale: 1 });
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("without removal its state is that of RWKV-6", cases(rwkv7), ({ x }) => {
  const { r, k, v, w, state } = x;
  const u = tensor([r.shape[1]!], () => 0);
  same(rwkv7({ ...x, a: edit(x.a, () => 0) }).state, rwkv6TimeMixing({ r, k, v, w, u, ...(state && { state }) }).state);
});
law(
  "a stored value read with a key of length 1 is gone once it is removed at full rate",
  cases(rwkv7, { sizes: { T: 1 } }),
  ({ x, n }) => {
    const unit = tensor([1, n.D], (_, d) => (d === 0 ? 1 : 0));
    const state = tensor([n.D, n.E], (d, e) => (d === 0 ? e + 2 : 0));
    const emptied = rwkv7({ ...x, r: unit, kk: unit, state, a: edit(x.a, () => 1), w: edit(x.w, () => 1) });
    same(
      emptied.state,
      tensor([n.D, n.E], (d, e) => at(x.k, 0, d) * at(x.v, 0, e)),
    );
  },
);
