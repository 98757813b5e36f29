import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { codebookBottleneckFilter as filter } from "../../../spec/memory/codebook-bottleneck-filter.ts";
import { at, cases, edit, example, law, pick, refuses, same, specify, tensor } from "../../kit.ts";

specify(filter);

const two = { wI: [[Math.log(3), 0]], bI: [0, 0], c: [[8], [-4]], wO: [[1]], bO: [1] };
example(
  "scores ln 3 and 0 mix 8 and −4 to 5; a negative coordinate is none, which mixes them to 2; then the bias",
  filter,
  { ...two, e: [[1], [-1]] },
  { out: [[6], [3]] },
);
example(
  "the largest weight alone, not made 1 again; of equal ones the first",
  filter,
  { ...two, e: [[1], [-1]] },
  { out: [[7], [5]] },
  { mode: "topk", topK: 1 },
);
example(
  "one code: of equal scores the first, or the one that the noise lifts",
  filter,
  {
    ...two,
    e: [[0], [1]],
    gumbel: [
      [0, 0],
      [0, 2],
    ],
  },
  { out: [[9], [-3]] },
  { mode: "hard" },
);
example("one code without noise", filter, { ...two, e: [[1]] }, { out: [[9]] }, { mode: "hard" });
example(
  "signs of the codes: 8 and 0 are 1 and −1",
  filter,
  { ...two, c: [[8], [0]], e: [[1]] },
  { out: [[1.5]] },
  { codes: "binary" },
);
example(
  "dropped entries: the kept are divided by 0.9",
  filter,
  { ...two, e: [[1]], kept: [[1, 0]] },
  { out: [[6 / 0.9 + 1]] },
);
example(
  "entries are dropped before the largest is taken",
  filter,
  { ...two, e: [[1]], kept: [[0, 1]] },
  { out: [[-1]] },
  { mode: "topk", topK: 1, pDrop: 0.5 },
);
const many = (value: (j: number) => number) => Array.from({ length: 17 }, (_, j) => value(j));
example(
  "sixteen codes are kept unless told otherwise",
  filter,
  {
    e: [[0]],
    wI: [many(() => 0)],
    bI: many(() => 0),
    c: many((j) => (j === 15 ? 17 : j === 16 ? 34 : 0)).map((v) => [v]),
    wO: [[1]],
    bO: [0],
  },
  { out: [[1]] },
  { mode: "topk" },
);
refuses("gumbel is for mode hard", filter, { ...two, e: [[1]], gumbel: [[0, 1]] });
refuses("kept for the others", filter, { ...two, e: [[1]], kept: [[1, 1]] }, { mode: "hard" });

law(
  "is attention of the positive parts to the columns of wI, with the codes as values",
  cases(filter, { options: { mode: "softmax", codes: "learned" }, given: { gumbel: false, kept: false } }),
  ({ x, n, o }) => {
    const mixed = attention(
      {
        q: edit(x.e, (v) => Math.max(v, 0)),
        k: tensor([n.C, n.M], (j, m) => at(x.wI, m, j)),
        v: x.c,
        bias: tensor([n.T, n.C], (_, j) => at(x.bI, j)),
      },
      { scale: 1 },
    ).out;
    const mapped = (t: number, m: number) =>
      Array.from({ length: n.A }, (_, a) => at(mixed, t, a) * at(x.wO, a, m)).reduce((a, b) => a + b, at(x.bO, m));
    same(filter(x, o).out, tensor([n.T, n.Mo], mapped));
  },
);
law("keeping as many codes as there are keeps all", cases(filter, { options: { mode: "topk" } }), ({ x, n, o }) =>
  same(filter(x, { ...o, topK: n.C }).out, filter(x, { ...o, mode: "softmax" }).out),
);
law("a constant on all scores changes nothing", cases(filter), ({ x, o }) =>
  same(filter({ ...x, bI: edit(x.bI, (v) => v + 0.75) }, o).out, filter(x, o).out),
);
law(
  "codes in another order, with the columns of wI and the places of bI, are the same codes",
  cases(filter, { options: { mode: "softmax" } }),
  ({ x, n, o }) => {
    const turn = (t: typeof x.c, axis: number) => pick(t, axis, n.C, (j) => n.C - 1 - j);
    const turned = {
      ...x,
      wI: turn(x.wI, 1),
      bI: turn(x.bI, 0),
      c: turn(x.c, 0),
      ...(x.kept && { kept: turn(x.kept, 1) }),
    };
    same(filter(turned, o).out, filter(x, o).out);
  },
);
law(
  "codes read as signs are those of codes that are signs",
  cases(filter, { options: { codes: "binary" } }),
  ({ x, o }) =>
    same(filter(x, o).out, filter({ ...x, c: edit(x.c, (v) => (v > 0 ? 1 : -1)) }, { ...o, codes: "learned" }).out),
);
law(
  "nothing dropped is no dropping but for the factor",
  cases(filter, { given: { kept: true, gumbel: false } }),
  ({ x, n, o }) => {
    const { kept: _, ...rest } = x;
    const scaled = { ...rest, c: edit(x.c, (v) => v / (1 - o.pDrop)) };
    const plain = { ...o, codes: "learned" as const };
    same(filter({ ...rest, kept: tensor([n.T, n.C], () => 1) }, plain).out, filter(scaled, plain).out);
  },
);
