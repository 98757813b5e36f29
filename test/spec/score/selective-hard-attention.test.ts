import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { selectiveHardAttention as selective } from "../../../spec/score/selective-hard-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(selective);

const ln3 = Math.log(3);
const three = {
  q: [[2, 0, 0, 0]],
  k: [
    [0, 0, 0, 0],
    [-1, 0, 0, 0],
    [ln3, 0, 0, 0],
  ],
  v: [[4], [100], [8]],
};
example("keeps scores ln 3 and 0 of three: weights ¾ and ¼", selective, three, { out: [[7]] }, { keep: 2 });
example("or ½ and ½", selective, three, { out: [[6]] }, { keep: 2, weighting: "hard" });
example("keeps one", selective, three, { out: [[8]] }, { keep: 1 });
example("ρ = 0.4 of three keys is two, rounded up", selective, three, { out: [[7]] }, { rho: 0.4 });
example("the smaller limit counts", selective, three, { out: [[8]] }, { rho: 0.4, keep: 1 });
example(
  "all three unless told otherwise, by softmax: weights 3/5, 1/5 and 1/5",
  selective,
  {
    q: [[2, 0, 0, 0]],
    k: [
      [ln3, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[5], [10], [15]],
  },
  { out: [[8]] },
);
example(
  "of equal keys the earlier is kept",
  selective,
  { q: [[1]], k: [[0], [2], [2]], v: [[1], [2], [3]] },
  { out: [[2]] },
  { keep: 1 },
);
example(
  "agreeing signs select, zero being positive, and the products weigh",
  selective,
  {
    q: [[1, 0, -1, -1]],
    k: [
      [0, 1, 1, -1],
      [2 * ln3, 1, 0, 0],
      [-9, -1, -9, -9],
      [0, 0, -1 - 2 * ln3, 1],
    ],
    v: [[4], [100], [100], [8]],
  },
  { out: [[7]] },
  { keep: 2, scoring: "sign" },
);
example(
  "not causal unless told so",
  selective,
  { q: [[1], [1]], k: [[0], [2]], v: [[3], [6]] },
  { out: [[6], [6]] },
  { keep: 1 },
);
example(
  "causal, two queries after one cached key: the last sees all three",
  selective,
  { q: [[1], [1]], k: [[0], [1], [2]], v: [[3], [6], [12]] },
  { out: [[6], [12]] },
  { causal: true, keep: 1 },
);
example(
  "no visible key gives zeros",
  selective,
  { q: [[1]], k: [[2]], v: [[3]], mask: [[0]] },
  { out: [[0]] },
  { weighting: "hard" },
);
example(
  "fewer visible keys than may be kept share the weight",
  selective,
  { q: [[1]], k: [[2], [1], [3]], v: [[3], [5], [100]], mask: [[1, 1, 0]] },
  { out: [[4]] },
  { weighting: "hard", keep: 3 },
);

law(
  "with room for every key the softmax is dense attention",
  cases(selective, { options: { weighting: "softmax", rho: 1, keep: 9 } }),
  ({ x, o }) => same(selective(x, o).out, attention(x, { causal: o.causal }).out),
);
law(
  "softmax over the kept keys is dense attention with the others masked",
  cases(selective, { options: { weighting: "softmax" } }),
  ({ x, n, o }) => {
    const chosen = selective(
      { ...x, v: tensor([n.Tk, n.Tk + 1], (s, e) => (s === e ? 1 : 0)) },
      { ...o, weighting: "hard" },
    ).out;
    const mask = tensor([n.Tq, n.Tk], (t, s) => (at(chosen, t, s) > 0 ? 1 : 0));
    same(selective(x, o).out, attention({ q: x.q, k: x.k, v: x.v, mask }).out);
  },
);
law("a single kept key is taken whole, by either weighting", cases(selective, { options: { keep: 1 } }), ({ x, o }) =>
  same(selective(x, { ...o, weighting: "hard" }).out, selective(x, { ...o, weighting: "softmax" }).out),
);
law(
  "a vector added to all keys changes nothing, since it shifts every score of a row alike",
  cases(selective, { options: { scoring: "dot" } }),
  ({ x, o }) => same(selective({ ...x, k: edit(x.k, (value, _, d) => value + d + 1) }, o).out, selective(x, o).out),
);
