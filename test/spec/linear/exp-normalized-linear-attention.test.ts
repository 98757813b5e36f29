import { expNormalizedLinearAttention as normalised } from "../../../spec/linear/exp-normalized-linear-attention.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(normalised);

const one = { x: [[1]], wQk: [[2, 3]], wV: [[5]], wN: [[0]], wO: [[1]] };
example("e⁰ = 1: q · k v is 30", normalised, one, { out: [[30]], state: [[[15]]] });
example("e^(ln 2) halves it", normalised, { ...one, wN: [[Math.log(2)]] }, { out: [[15]] });
example("softplus(0) = ln 2", normalised, one, { out: [[30 / Math.LN2]] }, { eta: "softplus" });
example("sigmoid(ln 2) = ⅔", normalised, { ...one, bN: [Math.log(2)] }, { out: [[45]] }, { eta: "sigmoid" });
example(
  "two heads, queries before keys: heads read 2 · 5 and 3 · 7",
  normalised,
  {
    x: [[1]],
    wQk: [[2, 3, 5, 7]],
    wV: [[1, 1]],
    wN: [[0, 0]],
    wO: [
      [1, 0],
      [0, 1],
    ],
    bO: [100, 200],
  },
  { out: [[110, 221]] },
  { heads: 2 },
);

const times = (x: Tensor, w: Tensor, b: Tensor | undefined, from: number, width: number) =>
  tensor([x.shape[0]!, width], (t, d) =>
    Array.from({ length: x.shape[1]! }, (_, m) => at(x, t, m) * at(w, m, from + d)).reduce(
      (sum, v) => sum + v,
      b ? at(b, from + d) : 0,
    ),
  );
law(
  "with a normaliser of 1 it is linear attention without any",
  cases(normalised, { options: { heads: 1, eta: "exp" } }),
  ({ x, n, o }) => {
    const [q, k] = [0, 1].map((half) => times(x.x, x.wQk, x.bQk, half * n.D, n.D));
    const plain = gatedLinearAttention(
      {
        q: q!,
        k: k!,
        v: times(x.x, x.wV, x.bV, 0, n.E),
        g: tensor([n.T, n.D], () => 0),
        ...(x.state && { state: tensor([n.D, n.E], (d, e) => at(x.state, 0, d, e)) }),
      },
      { scale: 1 },
    ).out;
    const { bN: _, ...rest } = x;
    same(normalised({ ...rest, wN: edit(x.wN, () => 0) }, o).out, times(plain, x.wO, x.bO, 0, n.Mo));
  },
);
law(
  "ln 3 more in the exponent divides what is read by 3",
  cases(normalised, { options: { eta: "exp" } }),
  ({ x, n, o }) => {
    const more = tensor([n.H], (h) => (x.bN ? at(x.bN, h) : 0) + Math.log(3));
    const bias = (m: number) => (x.bO ? at(x.bO, m) : 0);
    same(
      normalised({ ...x, bN: more }, o).out,
      edit(normalised(x, o).out, (v, _, m) => (v - bias(m)) / 3 + bias(m)),
    );
  },
);
