import { deltanet } from "../../../spec/linear/deltanet.ts";
import { longhorn } from "../../../spec/linear/longhorn.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(longhorn);

const ln = Math.log;
example(
  "b = ½ and |k|² = 2 make a step of ¼: 8 keeps 6 and gets 3 more of 12; the skip adds 24",
  longhorn,
  { x: [[12]], k: [[1, 1]], q: [[1, 0]], dt: [[0]], dSkip: [2], state: [[8, 4]] },
  { out: [[33]], state: [[9, 6]] },
);
example(
  "exact: the key reads 12, which is what it shall read, so nothing changes",
  longhorn,
  { x: [[12]], k: [[1, 1]], q: [[1, 0]], dt: [[0]], dSkip: [0], state: [[8, 4]] },
  { out: [[8]], state: [[8, 4]] },
  { exact: true },
);
example(
  "b = ¾ and |k|² = 4: a step of 3/16; two channels, two tokens",
  longhorn,
  {
    x: [
      [8, 0],
      [0, 4],
    ],
    k: [[2], [1]],
    q: [[1], [1]],
    dt: [
      [ln(3), 0],
      [0, 0],
    ],
    dSkip: [0, 10],
  },
  {
    out: [
      [3, 0],
      [2, 40 + 4 / 3],
    ],
    state: [[2], [4 / 3]],
  },
);

law("a key of 0 leaves the state", cases(longhorn, { given: { state: true } }), ({ x, o }) =>
  same(longhorn({ ...x, k: edit(x.k, () => 0) }, o).state, x.state),
);
law("with one number to a channel the diagonal is all there is", cases(longhorn, { sizes: { N: 1 } }), ({ x }) =>
  same(longhorn(x, { exact: true }).out, longhorn(x, { exact: false }).out),
);
law(
  "the exact step minimises |S − S₀|² + b (S·k − x)² in every channel",
  cases(longhorn, { sizes: { T: 1 }, options: { exact: true }, given: { state: true } }),
  ({ x, n, o }) => {
    const { state } = longhorn(x, o);
    const slope = tensor([n.A, n.N], (a, i) => {
      const b = 1 / (1 + Math.exp(-at(x.dt, 0, a)));
      let read = 0;
      for (let j = 0; j < n.N; j++) read += at(state, a, j) * at(x.k, 0, j);
      return at(state, a, i) - at(x.state, a, i) + b * (read - at(x.x, 0, a)) * at(x.k, 0, i);
    });
    same(
      edit(slope, (v) => v + 100),
      edit(slope, () => 100),
    );
  },
);
law(
  "the exact step is a delta rule whose strength falls with the key's length",
  cases(longhorn, { sizes: { A: 1 }, options: { exact: true } }),
  ({ x, n, o }) => {
    const beta = tensor([n.T], (t) => {
      let size = 0;
      for (let i = 0; i < n.N; i++) size += at(x.k, t, i) ** 2;
      return 1 / (1 + Math.exp(-at(x.dt, t, 0)) + size);
    });
    const { out } = deltanet(
      { q: x.q, k: x.k, v: x.x, beta, ...(x.state && { state: tensor([n.N, 1], (i) => at(x.state, 0, i)) }) },
      { scale: 1 },
    );
    same(longhorn({ ...x, dSkip: tensor([1], () => 0) }, o).out, out);
  },
);
