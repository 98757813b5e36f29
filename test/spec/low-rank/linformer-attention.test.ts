import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { linformerAttention as linformer } from "../../../spec/low-rank/linformer-attention.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(linformer);

const ln3 = Math.log(3);
const two = {
  q: [[1, 1, 1, 1]],
  k: [
    [ln3, ln3, 0, 0],
    [0, 0, 0, 0],
  ],
  v: [[8], [0]],
  e: [
    [1, 0, 9],
    [0, 1, 9],
  ],
};
example("two rows for two tokens of at most three: weights ¾ and ¼ at D = 4", linformer, two, { out: [[6]] });
example(
  "values mixed by a matrix of their own",
  linformer,
  {
    ...two,
    f: [
      [2, 0, 9],
      [3, 1, 9],
    ],
  },
  { out: [[18]] },
);
example(
  "a padded token is zero and its row of the softmax stays",
  linformer,
  {
    q: [[1]],
    k: [[ln3], [5]],
    v: [[8], [4]],
    e: [
      [1, 1],
      [0, 1],
    ],
    keyMask: [1, 0],
  },
  { out: [[6]] },
);
refuses("P must be at least Tk", linformer, { q: [[1]], k: [[1], [1]], v: [[1], [1]], e: [[1]] });

law(
  "with the identity for both matrices it is softmax attention",
  cases(linformer, { given: { keyMask: false } }),
  ({ x: { q, k, v }, n }) => {
    const e = tensor([n.Tk, n.Tk], (r, s) => Number(r === s));
    same(linformer({ q, k, v, e, f: e }).out, attention({ q, k, v }).out);
  },
);
law(
  "it is softmax attention to the mixed keys and values",
  cases(linformer, { given: { keyMask: false } }),
  ({ x, n }) => {
    const mixed = (w: typeof x.e, of: typeof x.k) =>
      tensor([n.R, of.shape[1]!], (r, d) =>
        Array.from({ length: n.Tk }, (_, s) => at(w, r, s) * at(of, s, d)).reduce((a, b) => a + b),
      );
    same(linformer(x).out, attention({ q: x.q, k: mixed(x.e, x.k), v: mixed(x.f ?? x.e, x.v) }).out);
  },
);
law("what padded tokens hold does not matter", cases(linformer, { given: { keyMask: true } }), ({ x }) => {
  const other = (t: typeof x.k) => edit(t, (value, s) => (at(x.keyMask, s) ? value : value + 2));
  same(linformer({ ...x, k: other(x.k), v: other(x.v) }).out, linformer(x).out);
});
