import { dsfRecurrence as dsf } from "../../../spec/linear/dsf-recurrence.ts";
import { linearTransformer } from "../../../spec/linear/linear-transformer.ts";
import { at, cases, edit, example, fc, law, same, specify, tensor } from "../../kit.ts";

specify(dsf);

example(
  "a state of 2 halves and takes in 3 · 5, read thrice; 7 · 5 goes around it",
  dsf,
  { u: [[5]], lambda: [[0.5]], b: [[[3]]], c: [[[3]]], d: [[[7]]], state: [2] },
  { out: [[83]], state: [16] },
);
example(
  "two tokens without D: the first enters as 1, halves, and meets 4",
  dsf,
  { u: [[1], [2]], lambda: [[9], [0.5]], b: [[[1]], [[2]]], c: [[[1]], [[10]]] },
  { out: [[1], [45]], state: [4.5] },
);

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const total = (count: number, f: (i: number) => number) => range(0, count).reduce((sum, i) => sum + f(i), 0);
law("it is one block triangular matrix times u", cases(dsf, { given: { state: false } }), ({ x, n }) => {
  const phi = (t: number, s: number, m: number, j: number) =>
    total(
      n.N,
      (i) =>
        at(x.c, t, m, i) *
        range(s + 1, t + 1).reduce((product, r) => product * at(x.lambda, r, i), 1) *
        at(x.b, s, i, j),
    ) + (t === s && x.d ? at(x.d, t, m, j) : 0);
  same(
    dsf(x).out,
    tensor([n.T, n.Mo], (t, m) => total(t + 1, (s) => total(n.M, (j) => phi(t, s, m, j) * at(x.u, s, j)))),
  );
});
law("Λ = 0 leaves every token to itself", cases(dsf), ({ x, n }) => {
  const { state: _, ...rest } = x;
  const lambda = edit(x.lambda, () => 0);
  const whole = dsf({ ...x, lambda }).out;
  for (let t = 0; t < n.T; t++) {
    const only = { ...rest, lambda, u: edit(x.u, (v, s) => (s === t ? v : 0)) };
    same(
      tensor([1, n.Mo], (_row, m) => at(dsf(only).out, t, m)),
      tensor([1, n.Mo], (_row, m) => at(whole, t, m)),
    );
  }
});
law(
  "linear attention is one instance, normalised by its own denominators",
  cases(linearTransformer, {
    sizes: { Tq: 4, Tk: 4 },
    options: { causal: true, feature: "elu1" },
    given: { state: false, z: false },
  }),
  ({ x, n, o }) => {
    const phi = (v: number) => (v > 0 ? v + 1 : Math.exp(v));
    const eta = (t: number) => total(n.D, (d) => phi(at(x.q, t, d)) * total(t + 1, (s) => phi(at(x.k, s, d)))) + o.eps;
    // The tokens u are read by W_V as values; here u is the values and W_V turns their two orders of features about.
    const wV = (m: number, e: number) => Number(m === n.E - 1 - e);
    const system = {
      u: tensor([n.Tk, n.E], (s, m) => at(x.v, s, n.E - 1 - m)),
      lambda: tensor([n.Tk, n.E * n.D], (t) => (t ? eta(t - 1) / eta(t) : 1)),
      b: tensor([n.Tk, n.E * n.D, n.E], (t, i, m) => (phi(at(x.k, t, i % n.D)) * wV(m, Math.floor(i / n.D))) / eta(t)),
      c: tensor([n.Tq, n.E, n.E * n.D], (t, e, i) => (Math.floor(i / n.D) === e ? phi(at(x.q, t, i % n.D)) : 0)),
    };
    same(dsf(system).out, linearTransformer(x, o).out, 1e-10);
  },
);
law(
  "a selective state space model of one channel is another",
  fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 24, maxLength: 24 }),
  (values) => {
    const read = (i: number) => values[i]! / 4;
    const [T, N] = [4, 2];
    const delta = (t: number) => Math.log(1 + Math.exp(read(t)));
    const a = (i: number) => -Math.exp(read(4 + i));
    const b = (t: number, i: number) => read(6 + 2 * t + i);
    const c = (t: number, i: number) => read(14 + 2 * t + i);
    const u = (t: number) => read(20 + t);
    const h = [0, 0];
    const wanted = range(0, T).map((t) => {
      for (const i of [0, 1]) h[i] = Math.exp(delta(t) * a(i)) * h[i]! + delta(t) * b(t, i) * u(t);
      return c(t, 0) * h[0]! + c(t, 1) * h[1]!;
    });
    same(
      dsf({
        u: tensor([T, 1], u),
        lambda: tensor([T, N], (t, i) => Math.exp(delta(t) * a(i))),
        b: tensor([T, N, 1], (t, i) => delta(t) * b(t, i)),
        c: tensor([T, 1, N], (t, _, i) => c(t, i)),
      }).out,
      tensor([T, 1], (t) => wanted[t]!),
    );
  },
);
