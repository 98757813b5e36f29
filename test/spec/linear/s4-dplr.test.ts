import { s4Dplr as s4 } from "../../../spec/linear/s4-dplr.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(s4);

const one = {
  u: [[3], [3], [3]],
  lambda: [[[-1, 0]]],
  p: [[[0, 0]]],
  b: [[[1, 0]]],
  c: [[[15, 0]]],
  logDt: [0],
  wOut: [[1, 0]],
};
example("a step of 1 at rate −1: a third stays, two thirds come in, read twice 15 times; the gate of 0 is ½", s4, one, {
  out: [[30], [40], [130 / 3]],
  kernel: [[20, 20 / 3, 20 / 9]],
  state: [[[26 / 9, 0]]],
});
example(
  "a step of 2: nothing stays; the skip, the gate and the biases",
  s4,
  { ...one, u: [[3]], logDt: [Math.LN2], d: [10], wOut: [[2, 1]], bOut: [5, -120] },
  { out: [[245 / 2]], kernel: [[30]] },
);
const turning = { ...one, u: [[1], [0], [0], [0]], lambda: [[[0, 2]]], b: [[[2, 0]]] };
example(
  "2i turns the state a quarter at a step: 1 + i, −1 + i, −1 − i, 1 − i",
  s4,
  { ...turning, c: [[[1, 0]]] },
  {
    kernel: [[2, -2, -2, 2]],
    state: [[[1, -1]]],
  },
);
example("read by −i it is the imaginary part", s4, { ...turning, c: [[[0, -1]]] }, { kernel: [[2, 2, -2, -2]] });
example(
  "resumed from 1 + 10i, which turns to −10 + i",
  s4,
  { ...turning, u: [[0]], state: [[[1, 10]]] },
  {
    state: [[[-10, 1]]],
  },
);
example(
  "P = 1 with Λ = 0 couples a number with its conjugate: the real part is wiped out, the imaginary part stays",
  s4,
  { ...one, lambda: [[[0, 0]]], p: [[[1, 0]]], b: [[[2, 3]]], c: [[[1, -10]]] },
  { kernel: [[62, 60, 60]] },
);
example(
  "P = (1, i) couples two numbers: the real part of the first with the imaginary part of the second",
  s4,
  {
    ...one,
    u: [[0]],
    lambda: [
      [
        [0, 0],
        [0, 0],
      ],
    ],
    p: [
      [
        [1, 0],
        [0, 1],
      ],
    ],
    b: [
      [
        [0, 0],
        [0, 0],
      ],
    ],
    c: [
      [
        [0, 0],
        [0, 0],
      ],
    ],
    state: [
      [
        [3, 5],
        [7, 12],
      ],
    ],
  },
  {
    state: [
      [
        [-7, 5],
        [7, 2],
      ],
    ],
  },
);

type Complex = readonly [number, number];
const plus = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const conj = ([a, b]: Complex): Complex => [a, -b];
const over = (x: Complex, y: Complex): Complex => {
  const [re, im] = times(x, conj(y));
  const size = y[0] ** 2 + y[1] ** 2;
  return [re / size, im / size];
};
const total = (terms: readonly Complex[]) => terms.reduce(plus, [0, 0]);
const both = (t: Tensor, m: number) => {
  const half = Array.from({ length: t.shape[1]! }, (_, k): Complex => [at(t, m, k, 0), at(t, m, k, 1)]);
  return [...half, ...half.map(conj)];
};

