import { h3 } from "../../../spec/linear/h3.ts";
import { retention } from "../../../spec/linear/retention.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(h3);

const one = {
  u: [[1], [2], [3]],
  wQ: [[1]],
  wK: [[1]],
  wV: [[1]],
  wO: [[1]],
  bShift: [[1, 0]],
  cShift: [[10, 1]],
  kDiag: [[1, 0.5, 0.25]],
};
example(
  "keys 1, 2, 3 through the taps 10 and 1 are 10, 21, 32; times the values 10, 42, 96; remembered by halves, read by 1, 2, 3",
  h3,
  one,
  { out: [[10], [2 * 47], [3 * 119.5]] },
);
example(
  "B = (2, 3) makes taps of 2·10 + 3·1 and 2·1",
  h3,
  { ...one, bShift: [[2, 3]], kDiag: [[1, 0, 0]] },
  { out: [[23], [(2 * 23 + 2) * 4], [(3 * 23 + 4) * 9]] },
);
example(
  "the skips: D = 100 of the key itself, D = 1000 of the product of 110 and 1",
  h3,
  { ...one, u: [[1]], kDiag: [[1]], dK: [100], d: [1000] },
  { out: [[110 * 1001]] },
);
example(
  "biases of query, key, value and output",
  h3,
  { ...one, u: [[0]], kDiag: [[1]], bQ: [2], bK: [3], bV: [5], bO: [7] },
  { out: [[2 * 30 * 5 + 7]] },
);
example(
  "two heads of two features: side by side going in, interleaved coming out",
  h3,
  {
    u: [[1]],
    wQ: [[1, 0, 0, 1]],
    wK: [[1, 1, 1, 1]],
    wV: [[2, 3, 5, 7]],
    wO: [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => Number(i === j))),
    bShift: [[1], [1], [1], [1]],
    cShift: [[1], [1], [1], [1]],
    kDiag: [[1], [10]],
  },
  { out: [[2, 50, 3, 70]] },
  { headDim: 2 },
);

const split = (x: { u: Tensor }, w: Tensor, b: Tensor | undefined, H: number, D: number) =>
  tensor([H, x.u.shape[0]!, D], (h, t, i) => {
    let total = b ? at(b, h * D + i) : 0;
    for (let m = 0; m < x.u.shape[1]!; m++) total += at(x.u, t, m) * at(w, m, h * D + i);
    return total;
  });
law(
  "with a key that is not shifted and a kernel of powers it is retention, and linear attention at powers of 1",
  cases(h3, { sizes: { N: 1 }, given: { d: false, dK: false, bO: false } }),
  ({ x, n, o }) => {
    const ones = edit(x.bShift, () => 1);
    const gamma = tensor([n.H], (h) => 1 / (1 + h));
    const wO = tensor([n.D * n.H, n.D * n.H], (i, j) => Number(i === j));
    const read = retention(
      {
        q: split(x, x.wQ, x.bQ, n.H, n.D),
        k: split(x, x.wK, x.bK, n.H, n.D),
        v: split(x, x.wV, x.bV, n.H, n.D),
        gamma,
      },
      { scale: 1 },
    ).out;
    const kDiag = edit(x.kDiag, (_, h, l) => (1 / (1 + h)) ** l);
    same(
      h3({ ...x, bShift: ones, cShift: ones, kDiag, wO }, o).out,
      tensor([n.T, n.D * n.H], (t, c) => at(read, c % n.H, t, Math.floor(c / n.H))),
    );
  },
);
law("a first input vector of (1, 0, …) makes the taps those of C", cases(h3), ({ x, n, o }) => {
  const bShift = edit(x.bShift, (_, __, j) => Number(j === 0));
  const keys = split(x, x.wK, x.bK, n.H, n.D);
  const shifted = tensor([n.H, n.T, n.D], (h, t, i) => {
    let total = x.dK ? at(x.dK, h * n.D + i) * at(keys, h, t, i) : 0;
    for (let l = 0; l < n.N && l <= t; l++) total += at(x.cShift, h * n.D + i, l) * at(keys, h, t - l, i);
    return total;
  });
  const [q, v] = [split(x, x.wQ, x.bQ, n.H, n.D), split(x, x.wV, x.bV, n.H, n.D)];
  same(
    h3({ ...x, bShift }, o).out,
    tensor([n.T, x.wO.shape[1]!], (t, m) => {
      let total = x.bO ? at(x.bO, m) : 0;
      for (let h = 0; h < n.H; h++)
        for (let j = 0; j < n.D; j++)
          for (let i = 0; i < n.D; i++)
            for (let s = 0; s <= t; s++) {
              const weight = at(x.kDiag, h, t - s) + (s === t && x.d ? at(x.d, h) : 0);
              total += at(q, h, t, i) * weight * at(shifted, h, s, i) * at(v, h, s, j) * at(x.wO, j * n.H + h, m);
            }
      return total;
    }),
  );
});
