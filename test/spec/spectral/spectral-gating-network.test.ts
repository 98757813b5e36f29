import { spectralGatingNetwork as gating } from "../../../spec/spectral/spectral-gating-network.ts";
import { at, cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(gating);

const map = [
  [[1], [2]],
  [[3], [6]],
];
const gate = (...rows: readonly (readonly number[])[]) => rows.map((row) => row.map((re) => [[re, 0]]));
example(
  "two by two: the mean alone",
  gating,
  { x: map, k: gate([1, 0], [0, 0]) },
  {
    out: [
      [[3], [3]],
      [[3], [3]],
    ],
  },
);
example(
  "the difference of the columns, twice: (3 + 6 − 1 − 2) / 4 = 1½ lies between the rows, −1 between the columns",
  gating,
  { x: map, k: gate([0, 2], [0, 0]) },
  {
    out: [
      [[-2], [2]],
      [[-2], [2]],
    ],
  },
);
example(
  "an imaginary gate at a quarter turn a column shifts a wave of 4 columns by one; the middle column has none of it",
  gating,
  { x: [[[1], [0], [-1], [0]]], k: [[[[5, 7]], [[0, 1]], [[5, 7]]]] },
  { out: [[[0], [-1], [0], [1]]] },
);
example(
  "the imaginary part of the gate is without effect on the mean and on every other column",
  gating,
  { x: [[[1], [2]]], k: [[[[0, 4]], [[0, 4]]]] },
  { out: [[[0], [0]]] },
);

law("gates of 1 give the map back", cases(gating), ({ x }) => {
  same(gating({ ...x, k: edit(x.k, (_, _u, _v, _c, part) => 1 - part) }).out, x.x);
});
law("it is the circular convolution of the map with the answer to an impulse", cases(gating), ({ x, n }) => {
  const impulse = tensor([n.Y, n.X, n.C], (y, j) => Number(y === 0 && j === 0));
  const kappa = gating({ ...x, x: impulse }).out;
  same(
    gating(x).out,
    tensor([n.Y, n.X, n.C], (y, j, c) => {
      let total = 0;
      for (let a = 0; a < n.Y; a++)
        for (let b = 0; b < n.X; b++)
          total += at(kappa, (y - a + n.Y) % n.Y, (j - b + n.X) % n.X, c) * at(x.x, a, b, c);
      return total;
    }),
  );
});
law("shifting the map around shifts the result", cases(gating), ({ x, n }) => {
  const around = (t: typeof x.x) =>
    pick(
      pick(t, 0, n.Y, (y) => (y + 1) % n.Y),
      1,
      n.X,
      (j) => (j + 2) % n.X,
    );
  same(gating({ ...x, x: around(x.x) }).out, around(gating(x).out));
});
law(
  "gates that are the transform of an impulse one row down and one column on shift the map by as much",
  cases(gating),
  ({ x, n }) => {
    const wave = tensor([n.Y, n.Xh, n.C, 2], (u, v, _, part) => {
      const a = (2 * Math.PI * u) / n.Y + (2 * Math.PI * v) / n.X;
      return part ? -Math.sin(a) : Math.cos(a);
    });
    const shifted = pick(
      pick(x.x, 0, n.Y, (y) => (y + n.Y - 1) % n.Y),
      1,
      n.X,
      (j) => (j + n.X - 1) % n.X,
    );
    same(gating({ x: x.x, k: wave }).out, shifted);
  },
);
