import { scaledDotProductAttention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { stochasticTopkInstanceMasking as masking } from "../../../spec/score/stochastic-topk-instance-masking.ts";
import { cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(masking);

const { LN2 } = Math;
example(
  "three of the five are hidden: ranks 0, 4 and 2 of 5, 4, 3, 2, 1; left are 4 and 2 with e⁴ and e²",
  masking,
  { s: [[1, 3, 5, 4, 2]], perm: [[0, 4, 2, 1, 3]] },
  { weights: [[0, 0, 0, 1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2))]] },
);
example(
  "of the two largest the second is hidden, the rest keep their ratios",
  masking,
  { s: [[LN2, 3, 0, 2]], perm: [[1, 0]] },
  { weights: [[2 / (3 + Math.exp(3)), Math.exp(3) / (3 + Math.exp(3)), 1 / (3 + Math.exp(3)), 0]] },
  { k0: 2, p: 0.5 },
);
example(
  "of equal scores the lower index ranks first",
  masking,
  { s: [[0, 0, 0]], perm: [[0, 1]] },
  { weights: [[0, 0.5, 0.5]] },
  { k0: 2, p: 0.5 },
);
example(
  "ten may be hidden unless told otherwise, six of them are",
  masking,
  { s: [[6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0]], perm: [[5, 4, 3, 2, 1, 0, 6, 7, 8, 9]] },
  { weights: [[0, 0, 0, 0, 0, 0, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6]] },
);
example(
  "at inference nothing is hidden",
  masking,
  { s: [[LN2, LN2, 0]] },
  { weights: [[0.4, 0.4, 0.2]] },
  { training: false },
);

law("with p = 0 or at inference it is the plain softmax", cases(masking), ({ x, n, o }) => {
  const zero = (rows: number) => tensor([rows, 1], () => 0);
  const identity = tensor([n.Tk, n.Tk], (i, j) => Number(i === j));
  const plain = scaledDotProductAttention({ q: zero(n.Tq), k: zero(n.Tk), v: identity, bias: x.s }).out;
  same(masking(x, { ...o, training: false }).weights, plain);
  if (x.perm) same(masking(x, { ...o, p: 0 }).weights, plain);
});
law(
  "⌊min(k0, Tk) p⌋ weights are zero in every row, and the rest keep their ratios",
  cases(masking, { options: { training: true } }),
  ({ x, n, o }) => {
    const { weights } = masking(x, o);
    const plain = masking({ s: x.s }, { training: false }).weights;
    for (let t = 0; t < n.Tq; t++) {
      const row = Array.from({ length: n.Tk }, (_, j) => t * n.Tk + j);
      const zeros = row.filter((i) => weights.data[i] === 0).length;
      if (zeros !== Math.floor(Math.min(o.k0, n.Tk) * o.p)) fail(`row ${t} has ${zeros} zeros`);
      const left = row.filter((i) => weights.data[i] !== 0).reduce((total, i) => total + plain.data[i]!, 0);
      for (const i of row)
        if (weights.data[i] && Math.abs(weights.data[i] * left - plain.data[i]!) > 1e-12)
          fail(`row ${t} changed its ratios`);
    }
  },
);
law(
  "only the set of the first entries of perm counts, not their order",
  cases(masking, { options: { training: true } }),
  ({ x, n, o }) => {
    const m = Math.floor(n.K * o.p);
    const turned = edit(x.perm, (_, t, i) => x.perm.data[t * n.K + (i < m ? m - 1 - i : n.K - 1 - (i - m))]!);
    same(masking({ ...x, perm: turned }, o).weights, masking(x, o).weights);
  },
);
