import { dynamicSpectrumMixer as mixer } from "../../../spec/spectral/dynamic-spectrum-mixer.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(mixer);

const ln3 = Math.log(3);
const pair = { x: [[[1], [3]]], w1: [[0]], w2: [[0, 0]], b2: [ln3, 0] };
example("mean 2 times ¾, difference ∓1 times ½", mixer, pair, { out: [[[1], [2]]] }, { bands: 2 });
example("by softmax ¾ and ¼", mixer, pair, { out: [[[1.25], [1.75]]] }, { bands: 2, gate: "softmax" });
example("rows like columns", mixer, { ...pair, x: [[[1]], [[3]]] }, { out: [[[1]], [[2]]] }, { bands: 2 });
example(
  "the gate is made from the mean: of hidden 60 and 0, as GELU leaves nothing of −40, the first asks for ¾",
  mixer,
  {
    x: [[[49], [51]]],
    w1: [[1, -1]],
    b1: [10, 10],
    w2: [
      [ln3 / 60, 0],
      [7, 7],
    ],
  },
  { out: [[[37], [38]]] },
  { bands: 2 },
);
example(
  "eight bands by default, here two of them in use: the first column of four and the others",
  mixer,
  { x: [[[4], [4], [4], [4]]], w1: [[0]], w2: [[0, 0, 0, 0, 0, 0, 0, 0]], b2: [ln3, 9, 9, 9, 9, 9, 9, 9] },
  { out: [[[3], [3], [3], [3]]] },
);
const checks = [
  [[1], [-1]],
  [[-1], [1]],
];
example(
  "a static weight of 6 on the checkerboard alone, then a projection",
  mixer,
  {
    x: checks,
    w1: [[0]],
    w2: [[0]],
    static: [
      [[0], [0]],
      [[0], [6]],
    ],
    wO: [[1, 10]],
  },
  {
    out: [
      [
        [3, 30],
        [-3, -30],
      ],
      [
        [-3, -30],
        [3, 30],
      ],
    ],
  },
  { bands: 1 },
);

const open = { wO: false, static: false };
law("with all weights 1 the map comes back", cases(mixer, { given: open }), ({ x, o }) => {
  same(
    mixer({ ...x, w2: edit(x.w2, () => 0), b2: tensor([x.w2.shape[1]!], () => 1000) }, { ...o, gate: "sigmoid" }).out,
    x.x,
  );
  const { b2: _, ...rest } = x;
  const one = tensor([x.w2.shape[0]!, x.x.shape[2]!], () => 0.5);
  same(mixer({ ...rest, w2: one }, { gate: "softmax", bands: 1 }).out, x.x);
});
law(
  "as many bands as rows and columns: the lowest alone is the mean of each channel",
  cases(mixer, { given: open }),
  ({ x, n }) => {
    const bands = Math.max(n.Y, n.X);
    const closed = tensor([bands * n.C], (i) => (i < n.C ? 1000 : -1000));
    const mean = (c: number) => {
      let total = 0;
      for (let y = 0; y < n.Y; y++) for (let j = 0; j < n.X; j++) total += at(x.x, y, j, c);
      return total / (n.Y * n.X);
    };
    same(
      mixer({ ...x, w2: tensor([n.A, bands * n.C], () => 0), b2: closed }, { bands }).out,
      edit(x.x, (_, _y, _j, c) => mean(c)),
    );
  },
);
law("a constant map has the lowest band only", cases(mixer, { given: open }), ({ x, n, o }) => {
  const flat = edit(x.x, (_, _y, _j, c) => at(x.x, 0, 0, c));
  const { out } = mixer({ ...x, x: flat }, { ...o, gate: "sigmoid" });
  same(
    out,
    edit(out, (_, _y, _j, c) => at(out, 0, 0, c)),
  );
  const above = tensor([n.B * n.C], (i) => (i < n.C ? -1000 : 1000));
  if (n.B > 1)
    same(
      mixer({ ...x, x: flat, b2: above }, { ...o, gate: "sigmoid" }).out,
      edit(out, () => 0),
    );
});
law("turning the map over turns the result over", cases(mixer, { given: { static: false } }), ({ x, n, o }) => {
  const over = (t: typeof x.x) => edit(t, (_, y, j, c) => at(t, n.Y - 1 - y, n.X - 1 - j, c));
  same(mixer({ ...x, x: over(x.x) }, o).out, over(mixer(x, o).out));
});
law(
  "the bands are squares about the mean, alike in both directions",
  cases(mixer, { given: { static: false } }),
  ({ x, o }) => {
    const swap = (t: typeof x.x) => tensor([t.shape[1]!, t.shape[0]!, t.shape[2]!], (y, j, c) => at(t, j, y, c));
    same(mixer({ ...x, x: swap(x.x) }, o).out, swap(mixer(x, o).out));
  },
);