law(
  "one step solves (I − Δ/2 A) x' = (I + Δ/2 A) x + Δ B u with A = diag(Λ) − P P*, over both halves",
  cases(s4, { sizes: { T: 1 }, given: { state: true } }),
  ({ x, n, o }) => {
    const after = s4(x, o).state;
    const side = (m: number, sign: number, state: readonly Complex[], k: number): Complex => {
      const [lambda, p] = [both(x.lambda, m), both(x.p, m)];
      const along = total(state.map((v, j) => times(conj(p[j]!), v)));
      const moved = plus(times(lambda[k]!, state[k]!), times([-1, 0], times(p[k]!, along)));
      return plus(state[k]!, times([(sign * Math.exp(at(x.logDt, m))) / 2, 0], moved));
    };
    const written = (m: number, k: number) => times([Math.exp(at(x.logDt, m)) * at(x.u, 0, m), 0], both(x.b, m)[k]!);
    same(
      tensor([n.M, 2 * n.N, 2], (m, k, i) => side(m, -1, both(after, m), k)[i]!),
      tensor([n.M, 2 * n.N, 2], (m, k, i) => plus(side(m, 1, both(x.state, m), k), written(m, k))[i]!),
    );
  },
);
law(
  "its kernel is the inverse Fourier transform of Cauchy sums, with C̃ = C (I − Āᴸ) from the state after L tokens",
  cases(s4, { sizes: { T: 4 }, given: { state: false } }),
  ({ x: drawn, n, o }) => {
    const x = { ...drawn, lambda: edit(drawn.lambda, (v, _, __, i) => (i === 0 ? -Math.abs(v) - 0.25 : v)) };
    const L = n.T;
    const kernel = s4(x, o).kernel;
    const unit = (k: number, i: number) => tensor([n.M, n.N, 2], (_, j, part) => Number(j === k && part === i));
    const silent = tensor([L, n.M], () => 0);
    const moved = Array.from(
      { length: 2 * n.N },
      (_, j) => s4({ ...x, u: silent, state: unit(j >> 1, j % 2) }, o).state,
    );
    const wanted = tensor([n.M, L], (m, l) => {
      const dt = Math.exp(at(x.logDt, m));
      const [lambda, p, b, c] = [both(x.lambda, m), both(x.p, m), both(x.b, m), both(x.c, m)];
      const read = (state: readonly Complex[]) => total(state.map((v, k) => times(c[k]!, v)))[0];
      const left = Array.from({ length: n.N }, (_, k): Complex => {
        const [re, im] = [read(both(moved[2 * k]!, m)), read(both(moved[2 * k + 1]!, m))];
        return [c[k]![0] - re / 2, c[k]![1] + im / 2];
      });
      const cTilde = [...left, ...left.map(conj)];
      const spectrum = (f: number): Complex => {
        const w: Complex = [Math.cos((-2 * Math.PI * f) / L), Math.sin((-2 * Math.PI * f) / L)];
        if (2 * f === L) return times([dt / 2, 0], total(cTilde.map((v, k) => times(v, b[k]!))));
        const g = times([2 / dt, 0], over([1 - w[0], -w[1]], [1 + w[0], w[1]]));
        const cauchy = (a: readonly Complex[], z: readonly Complex[]) =>
          total(a.map((v, k) => over(times(v, z[k]!), [g[0] - lambda[k]![0], g[1] - lambda[k]![1]])));
        const star = p.map(conj);
        const low = over(times(cauchy(cTilde, p), cauchy(star, b)), plus([1, 0], cauchy(star, p)));
        return times(over([2, 0], [1 + w[0], w[1]]), plus(cauchy(cTilde, b), times([-1, 0], low)));
      };
      let value = 0;
      for (let f = 0; f < L; f++) {
        const turn: Complex = [Math.cos((2 * Math.PI * f * l) / L), Math.sin((2 * Math.PI * f * l) / L)];
        value += times(spectrum(f), turn)[0] / L;
      }
      return value;
    });
    same(kernel, wanted, 1e-10);
  },
);
law("it is a convolution with its kernel", cases(s4, { given: { state: false } }), ({ x, n, o }) => {
  const kernel = s4(x, o).kernel;
  const y = tensor([n.T, n.M], (t, m) => {
    let sum = x.d ? at(x.d, m) * at(x.u, t, m) : 0;
    for (let s = 0; s <= t; s++) sum += at(kernel, m, t - s) * at(x.u, s, m);
    return sum;
  });
  same(s4(x, o).out, s4({ ...x, u: y, c: edit(x.c, () => 0), d: tensor([n.M], () => 1) }, o).out);
});
law(
  "without P the numbers go their own ways by (1 + Δλ/2) / (1 − Δλ/2)",
  cases(s4, { given: { state: false } }),
  ({ x, n, o }) =>
    same(
      s4({ ...x, p: edit(x.p, () => 0) }, o).kernel,
      tensor([n.M, n.T], (m, l) => {
        const dt = Math.exp(at(x.logDt, m));
        const terms = Array.from({ length: n.N }, (_, k): Complex => {
          const part: Complex = [(at(x.lambda, m, k, 0) * dt) / 2, (at(x.lambda, m, k, 1) * dt) / 2];
          const down: Complex = [1 - part[0], -part[1]];
          let state = over([dt * at(x.b, m, k, 0), dt * at(x.b, m, k, 1)], down);
          for (let i = 0; i < l; i++) state = over(times(state, plus([1, 0], part)), down);
          return times([at(x.c, m, k, 0), at(x.c, m, k, 1)], state);
        });
        return 2 * total(terms)[0];
      }),
    ),
);
