import { lrpeD } from "../../../spec/positional/lrpe-d.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(lrpeD);

const quarter = Math.PI / 2;
example(
  "quarter turns: cosines 1, 0, −1 beside sines 0, 1, 0",
  lrpeD,
  { x: [[[2], [3], [5]]], theta: [[quarter]] },
  {
    out: [
      [
        [2, 0],
        [0, 3],
        [-5, 0],
      ],
    ],
  },
);
example(
  "the initial θ runs on over the heads: 1, 1/100 for the first of two heads, 10⁻⁴, 10⁻⁶ for the second",
  lrpeD,
  { x: [[[0, 1]], [[1, 1]]] },
  {
    out: [[[0, Math.cos(10), 0, Math.sin(10)]], [[Math.cos(0.1), Math.cos(0.001), Math.sin(0.1), Math.sin(0.001)]]],
  },
  { offset: 1000 },
);
example(
  "scores decay by half a step and turn by an eighth: ½ · 3 · 4 · cos 45°, and nothing later is seen",
  lrpeD,
  { x: [[[1], [4]]], keys: [[[3], [7]]], theta: [[Math.PI / 4]], decay: [0.5] },
  {
    out: [
      [
        [1, 0],
        [4 * Math.SQRT1_2, 4 * Math.SQRT1_2],
      ],
    ],
    scores: [
      [
        [3, 0],
        [6 * Math.SQRT1_2, 28],
      ],
    ],
  },
);

law(
  "scores are decayed products of the laid-out queries and keys",
  cases(lrpeD, { given: { keys: true } }),
  ({ x, n, o }) => {
    const [phiQ, phiK] = [lrpeD(x, o).out, lrpeD({ ...x, x: x.keys }, o).out];
    const product = (h: number, t: number, s: number) =>
      Array.from({ length: 2 * n.D }, (_, c) => at(phiQ, h, t, c) * at(phiK, h, s, c)).reduce((a, b) => a + b, 0);
    same(
      lrpeD(x, o).scores,
      tensor([n.H, n.T, n.T], (h, t, s) => (s > t ? 0 : (x.decay ? at(x.decay, h) ** (t - s) : 1) * product(h, t, s))),
    );
  },
);
law(
  "scores depend on the distance alone: an offset does nothing",
  cases(lrpeD, { given: { keys: true } }),
  ({ x, o }) => {
    same(lrpeD(x, { ...o, offset: o.offset + 4 }).scores, lrpeD(x, o).scores);
  },
);
law("the length of a token is kept, and θ = 0 leaves it as it was", cases(lrpeD), ({ x, n, o }) => {
  const size = (t: typeof x.x) =>
    tensor([n.H, n.T], (h, i) =>
      Array.from({ length: t.shape[2]! }, (_, c) => at(t, h, i, c) ** 2).reduce((a, b) => a + b, 0),
    );
  same(size(lrpeD(x, o).out), size(x.x));
  const theta = tensor([n.H, n.D], () => 0);
  same(
    lrpeD({ ...x, theta }, o).out,
    tensor([n.H, n.T, 2 * n.D], (h, t, c) => (c < n.D ? at(x.x, h, t, c) : 0)),
  );
});
law("the first token without an offset is as it was", cases(lrpeD, { options: { offset: 0 } }), ({ x, n, o }) => {
  const first = edit(lrpeD(x, o).out, (v, _, t) => (t ? 0 : v));
  same(
    first,
    tensor([n.H, n.T, 2 * n.D], (h, t, c) => (t === 0 && c < n.D ? at(x.x, h, 0, c) : 0)),
  );
});
