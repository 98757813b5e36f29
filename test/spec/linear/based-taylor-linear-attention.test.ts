import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { basedTaylorLinearAttention as based } from "../../../spec/linear/based-taylor-linear-attention.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(based);

const two = {
  x: [
    [1, 0],
    [0, 1],
  ],
  wQ: [[2], [2]],
  wK: [[1], [-1]],
  wV: [[6], [12]],
  wO: [[1]],
};
example("u = 2 and −2: weights 1 + 2 + 2 and 1 − 2 + 2; the first token sees itself alone", based, two, {
  out: [[6], [7]],
  state: [[[18], [-6], [18 / Math.SQRT2]]],
  z: [[2, 0, 2 / Math.SQRT2]],
});
example("not causal: both see both", based, two, { out: [[7], [7]] }, { causal: false });
example(
  "D = 4 halves the product: u = 1 and weights 2½ and 1",
  based,
  {
    x: [
      [1, 0],
      [0, 1],
    ],
    wQ: [
      [0, 0, 0, 0],
      [0, 2, 0, 0],
    ],
    wK: [
      [0, 1, 0, 0],
      [0, 0, 3, 0],
    ],
    wV: [[7], [0]],
    wO: [[2]],
  },
  { out: [[14], [10]] },
  { eps: 1e-300 },
);
example(
  "the features of the square stand row by row: at (0, 1) and (1, 0), divided by √(2D) = 2",
  based,
  { x: [[1]], wQ: [[1, 1]], wK: [[3, 4]], wV: [[1]], wO: [[1]] },
  { z: [[1, 3 / 2 ** 0.25, 4 / 2 ** 0.25, 4.5, 6, 6, 8]] },
);
example(
  "the default ε of 10⁻¹² is the denominator where z is taken back to 0",
  based,
  { x: [[0]], wQ: [[1]], wK: [[1]], wV: [[1]], wO: [[1]], state: [[[3e-12], [0], [0]]], z: [[-1, 0, 0]] },
  { out: [[3]] },
);

const times = (x: Tensor, w: Tensor) =>
  tensor([x.shape[0]!, w.shape[1]!], (t, d) =>
    Array.from({ length: x.shape[1]! }, (_, m) => at(x, t, m) * at(w, m, d)).reduce((sum, v) => sum + v, 0),
  );
const oneHead = { options: { heads: 1, causal: true }, given: { state: false, z: false } };
law("it is causal attention with the weights 1 + u + u²/2", cases(based, oneHead), ({ x, n, o }) => {
  const [q, k, v] = [times(x.x, x.wQ), times(x.x, x.wK), times(x.x, x.wV)];
  const context = tensor([n.T, n.E], (t, e) => {
    const weights = Array.from({ length: t + 1 }, (_, s) => {
      const u =
        Array.from({ length: n.D }, (_, d) => at(q, t, d) * at(k, s, d)).reduce((a, b) => a + b) / Math.sqrt(n.D);
      return 1 + u + u ** 2 / 2;
    });
    return weights.reduce((sum, w, s) => sum + w * at(v, s, e), 0) / weights.reduce((a, b) => a + b, o.eps);
  });
  same(based(x, o).out, times(context, x.wO));
});
law(
  "as the products go to 0 it goes to causal softmax attention, faster than u²",
  cases(based, { ...oneHead, options: { ...oneHead.options, eps: 1e-12 } }),
  ({ x, o }) => {
    const wQ = edit(x.wQ, (v) => 1e-6 * v);
    const soft = attention({ q: times(x.x, wQ), k: times(x.x, x.wK), v: times(x.x, x.wV) }, { causal: true }).out;
    same(based({ ...x, wQ }, o).out, times(soft, x.wO), 1e-8);
  },
);
law("keys of 0 give the running mean of the values, but for ε", cases(based, oneHead), ({ x, n, o }) => {
  const v = times(x.x, x.wV);
  const running = tensor([n.T, n.E], (t, e) => {
    const seen = Array.from({ length: t + 1 }, (_, s) => at(v, s, e));
    return seen.reduce((a, b) => a + b) / (seen.length + o.eps);
  });
  same(based({ ...x, wK: edit(x.wK, () => 0) }, o).out, times(running, x.wO));
});
