import { mdTpe } from "../../../spec/positional/md-tpe.ts";
import { at, cases, edit, example, law, pick, same, span, specify, tensor } from "../../kit.ts";

specify(mdTpe);

example(
  "one axis, λ = ½ and no norm to speak of: 4, then 4/2 + 6, each over its own size √(16 + 9) or √(64 + 36)",
  mdTpe,
  { x: [[4], [6]], q: [[1]], k: [[1]], ld: [[0]] },
  { out: [[4 / 5], [8 / Math.sqrt(73)]] },
  { epsilon: 9 },
);
example(
  "the default ε: a token of √(3·10⁻⁵) has mean square 3·10⁻⁵, so it is divided by √(4·10⁻⁵)",
  mdTpe,
  { x: [[Math.sqrt(3e-5)]], q: [[1]], k: [[1]], ld: [[5]] },
  { out: [[Math.sqrt(3) / 2]] },
);
example(
  "a 2 × 2 grid, λ = 1: rows run down, columns run across, and q · k = 6 counts under the norm",
  mdTpe,
  {
    x: [[1], [0], [0], [0]],
    q: [[2], [1]],
    k: [[3], [0]],
    ld: [[Number.POSITIVE_INFINITY], [0]],
  },
  { out: [[6 / Math.sqrt(40)], [0], [6 / Math.sqrt(40)], [0]] },
  { grid: [2, 2], epsilon: 4 },
);
example(
  "two heads are normed together, each weighted by its gain and projected",
  mdTpe,
  { x: [[3, 4]], q: [[1, 1]], k: [[1, 1]], ld: [[0, 0]], gain: [[2, 10]], wO: [[[1], [1]]] },
  { out: [[46 / Math.sqrt(12.5)]] },
  { epsilon: 0 },
);

law("the axes add up, each with its own weights", cases(mdTpe, { options: { grid: [2, 3] } }), ({ x, o }) => {
  const silent = (axis: number) => mdTpe({ ...x, q: edit(x.q, (v, a) => (a === axis ? 0 : v)) }, o).out;
  const [down, across] = [silent(1), silent(0)];
  same(
    mdTpe(x, o).out,
    edit(down, (v, t, m) => v + at(across, t, m)),
  );
});
law(
  "along an axis of length 1 and at λ = 0 every token stands by itself",
  cases(mdTpe, { options: { grid: null } }),
  ({ x, n, o }) => {
    const ld = edit(x.ld, () => Number.NEGATIVE_INFINITY);
    for (let t = 0; t < n.T; t++)
      same(
        mdTpe({ ...x, ld, x: span(x.x, 0, t, t + 1) }, { ...o, grid: null }).out,
        span(mdTpe({ ...x, ld }, o).out, 0, t, t + 1),
      );
  },
);
law(
  "one axis is causal: later tokens change nothing before",
  cases(mdTpe, { options: { grid: null } }),
  ({ x, n, o }) => {
    if (n.T > 1)
      same(
        mdTpe({ ...x, x: span(x.x, 0, 0, n.T - 1) }, { ...o, grid: null }).out,
        span(mdTpe(x, o).out, 0, 0, n.T - 1),
      );
  },
);
law(
  "it is the recurrence of the state k xᵀ read by q",
  cases(mdTpe, { options: { grid: null }, sizes: { H: 1 } }),
  ({ x, n, o }) => {
    const [lambda, mo] = [1 / (1 + Math.exp(-at(x.ld, 0, 0))), mdTpe(x, o).out.shape[1]!];
    let state = Array.from({ length: n.D }, () => Array.from({ length: n.D }, () => 0));
    const rows = Array.from({ length: n.T }, (_, t) => {
      state = state.map((row, i) => row.map((v, j) => lambda * v + at(x.k, 0, i) * at(x.x, t, j)));
      const read = Array.from({ length: n.D }, (_, j) =>
        state.reduce((total, row, i) => total + at(x.q, 0, i) * row[j]!, 0),
      );
      const size = Math.sqrt(read.reduce((total, v) => total + v * v, 0) / n.D + o.epsilon);
      const normed = read.map((v, j) => (v / size) * (x.gain ? at(x.gain, 0, j) : 1));
      return Array.from({ length: mo }, (_, m) =>
        normed.reduce((total, v, j) => total + v * (x.wO ? at(x.wO, 0, j, m) : Number(j === m)), 0),
      );
    });
    same(
      mdTpe(x, o).out,
      tensor([n.T, mo], (t, m) => rows[t]![m]!),
    );
  },
);
law("turning the grid over turns the result over", cases(mdTpe, { options: { grid: [2, 3] } }), ({ x, o }) => {
  const swap = <V extends typeof x.q | undefined>(t: V) => t && pick(t, 0, 2, (a) => 1 - a);
  const over = (t: typeof x.x) => pick(t, 0, 6, (p) => (p % 2) * 3 + (p >> 1));
  const turned = {
    x: over(x.x),
    q: pick(x.q, 0, 2, (a) => 1 - a),
    k: pick(x.k, 0, 2, (a) => 1 - a),
    ld: pick(x.ld, 0, 2, (a) => 1 - a),
    ...(x.gain && { gain: swap(x.gain) }),
    ...(x.wO && { wO: swap(x.wO) }),
  };
  same(mdTpe(turned, { ...o, grid: [3, 2] }).out, over(mdTpe(x, o).out));
});
law("the result changes sign with x", cases(mdTpe), ({ x, o }) => {
  same(
    mdTpe({ ...x, x: edit(x.x, (v) => -v) }, o).out,
    edit(mdTpe(x, o).out, (v) => -v),
  );
});
