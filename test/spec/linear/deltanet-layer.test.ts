import { deltanetLayer as layer } from "../../../spec/linear/deltanet-layer.ts";
import { at, cases, edit, example, join, law, same, span, specify } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const unit = (y: number) => y / Math.sqrt(y ** 2 + 1e-6);
const one = {
  x: [[1]],
  wQ: [[2]],
  wK: [[3]],
  wV: [[1, 2]],
  convQ: [[1]],
  convK: [[1]],
  convV: [[1], [1]],
  wB: [[0]],
  norm: [1, 10],
  wO: [[1], [1]],
};
const v = [silu(1), silu(2)] as const;
const half = unit(silu(3)) / 2;
example("half of the value is written; the norm leaves only how its features compare", layer, one, {
  state: [[v.map((y) => half * y)]],
  out: [[(v[0] + 10 * v[1]) / Math.sqrt((v[0] ** 2 + v[1] ** 2) / 2 + 1e-5 / (unit(silu(2)) * half) ** 2)]],
});
example(
  "β doubled: all of it is written",
  layer,
  one,
  { state: [[v.map((y) => 2 * half * y)]] },
  { allowNegEigval: true },
);
const two = { ...one, wK: [[3, -1]], wQ: [[1, 1]], convQ: [[1], [1]], convK: [[1], [1]] };
const halves = (a: number, b: number) => [[v.map((y) => (a / 2) * y), v.map((y) => (b / 2) * y)]];
example(
  "the sum of the features instead of the length: 3 and −1 to 3/2 and −1/2",
  layer,
  two,
  { state: halves(1.5, -0.5) },
  { qkNorm: "sum", qkActivation: "identity" },
);
example("with ReLU 1 and 0", layer, two, { state: halves(1, 0) }, { qkNorm: "sum", qkActivation: "relu" });
const grown = 4 + Math.exp(-1);
example(
  "with ELU + 1, 4 and 1/e over their sum",
  layer,
  two,
  { state: halves(4 / grown, Math.exp(-1) / grown) },
  { qkNorm: "sum", qkActivation: "elu1" },
);
example(
  "with ReLU and the length: 3 / √(9 + 10⁻⁶)",
  layer,
  two,
  { state: halves(unit(3), 0) },
  { qkActivation: "relu" },
);
example(
  "features that sum to 0 leave zeros",
  layer,
  { ...two, wK: [[1, -1]] },
  { state: halves(0, 0) },
  { qkNorm: "sum", qkActivation: "identity" },
);
example(
  "the convolution: tap 1 on the token, tap 0 on the one before, first on the past",
  layer,
  {
    ...one,
    x: [[1], [5]],
    convV: [
      [10, 1],
      [0, 1],
    ],
    convQ: [[0, 1]],
    convK: [[0, 1]],
    past: [[2]],
    wB: [[-1000]],
  },
  { out: [[0], [0]], past: [[5]] },
);

law("two heads are two layers of one head added up", cases(layer, { options: { heads: 2 } }), ({ x, n, o }) => {
  const head = (h: number) => {
    const of = (t: typeof x.wQ, axis: number, width: number) => span(t, axis, h * width, (h + 1) * width);
    return layer(
      {
        ...x,
        ...{
          wQ: of(x.wQ, 1, n.D),
          wK: of(x.wK, 1, n.D),
          wV: of(x.wV, 1, n.E),
          convQ: of(x.convQ, 0, n.D),
          convK: of(x.convK, 0, n.D),
          convV: of(x.convV, 0, n.E),
          wO: of(x.wO, 0, n.E),
          wB: of(x.wB, 1, 1),
        },
        ...(x.state && { state: of(x.state, 0, 1) }),
      },
      { ...o, heads: 1 },
    );
  };
  const [first, second, both] = [head(0), head(1), layer(x, o)];
  same(
    both.out,
    edit(first.out, (y, t, m) => y + at(second.out, t, m)),
  );
  same(both.state, join(0, first.state, second.state));
});
