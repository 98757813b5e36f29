import { sigmoidAttention } from "../../../spec/score/sigmoid-attention.ts";
import { sigmoidAttentionUnnormalized as attention } from "../../../spec/score/sigmoid-attention-unnormalized.ts";
import { at, cases, edit, example, join, law, same, specify, tensor } from "../../kit.ts";

specify(attention);

const two = {
  q: [[1, 1, 1, 1]],
  k: [
    [Math.log(3), Math.log(3), 0, 0],
    [0, 0, 0, 0],
  ],
  v: [[4], [8]],
};
example("sigmoid, scores ln 3 and 0 at D = 4: weights ¾ and ½, undivided", attention, two, { out: [[7]] });
example("a logit bias of −ln 3 makes them ½ and ¼", attention, two, { out: [[4]] }, { logitBias: -Math.log(3) });
example(
  "elu + 1: scores 2 and −ln 2 weigh 3 and ½",
  attention,
  { q: [[1]], k: [[2], [-Math.LN2]], v: [[4], [8]] },
  { out: [[16]] },
  { phi: "elu1" },
);
example(
  "normalised, a weight of 10⁻⁸ counts for half of its sum",
  attention,
  { q: [[1]], k: [[-8 * Math.LN10]], v: [[4]] },
  { out: [[2]] },
  { phi: "elu1", normalize: true },
);
example(
  "a product of elu + 1 features: (2 · 1 + 1 · 3) / √2 and nothing else",
  attention,
  { q: [[1, 0]], k: [[0, 2]], v: [[Math.SQRT2]] },
  { out: [[5]] },
  { phi: "kernel-elu1" },
);
example(
  "that product is positive and is divided by its sum and 10⁻⁸",
  attention,
  { q: [[-4 * Math.LN10]], k: [[-4 * Math.LN10]], v: [[4]] },
  { out: [[2]] },
  { phi: "kernel-elu1", normalize: true },
);
example(
  "plain products may be negative: the sum −4 divides as 4",
  attention,
  { q: [[2]], k: [[1], [-3]], v: [[4], [4]] },
  { out: [[-4]] },
  { phi: "kernel-identity", normalize: true },
);
example(
  "a sum below 1 does not divide",
  attention,
  { q: [[1]], k: [[0.25], [0.25]], v: [[4], [8]] },
  { out: [[3]] },
  { phi: "kernel-identity", normalize: true },
);
example(
  "the MLP drops what is negative between its layers: 2 · 3 times 4 · 3, and nothing for the second key",
  attention,
  { q: [[2]], k: [[4], [-4]], v: [[1], [1]], w1: [[1]], w2: [[3]] },
  { out: [[72]] },
  { phi: "kernel-mlp" },
);
example(
  "causal unless told otherwise: after one cached key the first query sees two of three",
  attention,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[4], [8], [16]] },
  { out: [[6], [14]] },
);

law(
  "sigmoid with b = −ln of the keys, undivided, is sigmoid attention",
  cases(attention, { options: { phi: "sigmoid", normalize: false } }),
  ({ x: { q, k, v }, o: { logitBias, causal } }) =>
    same(
      attention({ q, k, v }, { logitBias, causal }).out,
      sigmoidAttention({ q, k, v }, { b: logitBias, causal }).out,
    ),
);
law(
  "undivided, another key changes an output by its own term alone",
  cases(attention, { options: { normalize: false, causal: false } }),
  ({ x, o }) => {
    const key = edit(x.q, (value) => value - 0.5);
    const value = tensor([key.shape[0]!, x.v.shape[1]!], (s, e) => s - e + 0.25);
    const both = attention({ ...x, k: join(0, x.k, key), v: join(0, x.v, value) }, o).out;
    const other = attention({ ...x, k: key, v: value }, o).out;
    same(
      edit(attention(x, o).out, (y, t, e) => y + at(other, t, e)),
      both,
    );
  },
);
law(
  "divided by their sum, the weights of a query that sees something sum to 1, but for the 10⁻⁸",
  cases(attention, { options: { phi: "sigmoid", normalize: true, causal: false } }),
  ({ x, n, o }) => {
    const ones = { ...x, v: tensor([n.Tk, 1], () => 1) };
    const total = attention(ones, { ...o, normalize: false }).out;
    same(
      attention(ones, o).out,
      edit(total, (S) => S / (S + 1e-8)),
    );
  },
);
law(
  "with plain products, undivided, it is linear attention: the query meets the sum of k ⊗ v",
  cases(attention, { options: { phi: "kernel-identity", normalize: false, causal: false } }),
  ({ x, n, o }) => {
    const state = (d: number, e: number) =>
      Array.from({ length: n.Tk }, (_, s) => at(x.k, s, d) * at(x.v, s, e)).reduce((a, b) => a + b, 0);
    const wanted = tensor(
      [n.Tq, n.E],
      (t, e) =>
        Array.from({ length: n.D }, (_, d) => at(x.q, t, d) * state(d, e)).reduce((a, b) => a + b, 0) / Math.sqrt(n.D),
    );
    same(attention(x, o).out, wanted);
  },
);
