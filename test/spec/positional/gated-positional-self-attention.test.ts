import { groupedQueryAttention } from "../../../spec/heads/grouped-query-attention.ts";
import { gatedPositionalSelfAttention as gpsa } from "../../../spec/positional/gated-positional-self-attention.ts";
import { at, cases, edit, example, fail, fc, law, pick, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(gpsa);

const gate = 1 / (1 + Math.exp(-1));
const four = { x: [[4], [0], [0], [0]], wQ: [[0]], wK: [[0]], wO: [[1]] };
example(
  "one head at the local start: half way between the mean and weights of e to the minus squared distance",
  gpsa,
  { ...four },
  {
    out: [0, 1, 1, 2].map((squared) => [1 - gate + (gate * 4 * Math.exp(-squared)) / (1 + Math.exp(-1)) ** 2]),
  },
);
example(
  "the gate shut: content alone, scores ln 3 and 0 at D = 4 for key 0; and an output bias",
  gpsa,
  {
    x: [
      [1, 4],
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    wQ: [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ].map((row) => row.map((w) => w / 4)),
    wK: [
      [Math.log(3), Math.log(3), 0, 0],
      [0, 0, 0, 0],
    ],
    wV: [[6], [0]],
    wPos: [[0], [0], [0]],
    lambda: [-800],
    wO: [[1]],
    bO: [10],
  },
  { out: [[13], [11.5], [11.5], [11.5]] },
);
example(
  "the gate open: column, row and squared distance of the key from the query, each with its weight",
  gpsa,
  {
    ...four,
    wPos: [[Math.log(2)], [Math.log(3)], [Math.log(5)]],
    lambda: [800],
  },
  {
    out: [
      [4 / (1 + 10 + 15 + 2 * 3 * 25)],
      [(4 * 2.5) / (2.5 + 1 + (3 / 2) * 25 + 15)],
      [(4 * (5 / 3)) / (5 / 3 + (2 / 3) * 25 + 1 + 10)],
      [(4 * (25 / 6)) / (25 / 6 + 5 / 3 + 2.5 + 1)],
    ],
  },
);

law("a gate that is shut leaves multi-head attention", cases(gpsa, { given: { wV: true } }), ({ x, n, o }) => {
  const { wQ, wK, wV, wO, bO } = x;
  const dense = groupedQueryAttention({ x: x.x, wQ, wK, wV, wO }, { heads: n.H, kvHeads: n.H }).out;
  const { out } = gpsa({ ...x, lambda: tensor([n.H], () => -800) }, o);
  same(
    out,
    edit(dense, (v, _, m) => v + (bO ? at(bO, m) : 0)),
  );
});
law("a gate that is open leaves weights that no input changes", cases(gpsa), ({ x, n, o }) => {
  const open = { ...x, lambda: tensor([n.H], () => 800) };
  same(gpsa({ ...open, wQ: edit(x.wQ, (w) => w + 1), wK: edit(x.wK, (w) => 2 * w) }, o).out, gpsa(open, o).out);
});
law("the bias of positions changes nothing", cases(gpsa), ({ x, n, o }) =>
  same(gpsa({ ...x, bPos: tensor([n.H], (h) => h + 0.5) }, o).out, gpsa({ ...x, bPos: tensor([n.H], () => 0) }, o).out),
);
law(
  "the map transposed and the first two position weights exchanged transpose the result",
  cases(gpsa, { given: { wPos: true } }),
  ({ x, n, o }) => {
    const S = Math.sqrt(n.T);
    const transposed = (t: typeof x.x) => pick(t, 0, n.T, (i) => (i % S) * S + Math.floor(i / S));
    const wPos = pick(x.wPos, 0, 3, (i) => [1, 0, 2][i]!);
    same(gpsa({ ...x, x: transposed(x.x), wPos }, o).out, transposed(gpsa(x, o).out));
  },
);
law("each head mixes by its own gate", cases(gpsa), ({ x, n, o }) => {
  const by = (lambda: (h: number) => number) => gpsa({ ...x, lambda: tensor([n.H], lambda) }, o).out;
  const [open, shut, even] = [by(() => 800), by(() => -800), by(() => 0)];
  same(
    even,
    edit(open, (v, t, m) => (v + at(shut, t, m)) / 2),
  );
});
law("sharp nine heads at the local start are the nine taps of a 3 × 3 convolution", fc.constant(0), () => {
  const image = tensor([9, 9], (t, c) => t + c / 16);
  const unit = tensor([9, 9], (i, j) => (i === j ? 1 : 0));
  const { out } = gpsa(
    { x: image, wQ: unit, wK: unit, wO: unit, lambda: tensor([9], () => 800) },
    { heads: 9, localityStrength: 800 },
  );
  const middle = tensor([9], (c) => at(out, 4, c));
  same(
    middle,
    tensor([9], (h) => at(image, 3 * (h % 3) + Math.floor(h / 3), h)),
  );
});
law("the local start is what its formula says", fc.constant(0), () => {
  const x = tensor([9, 8], (t, c) => ((t * 5 + c * 3) % 7) - 3);
  const w = tensor([8, 8], (i, j) => ((i * 3 + j) % 4) - 1);
  const unit = tensor([8, 8], (i, j) => (i === j ? 1 : 0));
  const wPos = tensorOf([
    [-1, -1, 1, 1],
    [-1, 1, -1, 1],
    [-1, -1, -1, -1],
  ]);
  const lambda = tensor([4], () => 1);
  same(
    gpsa({ x, wQ: w, wK: w, wO: w }, { heads: 4 }).out,
    gpsa({ x, wQ: w, wK: w, wO: w, wV: unit, wPos, lambda }, { heads: 4 }).out,
  );
});

const refused = (call: () => unknown): void => {
  try {
    call();
  } catch (error) {
    if (String(error).includes("square number")) return;
    throw error;
  }
  fail("it was accepted");
};
law("patches must fill a square, and so must heads at the local start", fc.constant(0), () => {
  const w = tensor([2, 2], () => 1);
  refused(() => gpsa({ x: tensor([2, 2], () => 1), wQ: w, wK: w, wO: w }));
  refused(() => gpsa({ x: tensor([4, 2], () => 1), wQ: w, wK: w, wO: w }, { heads: 2 }));
});
