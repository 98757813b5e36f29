import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { separableSelfAttention as separable } from "../../../spec/linear/separable-self-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(separable);

const ln3 = Math.log(3);
const two = {
  x: [
    [1, 0],
    [0, 1],
  ],
  wS: [ln3, 0],
  wK: [[8], [0]],
  wV: [[2], [-1]],
  wO: [[5]],
};
example("scores ln 3 and 0: the context is ¾ of the key 8, the values 2 and −1 are rectified", separable, two, {
  out: [[60], [0]],
});
example(
  "the biases on key, value and output, and one on the score that does nothing",
  separable,
  { ...two, bS: 7, bK: [1], bV: [3], bO: [4] },
  { out: [[7 * 5 * 5 + 4], [7 * 2 * 5 + 4]] },
);
example(
  "scores and keys from a context, values from the tokens",
  separable,
  { ...two, context: [[1, 0]] },
  { out: [[80], [0]] },
);

law("a context that is the tokens themselves is none", cases(separable, { given: { context: false } }), ({ x, o }) =>
  same(separable({ ...x, context: x.x }, o).out, separable(x, o).out),
);
law(
  "the context vector is softmax attention of one query to the scores",
  cases(separable, { given: { bO: false } }),
  ({ x, n, o }) => {
    const source = x.context ?? x.x;
    const rows = source.shape[0]!;
    const project = (t: typeof x.x, w: typeof x.wK, b: typeof x.bK | undefined) =>
      tensor([t.shape[0]!, n.D], (s, d) => {
        let total = b ? at(b, d) : 0;
        for (let m = 0; m < n.M; m++) total += at(t, s, m) * at(w, m, d);
        return total;
      });
    const scores = tensor([rows, 1], (s) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(source, s, m) * at(x.wS, m);
      return total;
    });
    const context = attention(
      { q: tensor([1, 1], () => 1), k: scores, v: project(source, x.wK, x.bK) },
      { scale: 1 },
    ).out;
    const values = project(x.x, x.wV, x.bV);
    const wO = tensor([n.D, n.D], (d, e) => Number(d === e));
    same(
      separable({ ...x, wO }, o).out,
      edit(values, (v, _, d) => Math.max(v, 0) * at(context, 0, d)),
    );
  },
);
law("the bias of the score does nothing", cases(separable), ({ x, o }) =>
  same(separable({ ...x, bS: tensor([], () => 5) }, o).out, separable(x, o).out),
);
