import { flashAttention as flash } from "../../../spec/core/flash-attention.ts";
import { lseMerge } from "../../../spec/core/lse-merge.ts";
import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { cases, edit, example, fc, join, law, reshape, same, span, specify, tensor } from "../../kit.ts";

specify(flash);

const nothing = Number.NEGATIVE_INFINITY;
example(
  "scores ln 3 and 0 at D = 4, so the scale is ½: weights ¾ and ¼, one tile",
  flash,
  {
    q: [[1, 1, 1, 1]],
    k: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [0]],
  },
  { out: [[6]], lse: [Math.log(4)], tiles: [[1]] },
);
example(
  "causal in blocks of two: the upper right tile is skipped",
  flash,
  { q: [[0], [0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  {
    out: [[3], [4.5], [7]],
    lse: [0, Math.log(2), Math.log(3)],
    tiles: [
      [1, 0],
      [1, 1],
    ],
  },
  { causal: true, blockQ: 2, blockK: 2 },
);
example(
  "causal, one query block of two after one cached key: the last query sees the last key",
  flash,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  { out: [[4.5], [7]], tiles: [[1, 1, 1]] },
  { causal: true, blockK: 1 },
);
example(
  "blocks of 64 are the default: 65 keys make two, 65 queries too",
  flash,
  {
    q: Array.from({ length: 65 }, () => [0]),
    k: Array.from({ length: 65 }, () => [0]),
    v: Array.from({ length: 65 }, () => [1]),
    mask: Array.from({ length: 65 }, (_, t) => Array.from({ length: 65 }, (_, s) => (t === s ? 1 : 0))),
  },
  {
    tiles: [
      [1, 0],
      [0, 1],
    ],
  },
);
example(
  "a rising maximum: scores 0, then 10 000, then 10 000 again",
  flash,
  { q: [[1]], k: [[0], [1e4], [1e4]], v: [[1], [4], [8]] },
  { out: [[6]], lse: [1e4 + Math.LN2] },
  { blockK: 1, scale: 1 },
);
example(
  "a key hidden by mask or bias is not seen whatever it holds; no key gives zeros and no tile",
  flash,
  {
    q: [[1], [1]],
    k: [[Number.NaN], [2]],
    v: [[Number.NaN], [5]],
    mask: [
      [0, 1],
      [0, 1],
    ],
    bias: [
      [0, 0],
      [0, nothing],
    ],
  },
  {
    out: [[5], [0]],
    lse: [2, nothing],
    tiles: [
      [0, 1],
      [0, 0],
    ],
  },
  { blockQ: 1, blockK: 1 },
);

law("equals scaled dot-product attention for every block size", cases(flash), ({ x, o }) => {
  const tiled = flash(x, o);
  const whole = attention(x, { scale: o.scale, causal: o.causal });
  same(tiled.out, whole.out);
  same(tiled.lse, whole.lse);
});
law(
  "equals it for scores up to ten thousand, without overflow",
  cases(flash, { given: { bias: false } }),
  ({ x, o }) => {
    const q = edit(x.q, (value) => value * 1e3);
    same(flash({ ...x, q }, { ...o, scale: 1 }).out, attention({ ...x, q }, { scale: 1, causal: o.causal }).out, 1e-11);
  },
);
law(
  "results over two parts of the keys merge into the result over all",
  fc.tuple(cases(flash, { options: { causal: false }, given: { mask: false, bias: false } }), fc.nat()),
  ([{ x, n, o }, seed]) => {
    const cut = seed % (n.Tk + 1);
    const over = (from: number, to: number) =>
      flash({ q: x.q, k: span(x.k, 0, from, to), v: span(x.v, 0, from, to) }, o);
    const parts = [over(cut, n.Tk), over(0, cut)];
    const merged = lseMerge({
      oParts: join(0, ...parts.map((p) => reshape(p.out, 1, n.Tq, n.E))),
      lseParts: join(0, ...parts.map((p) => reshape(p.lse, 1, n.Tq))),
    });
    same(merged.out, flash(x, o).out);
    same(merged.lse, flash(x, o).lse);
  },
);
law("a tile is skipped exactly when none of its queries sees any of its keys", cases(flash), ({ x, n, o }) => {
  const sees = (t: number, s: number) =>
    (!o.causal || s <= t + n.Tk - n.Tq) && (!x.mask || Number(x.mask.data[t * n.Tk + s]) === 1);
  const any = (i: number, j: number) =>
    Array.from({ length: n.Tq }, (_, t) => t).some(
      (t) =>
        Math.floor(t / o.blockQ) === i &&
        Array.from({ length: n.Tk }, (_, s) => s).some((s) => Math.floor(s / o.blockK) === j && sees(t, s)),
    );
  same(
    flash(x, o).tiles,
    tensor([Math.ceil(n.Tq / o.blockQ), Math.ceil(n.Tk / o.blockK)], (i, j) => (any(i, j) ? 1 : 0)),
  );
});
