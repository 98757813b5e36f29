import { lightningAttention } from "../../../spec/linear/lightning-attention.ts";
import { logLinearAttention as logLinear } from "../../../spec/linear/log-linear-attention.ts";
import { at, cases, edit, example, fail, law, refuses, reshape, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(logLinear);

const ones = (rows: number, columns = 1) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => 1));
const digits = Array.from({ length: 8 }, () => [1, 10, 100, 1000]);
const eight = { q: ones(8), k: ones(8), v: ones(8), g: Array.from({ length: 8 }, () => 0), lam: digits };
example("eight tokens: how many lie on each level, read as the digits of a number", logLinear, eight, {
  out: [[1], [11], [201], [211], [4001], [4011], [4201], [4211]],
  position: 8,
});
example(
  "a gate of ½ acts on all levels, not on the token itself; a sum of two goes up before",
  logLinear,
  {
    q: [[1], [1], [2]],
    k: [[1], [1], [1]],
    v: [[8], [4], [3]],
    g: [Math.log(9), Math.log(0.5), Math.log(0.5)],
    lam: [
      [1, 7, 7],
      [1, 10, 7],
      [1, 7, 10],
    ],
  },
  { out: [[8], [44], [86]], state: [[[3]], [[0]], [[4]]] },
);
example(
  "a state resumed at place 4 gathers levels 0 to 2 on level 3",
  logLinear,
  { q: [[1]], k: [[1]], v: [[5]], g: [0], lam: [[1, 1, 1, 10]], state: [[[1]], [[2]], [[4]], [[8]]], position: 4 },
  { out: [[155]], state: [[[5]], [[0]], [[0]], [[15]]], position: 5 },
);
example(
  "at place 0 nothing is gathered",
  logLinear,
  { q: [[1]], k: [[1]], v: [[5]], g: [0], lam: [[1, 10]], state: [[[1]], [[2]]] },
  { out: [[26]], state: [[[6]], [[2]]] },
);
refuses("L must be at least 1 + log2 T", logLinear, {
  ...eight,
  q: ones(9),
  k: ones(9),
  v: ones(9),
  g: Array(9).fill(0),
  lam: ones(9, 4),
});
refuses("position holds integers from 0 to 0", logLinear, { ...eight, position: 1 });

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const fresh = { given: { state: false, position: false } };
law("in parallel, the level is the length in bits of the places' exclusive or", cases(logLinear, fresh), ({ x, n }) => {
  const level = (t: number, s: number) => (s === t ? 0 : (t ^ s).toString(2).length);
  const gates = (t: number, s: number) => Math.exp(total(t - s, (i) => at(x.g, s + 1 + i)));
  const product = (t: number, s: number) => total(n.D, (d) => at(x.q, t, d) * at(x.k, s, d));
  same(
    logLinear(x).out,
    tensor([n.T, n.E], (t, e) =>
      total(t + 1, (s) => at(x.lam, t, level(t, s)) * gates(t, s) * product(t, s) * at(x.v, s, e)),
    ),
  );
});
law("levels of weight 1 and a fixed gate are lightning attention", cases(logLinear, fresh), ({ x }) => {
  const heads = (t: typeof x.q) => reshape(t, 1, ...t.shape);
  const plain = { ...x, lam: edit(x.lam, () => 1), g: edit(x.g, () => -0.75) };
  const wanted = lightningAttention({ q: heads(x.q), k: heads(x.k), v: heads(x.v), slope: tensorOf([0.75]) });
  same(heads(logLinear(plain).out), wanted.out);
});
law("level 0 alone is the token itself", cases(logLinear, fresh), ({ x, n }) => {
  const lam = edit(x.lam, (value, _, l) => (l === 0 ? value : 0));
  same(
    logLinear({ ...x, lam }).out,
    edit(x.v, (value, t) => at(x.lam, t, 0) * total(n.D, (d) => at(x.q, t, d) * at(x.k, t, d)) * value),
  );
});
law("as many levels are in use as the last place has ones, and level 0", cases(logLinear, fresh), ({ x, n }) => {
  const filled = logLinear({ ...x, k: edit(x.k, () => 1), v: edit(x.v, () => 1) }).state;
  const used = total(n.L, (l) => Number(at(filled, l, 0, 0) > 0));
  const bits = [...(n.T - 1).toString(2)].filter((bit) => bit === "1").length;
  if (used !== 1 + bits) fail(`${used} levels in use after ${n.T} tokens`);
});
