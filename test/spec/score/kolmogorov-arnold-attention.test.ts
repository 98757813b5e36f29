import { kolmogorovArnoldAttention as karat } from "../../../spec/score/kolmogorov-arnold-attention.ts";
import { at, cases, edit, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(karat);

const quarter = Math.PI / 2;
const one = { q: [[1]], k: [[quarter]], v: [[10]] };
example(
  "at a quarter turn cos a, cos 2a and cos 3a are 0, −1 and 0; the sines 1, 0 and −1",
  karat,
  { ...one, a: [[[1, 2, 4]]], b: [[[8, 16, 32]]] },
  { out: [[10 * (-2 + 8 - 32)]] },
);
example(
  "a base of the score itself is added",
  karat,
  { ...one, a: [[[1]]], b: [[[8]]] },
  { out: [[10 * (8 + quarter)]] },
  { base: "identity" },
);
const ln3 = Math.log(3);
example(
  "a SiLU base makes ln 3 into ¾ ln 3; D = 4 halves the product",
  karat,
  { q: [[1, 1, 0, 0]], k: [[ln3, ln3, 0, 0]], v: [[4]], a: [[[0]]], b: [[[0]]] },
  { out: [[3 * ln3]] },
  { base: "silu" },
);
const rows = { q: [[0]], k: [[0], [0]], v: [[1], [10]] };
example(
  "at score 0 the cosines add: two rows from two keys, back to the keys by W",
  karat,
  {
    ...rows,
    a: [
      [[1], [2]],
      [[4], [8]],
      [[0], [0]],
    ],
    b: [
      [[9], [9]],
      [[9], [9]],
      [[9], [9]],
    ],
    wR: [
      [1, 0, 5],
      [0, 1, 5],
    ],
  },
  { out: [[3 + 120]] },
);
const two = {
  ...rows,
  b: [
    [[0], [0]],
    [[0], [0]],
  ],
};
example(
  "without W, row r is the weight of key r",
  karat,
  {
    ...two,
    a: [
      [[1], [2]],
      [[4], [8]],
    ],
  },
  { out: [[123]] },
);
example(
  "onto the simplex: (0.2, 0.4) gains 0.2 each",
  karat,
  {
    ...two,
    a: [
      [[0.1], [0.1]],
      [[0.2], [0.2]],
    ],
  },
  { out: [[0.4 + 6]] },
  { normalise: "simplex" },
);
example(
  "onto the simplex: (0.5, 3) becomes (0, 1)",
  karat,
  {
    ...two,
    a: [
      [[0.5], [0]],
      [[1], [2]],
    ],
  },
  { out: [[10]] },
  { normalise: "simplex" },
);
example(
  "softmax of ln 3 and 0",
  karat,
  {
    ...two,
    v: [[8], [0]],
    a: [
      [[ln3], [0]],
      [[0], [0]],
    ],
  },
  { out: [[6]] },
  { normalise: "softmax" },
);

law(
  "with a zero base 2π added to a score changes nothing",
  cases(karat, { options: { base: "zero" } }),
  ({ x, n, o }) => {
    const longer = (t: typeof x.q, extra: (i: number) => number) =>
      tensor([t.shape[0]!, n.D + 1], (i, d) => (d < n.D ? at(t, i, d) * Math.sqrt((n.D + 1) / n.D) : extra(i)));
    const turned = (turns: number) =>
      karat({ ...x, q: longer(x.q, () => Math.sqrt(n.D + 1)), k: longer(x.k, (s) => 2 * Math.PI * turns * s) }, o).out;
    same(turned(1), turned(0));
  },
);
law(
  "no coefficients and no base give nothing",
  cases(karat, { options: { base: "zero", normalise: "none" } }),
  ({ x, n, o }) =>
    same(
      karat({ ...x, a: edit(x.a, () => 0), b: edit(x.b, () => 0) }, o).out,
      tensor([n.Tq, n.E], () => 0),
    ),
);
law("without W it is W = 1", cases(karat, { given: { wR: false } }), ({ x, n, o }) =>
  same(karat({ ...x, wR: tensor([n.Tk, n.Tk], (s, r) => (s === r ? 1 : 0)) }, o).out, karat(x, o).out),
);
law(
  "on the simplex the weights are the nearest: what is taken from a row is one number, and no less from a weight of 0",
  cases(karat, { options: { normalise: "simplex" } }),
  ({ x, n, o }) => {
    const v = tensor([n.Tk, n.Tk], (s, e) => (s === e ? 1 : 0));
    const [free, kept] = [karat({ ...x, v }, { ...o, normalise: "none" }).out, karat({ ...x, v }, o).out];
    for (let t = 0; t < n.Tq; t++) {
      const keys = Array.from({ length: n.Tk }, (_, s) => ({ before: at(free, t, s), after: at(kept, t, s) }));
      const taken = Math.max(...keys.filter(({ after }) => after > 0).map(({ before, after }) => before - after));
      const scale = Math.max(1, ...keys.map(({ before }) => Math.abs(before)));
      for (const { before, after } of keys)
        if (after < 0 || (after > 0 ? Math.abs(before - after - taken) : before - taken) > 1e-12 * scale)
          fail(`in row ${t} ${before} became ${after}, though ${taken} is taken`);
    }
  },
);
