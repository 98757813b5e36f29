import { lssl } from "../../../spec/linear/lssl.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(lssl);

const one = { u: [[3], [3]], a: [[-1]], b: [[1]], c: [[30]], logDt: [0], wOut: [[1]] };
example("a step of 1 at rate −1, half implicit: a third stays, two thirds come in", lssl, one, {
  out: [[60], [80]],
  state: [[8 / 3]],
});
example("explicit: nothing stays, all comes in", lssl, one, { out: [[90], [90]], state: [[3]] }, { alpha: 0 });
example("implicit: half stays, half comes in", lssl, one, { out: [[45], [67.5]], state: [[2.25]] }, { alpha: 1 });
example(
  "a step of 2: nothing stays; the skip, the projection and its bias",
  lssl,
  { ...one, logDt: [Math.LN2], d: [10], wOut: [[2, -1]], bOut: [5, 7] },
  {
    out: [
      [245, -113],
      [245, -113],
    ],
  },
);
example(
  "two states that turn each other a quarter at a step: (1, 10) becomes (−10, 1)",
  lssl,
  {
    u: [[0]],
    a: [
      [0, -2],
      [2, 0],
    ],
    b: [[0, 0]],
    c: [[-30, 100]],
    logDt: [0],
    state: [[1, 10]],
  },
  { out: [[400]], state: [[-10, 1]] },
);
example(
  "an implicit part with a zero on its diagonal",
  lssl,
  {
    u: [[1]],
    a: [
      [2, -2],
      [2, 2],
    ],
    b: [[3, 5]],
    c: [[0, 0]],
    logDt: [0],
    state: [[1, 10]],
  },
  { state: [[-1 - 20 - 5, 2 - 10 + 3]] },
);
example(
  "an implicit part (1, 2; 0, 1), whose largest entry is not in its first column",
  lssl,
  {
    u: [[0]],
    a: [
      [0, -4],
      [0, 0],
    ],
    b: [[0, 0]],
    c: [[0, 0]],
    logDt: [0],
    state: [[1, 10]],
  },
  { state: [[-39, 10]] },
);
example(
  "GELU of 0 is 0, of a large negative number too",
  lssl,
  { ...one, u: [[-3], [0]], a: [[-2]] },
  { out: [[0], [0]] },
);

const rows = (m: readonly (readonly number[])[], v: readonly number[]) =>
  m.map((row) => row.reduce((total, entry, j) => total + entry * v[j]!, 0));
law(
  "it is a convolution with C Āˡ B̄: tokens act alike and add up",
  cases(lssl, { given: { state: false } }),
  ({ x, n, o }) => {
    const impulse = lssl({ ...x, u: tensor([1, n.M], () => 1) }, o).state;
    const column = (j: number) =>
      lssl({ ...x, u: tensor([1, n.M], () => 0), state: tensor([n.M, n.N], (_, i) => Number(i === j)) }, o).state;
    const columns = Array.from({ length: n.N }, (_, j) => column(j));
    const keep = (m: number) =>
      Array.from({ length: n.N }, (_, i) => Array.from({ length: n.N }, (_, j) => at(columns[j]!, m, i)));
    const kernel = Array.from({ length: n.M }, (_, m) => {
      let left = Array.from({ length: n.N }, (_, i) => at(impulse, m, i));
      return Array.from({ length: n.T }, () => {
        const read = left.reduce((total, v, i) => total + v * at(x.c, m, i), 0);
        left = rows(keep(m), left);
        return read;
      });
    });
    const y = tensor([n.T, n.M], (t, m) => {
      let total = x.d ? at(x.d, m) * at(x.u, t, m) : 0;
      for (let s = 0; s <= t; s++) total += kernel[m]![t - s]! * at(x.u, s, m);
      return total;
    });
    const none = (t: Tensor) => edit(t, () => 0);
    same(lssl(x, o).out, lssl({ ...x, u: y, c: none(x.c), d: tensor([n.M], () => 1) }, o).out);
  },
);
law("Ā and B̄ satisfy (I − αΔA) x' = (I + (1 − α)ΔA) x + ΔB u", cases(lssl, { sizes: { T: 1 } }), ({ x, n, o }) => {
  const after = lssl(x, o).state;
  const before = (m: number, i: number) => (x.state ? at(x.state, m, i) : 0);
  const side = (part: number, state: (m: number, i: number) => number) =>
    tensor([n.M, n.N], (m, i) => {
      let total = state(m, i);
      for (let j = 0; j < n.N; j++) total += part * Math.exp(at(x.logDt, m)) * at(x.a, i, j) * state(m, j);
      return total;
    });
  same(
    side(-o.alpha, (m, i) => at(after, m, i)),
    edit(side(1 - o.alpha, before), (v, m, i) => v + Math.exp(at(x.logDt, m)) * at(x.b, m, i) * at(x.u, 0, m)),
  );
});
law("half the step of twice the equation is the same", cases(lssl), ({ x, o }) => {
  const twice = (t: Tensor) => edit(t, (v) => 2 * v);
  const logDt = edit(x.logDt, (v) => v - Math.LN2);
  same(lssl({ ...x, a: twice(x.a), b: twice(x.b), logDt }, o).out, lssl(x, o).out);
});
law("channels do not meet before the projection", cases(lssl, { sizes: { M: 2 } }), ({ x, n, o }) => {
  const u = edit(x.u, (v, _, m) => (m === 0 ? v : 0));
  const wOut = tensor([n.M, 1], (m) => Number(m === 1));
  const { bOut, ...rest } = x;
  same(
    lssl({ ...rest, u, wOut, ...(x.state && { state: edit(x.state, (v, m) => (m === 0 ? v : 0)) }) }, o).out,
    tensor([n.T, 1], () => 0),
  );
});
