import { rectifiedLinearAttention as rela } from "../../../spec/score/rectified-linear-attention.ts";
import { reluAttention } from "../../../spec/score/relu-attention.ts";
import { cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(rela);

const identity = [
  [1, 0],
  [0, 1],
];
const ungated = { gated: false };
example(
  "products 2 and −2: the token sees itself alone; 6 and 8 have mean square 50",
  rela,
  { x: [[1], [-1]], wQ: [[2]], wK: [[1]], wV: [[3, 4]], wO: identity, bO: [100, 0] },
  {
    out: [
      [100 + 6 / Math.sqrt(50), 8 / Math.sqrt(50)],
      [100 - 6 / Math.sqrt(50), -8 / Math.sqrt(50)],
    ],
  },
  { ...ungated, eps: 1e-300 },
);
example(
  "ε = 10⁻⁸ by default halves a mean square of 10⁻⁸",
  rela,
  { x: [[1]], wQ: [[1]], wK: [[1]], wV: [[1e-4]], wO: [[1]], s: [4] },
  { out: [[2 * Math.SQRT2]] },
  ungated,
);
example(
  "gated by default, by a sigmoid of g times the output as it is before the norm: sigmoid(ln 3) is ¾",
  rela,
  { x: [[1]], wQ: [[1]], wK: [[1]], wV: [[1, 1]], wO: identity, g: [Math.log(3), 0] },
  { out: [[0.75, 0.5]] },
  { eps: 1e-300 },
);
example(
  "D = 4: 8 is halved; heads share one mean, (16 + 0) / 2",
  rela,
  { x: [[1]], wQ: [[2, 2, 2, 2, 0, 0, 0, 0]], wK: [[1, 1, 1, 1, 1, 1, 1, 1]], wV: [[1, 1]], wO: identity, s: [3, 3] },
  { out: [[3 * Math.SQRT2, 0]] },
  { ...ungated, heads: 2, eps: 1e-300 },
);
example(
  "queries of one sequence, keys and values of another; a hidden token weighs nothing",
  rela,
  {
    x: [[1]],
    memory: [
      [1, 0],
      [0, 1],
    ],
    keyMask: [1, 0],
    wQ: [[1]],
    wK: [[1], [1]],
    wV: [
      [3, 4],
      [9, 9],
    ],
    wO: identity,
  },
  { out: [[3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)]] },
  { ...ungated, eps: 1e-300 },
);
example(
  "causal, one query after one cached token and another before: sees both, then the first alone",
  rela,
  { x: [[1], [1]], memory: [[1], [2], [3]], wQ: [[1]], wK: [[1]], wV: [[1]], wO: [[1]] },
  { out: [[5 / Math.sqrt(26)], [14 / Math.sqrt(197)]] },
  { ...ungated, causal: true, eps: 1 },
);
example(
  "where every product is negative the bias of the output is left",
  rela,
  { x: [[1]], wQ: [[1]], wK: [[-1]], wV: [[1]], wO: [[1]], bO: [7], g: [1] },
  { out: [[7]] },
);

law(
  "without a gate and with a negligible ε, the scale of the queries, keys and values is immaterial",
  cases(rela, { options: { gated: false, eps: 1e-300 }, given: { g: false } }),
  ({ x, o }) => {
    const times = (c: number, name: "wQ" | "wK" | "wV", bias: "bQ" | "bK" | "bV") => ({
      [name]: edit(x[name], (value) => c * value),
      ...(x[bias] && { [bias]: edit(x[bias], (value) => c * value) }),
    });
    same(
      rela({ ...x, ...times(3, "wQ", "bQ"), ...times(5, "wK", "bK"), ...times(7, "wV", "bV") }, o).out,
      rela(x, o).out,
    );
  },
);
law(
  "a gate of g = 0 halves what goes into the output projection",
  cases(rela, { options: { gated: true }, given: { g: true, bO: false } }),
  ({ x: { g, ...x }, o }) =>
    same(
      rela({ ...x, g: edit(g, () => 0) }, o).out,
      edit(rela(x, { ...o, gated: false }).out, (value) => value / 2),
    ),
);
law(
  "with one head, no projections and ε far above the mean square, it is ReLU attention not divided by the length",
  cases(reluAttention, { options: { phi: "relu", gamma: 0 }, given: { mask: false } }),
  ({ x: { q, k, v }, n, o }) => {
    if (n.Tk === 0) return;
    const side = tensor([n.Tk, n.D + n.E], (s, i) => (i < n.D ? k.data[s * n.D + i]! : v.data[s * n.E + i - n.D]!));
    const unit = (rows: number, columns: number, shift: number) =>
      tensor([rows, columns], (i, j) => (i === j + shift ? 1 : 0));
    same(
      rela(
        {
          x: q,
          memory: side,
          wQ: unit(n.D, n.D, 0),
          wK: unit(n.D + n.E, n.D, 0),
          wV: unit(n.D + n.E, n.E, n.D),
          wO: unit(n.E, n.E, 0),
          s: tensor([n.E], () => 1e10),
        },
        { gated: false, eps: 1e20, causal: o.causal },
      ).out,
      reluAttention({ q, k, v }, o).out,
    );
  },
);
law(
  "heads of their own: each head's columns alone give its part, up to the shared norm",
  cases(rela, {
    options: { gated: false, heads: 2, eps: 1e20 },
    given: { g: false, s: false, bO: false, bQ: false, bK: false, bV: false },
  }),
  ({ x, n, o }) => {
    const columns = (w: typeof x.wQ, width: number, h: number) => {
      const rows = w.shape[0]!;
      return tensor([rows, width], (m, d) => w.data[m * 2 * width + h * width + d]!);
    };
    const part = (h: number) =>
      rela(
        {
          ...x,
          wQ: columns(x.wQ, n.D, h),
          wK: columns(x.wK, n.D, h),
          wV: columns(x.wV, n.E, h),
          wO: tensor([n.E, n.Mo], (e, m) => 1e10 * x.wO.data[(h * n.E + e) * n.Mo + m]!),
        },
        { ...o, heads: 1 },
      ).out;
    const [first, second] = [part(0), part(1)];
    const whole = rela({ ...x, wO: edit(x.wO, (value) => 1e10 * value) }, o).out;
    same(
      whole,
      edit(first, (value, t, m) => value + second.data[t * n.Mo + m]!),
    );
  },
);
