import { fnetFourierMixing as fnet } from "../../../spec/spectral/fnet-fourier-mixing.ts";
import { at, cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(fnet);

example(
  "two tokens of two features: sums and differences",
  fnet,
  {
    x: [
      [1, 2],
      [3, 5],
    ],
  },
  {
    out: [
      [11, -3],
      [-5, 1],
    ],
  },
);
example(
  "one feature: the cosines of a quarter turn a step",
  fnet,
  { x: [[0], [1], [0], [0]] },
  {
    out: [[1], [0], [-1], [0]],
  },
);
example(
  "a quarter turn along each axis makes half a turn: −1 where cosines alone would give 0",
  fnet,
  {
    x: [
      [0, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  },
  {
    out: [
      [1, 0, -1, 0],
      [0, -1, 0, 1],
      [-1, 0, 1, 0],
      [0, 1, 0, -1],
    ],
  },
);

const { PI, cos, sin } = Math;
law("it is C X C − S X S with the matrices of cosines and sines", cases(fnet), ({ x, n }) => {
  const along = (f: (angle: number) => number) => {
    const rows = tensor([n.T, n.M], (t, c) =>
      Array.from({ length: n.T }, (_, s) => f((2 * PI * t * s) / n.T) * at(x.x, s, c)).reduce((a, b) => a + b),
    );
    return tensor([n.T, n.M], (t, m) =>
      Array.from({ length: n.M }, (_, c) => f((2 * PI * m * c) / n.M) * at(rows, t, c)).reduce((a, b) => a + b),
    );
  };
  const [c, s] = [along(cos), along(sin)];
  same(
    fnet(x).out,
    edit(c, (v, t, m) => v - at(s, t, m)),
  );
});
law("an impulse at the first place becomes all ones", cases(fnet), ({ x, n }) => {
  same(
    fnet({ x: tensor([n.T, n.M], (t, m) => Number(t === 0 && m === 0)) }).out,
    edit(x.x, () => 1),
  );
});
law("turning both axes over but for the first places changes nothing, before it or after", cases(fnet), ({ x, n }) => {
  const over = (t: typeof x.x) =>
    pick(
      pick(t, 0, n.T, (i) => (n.T - i) % n.T),
      1,
      n.M,
      (i) => (n.M - i) % n.M,
    );
  same(fnet({ x: over(x.x) }).out, fnet(x).out);
  same(over(fnet(x).out), fnet(x).out);
});
law("applied twice it is T M times an input that turning over leaves as it is", cases(fnet), ({ x, n }) => {
  const even = edit(x.x, (v, t, m) => v + at(x.x, (n.T - t) % n.T, (n.M - m) % n.M));
  same(
    fnet({ x: fnet({ x: even }).out }).out,
    edit(even, (v) => n.T * n.M * v),
  );
});
