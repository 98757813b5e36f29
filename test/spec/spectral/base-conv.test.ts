import { baseConv } from "../../../spec/spectral/base-conv.ts";
import { longConvolution } from "../../../spec/spectral/long-convolution.ts";
import { at, cases, edit, example, law, refuses, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(baseConv);

const two = { u: [[1], [2]], h: [[10, 1]], hB: [5], w: [[3]], b: [1] };
example("taps 1 on the token and 10 on the one before: 6 · 4 + 1 and 17 · 7 + 2", baseConv, two, {
  out: [[25], [121]],
  state: [[2]],
});
example("without the residual", baseConv, two, { out: [[24], [119]] }, { residual: false });
example("a token of 7 before the first", baseConv, { ...two, state: [[7]] }, { out: [[305], [121]], state: [[2]] });
example(
  "the state of three taps and one token: what is left of the old one before it",
  baseConv,
  { u: [[1]], h: [[100, 10, 1]], w: [[1]], state: [[5], [7]] },
  { out: [[572]], state: [[7], [1]] },
);
const half = 1 / (1 + Math.exp(-1));
example("SiLU on both factors", baseConv, { u: [[1]], h: [[1]], w: [[1]] }, { out: [[half ** 2 + 1]] }, { act: true });
example(
  "a long filter beside the identity, its taps by distance, 0 after the last: 2 · 1 + 1, 14 · 2 + 2, 24 · 2 + 2",
  baseConv,
  { u: [[1], [2], [2]], h: [[1, 10]], w: [[1]] },
  { out: [[3], [30], [50]] },
  { kernel: "long" },
);
const network = { u: [[1], [2]], fW1: [[1], [0], [0]], fW2: [[10]], fB2: [1], w: [[1]] };
example("a network of the time, 0 and 1: taps 1 and 11", baseConv, network, { out: [[3], [32]] }, { kernel: "long" });
example(
  "of three places at most the second has time ½: taps 1 and 6",
  baseConv,
  network,
  { out: [[3], [22]] },
  {
    kernel: "long",
    lMax: 3,
  },
);
example(
  "the hidden bias is inside ReLU: 0 − ½ gives 0, 1 − ½ gives ½",
  baseConv,
  { ...network, fB1: [-0.5] },
  { out: [[3], [22]] },
  { kernel: "long" },
);
example(
  "the cosine, and 10⁴ times minus the sine, of 2π · 10⁻⁴ r / L",
  baseConv,
  {
    u: [[1], [0]],
    fW1: [
      [0, 0],
      [1, 0],
      [0, -1e4],
    ],
    fW2: [[1], [1]],
    w: [[0]],
    b: [1],
  },
  { out: [[3], [Math.cos(1e-4 * Math.PI) + 1e4 * Math.sin(1e-4 * Math.PI)]] },
  { kernel: "long" },
);
example("one place alone has time 0", baseConv, { ...network, u: [[2]] }, { out: [[10]] }, { kernel: "long" });
refuses("lMax must be at least T", baseConv, network, { kernel: "long", lMax: 1 });
refuses("give h or both fW1 and fW2", baseConv, { u: [[1]], w: [[1]] });
refuses("give h or both fW1 and fW2", baseConv, { ...network, h: [[1]] }, { kernel: "long" });
refuses("fB1 and fB2 need fW1", baseConv, { ...two, fB2: [1] });
refuses("hB needs kernel short", baseConv, two, { kernel: "long" });
refuses("fW1 kernel long", baseConv, network);

const plain = { act: false, residual: false };
const product = (a: Tensor, u: Tensor, w: Tensor, b?: Tensor) =>
  edit(
    a,
    (value, t, m) =>
      value *
      Array.from({ length: u.shape[1]! }, (_, j) => at(u, t, j) * at(w, j, m)).reduce(
        (x, y) => x + y,
        b ? at(b, m) : 0,
      ),
  );
law(
  "it is a long convolution, times the projection: a stored filter beside D = 1",
  cases(baseConv, {
    given: { h: true, fW1: false, fW2: false, fB1: false, fB2: false, hB: false },
    options: { ...plain, kernel: "long" },
  }),
  ({ x, o }) => {
    const ones = tensor([x.u.shape[1]!], () => 1);
    const { out } = longConvolution({ u: x.u, kernel: x.h, dSkip: ones });
    const actual = baseConv(x, o);
    same(actual.out, product(out, x.u, x.w, x.b));
    same(
      actual.state,
      tensor([0, x.u.shape[1]!], () => 0),
    );
  },
);
law(
  "a short filter is a long one from its last tap to its first, without the identity",
  cases(baseConv, {
    given: { h: true, fW1: false, fW2: false, fB1: false, fB2: false, state: false },
    options: { ...plain, kernel: "short" },
  }),
  ({ x, n, o }) => {
    const { out } = longConvolution({ u: x.u, kernel: edit(x.h, (_, m, r) => at(x.h, m, n.K - 1 - r)) });
    const biased = edit(out, (value, _, m) => value + (x.hB ? at(x.hB, m) : 0));
    same(baseConv(x, o).out, product(biased, x.u, x.w, x.b));
  },
);
law(
  "twice the tokens are four times the result, without biases and residual",
  cases(baseConv, {
    given: { h: true, fW1: false, fW2: false, fB1: false, fB2: false, hB: false, b: false, state: false },
    options: plain,
  }),
  ({ x, o }) => {
    same(
      baseConv({ ...x, u: edit(x.u, (v) => 2 * v) }, o).out,
      edit(baseConv(x, o).out, (v) => 4 * v),
    );
  },
);
