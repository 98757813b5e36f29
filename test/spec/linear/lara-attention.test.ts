import { laraAttention as lara } from "../../../spec/linear/lara-attention.ts";
import { cases, edit, example, fail, fc, law, pick, same, specify, tensor } from "../../kit.ts";

specify(lara);

const ln3 = Math.log(3);
example(
  "one landmark of mean 0: only the keys' lengths count, here alike",
  lara,
  { q: [[0], [0]], k: [[-1], [1]], v: [[4], [8]] },
  { out: [[6], [6]] },
  { c: 1 },
);
example(
  "its noise of 1: scores ±½ ln 3 of the keys, weights ¼ and ¾, for every query",
  lara,
  { q: [[5], [-5]], k: [[-ln3 / 2], [ln3 / 2]], v: [[4], [8]], noise: [[1]] },
  { out: [[7], [7]] },
  { c: 1 },
);
example(
  "D = 4 halves score and length: 2 ln 3 · ½ less ½ · 0 against 0 less ½ · 4 ln 3 · ½",
  lara,
  {
    q: [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    k: [
      [Math.sqrt(4 * ln3), 0, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[4], [8]],
    noise: [[-Math.sqrt(ln3), 0, 0, 0]],
  },
  { out: [[7], [7]] },
  { c: 1 },
);

// Two landmarks on means 0 with noise ±1; the keys are the queries turned over, so that both landmarks weigh all by themselves.
const a = Math.sqrt(ln3);
const pair = { q: [[a], [0]], k: [[-a], [0]], v: [[1e8], [-3e8]], noise: [[1], [-1]] };
const landmark = (w: number) => {
  const [first, second] = [Math.exp(-w * a - ln3 / 2), 1];
  return { size: first + second, u: (first * 1e8 - second * 3e8) / (first + second) };
};
const combine = (alpha: readonly number[], q: number) => {
  const parts = [1, -1].map((w, g) => ({ ...landmark(w), p: alpha[g]! * Math.exp(w * q) }));
  return (
    parts.reduce((sum, { size, u, p }) => sum + p * size * u, 0) / parts.reduce((sum, { size, p }) => sum + p * size, 0)
  );
};
example(
  "optimal: r is (¾, ¼) and (½, ½), so α is ½ ± ⅛ at coefficient 1",
  lara,
  pair,
  { out: [[combine([5 / 8, 3 / 8], a)], [combine([3 / 8, 5 / 8], 0)]] },
  { c: 2 },
);
example(
  "at coefficient 8 it is 3/2 and, not below it, 10⁻⁸",
  lara,
  pair,
  { out: [[combine([1.5, 1e-8], a)], [combine([1e-8, 1.5], 0)]] },
  { c: 2, coefficient: 8 },
);
example(
  "balance: α is 1",
  lara,
  pair,
  { out: [[combine([1, 1], a)], [combine([1, 1], 0)]] },
  { c: 2, weighting: "balance" },
);

law(
  "by default there are 49 landmarks",
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 153, maxLength: 153 }),
  (values) => {
    const column = (from: number) => tensor([51, 1], (t) => values[from + t]!);
    const x = { q: column(0), k: column(51), v: column(102) };
    same(lara(x).out, lara(x, { c: 49 }).out);
    const other = lara(x, { c: 50 }).out;
    if (values.some((v) => Math.abs(v) > 0.1) && lara(x).out.data.every((v, i) => v === other.data[i]))
      fail("50 landmarks make no difference");
  },
  1,
);
law(
  "a query turns nothing but the weights: reversing the tokens of every segment reverses the outputs",
  cases(lara, { sizes: { T: 7 }, options: { c: 3 } }),
  ({ x, o }) => {
    const place = [1, 0, 3, 2, 6, 5, 4];
    const turned = (t: typeof x.q) => pick(t, 0, 7, (i) => place[i]!);
    same(lara({ ...x, q: turned(x.q), k: turned(x.k), v: turned(x.v) }, o).out, turned(lara(x, o).out));
  },
);
law("with one landmark the weighting is immaterial", cases(lara, { options: { c: 1 } }), ({ x, o }) =>
  same(lara(x, { ...o, weighting: "own" }).out, lara(x, { ...o, weighting: "balance" }).out),
);
law(
  "the optimal weighting that does not look at the query is the balance heuristic",
  cases(lara, { options: { coefficient: 0 } }),
  ({ x, o }) => {
    const small = edit(x.k, (v) => v / 8);
    const q = edit(x.q, (v) => v / 8);
    const noise = x.noise && { noise: edit(x.noise, (v) => v / 8) };
    const given = { ...x, q, k: small, ...noise };
    same(lara(given, { ...o, weighting: "optimal" }).out, lara(given, { ...o, weighting: "balance" }).out);
  },
);
