import { droppedPositionReconstruction as drop } from "../../../spec/positional/dropped-position-reconstruction.ts";
import { at, cases, edit, example, fail, fc, law, same, specify, type Tensor, tensor, tensorOf } from "../../kit.ts";

specify(drop);

const half = { pi1: [2, 0, 1, 3], pi2: [1, 0] };
const shares = { g1: 0.5, g2: 0.5 };
example(
  "of patches 2 and 0 that are shown, 0 keeps its position and 2 gets the token instead; the class token comes first",
  drop,
  {
    ...half,
    embeddings: [[10], [20], [30], [40]],
    posTable: [[1], [2], [3], [4]],
    maskToken: [0.5],
    cls: [7],
    clsPos: [0.25],
  },
  { kept: [2, 0], dropped: [1, 0], tokens: [[7.25], [30.5], [11]] },
  shares,
);
const sixteen = Array.from({ length: 16 }, (_, i) => 15 - i);
example(
  "by default a quarter of the patches is shown and a quarter of those placed",
  drop,
  { pi1: sixteen, pi2: [2, 0, 1, 3] },
  { kept: [15, 14, 13, 12], dropped: [1, 1, 0, 1] },
);
const e = Math.exp(-1);
example(
  "targets on 2 × 2 places: e to the minus squared distance, over (1 + 1/e)²",
  drop,
  half,
  {
    smoothing: [
      [1, e, e, e * e],
      [e, 1, e * e, e],
      [e, e * e, 1, e],
      [e * e, e, e, 1],
    ].map((row) => row.map((w) => w / (1 + e) ** 2)),
  },
  shares,
);
example(
  "only the dropped patch 2 counts: without smoothing its loss is ln of 1/¼, had it scores 0 of four",
  drop,
  {
    ...half,
    logits: [
      [0, 0, 0, 0],
      [9, 0, 0, 0],
    ],
  },
  { loss: Math.log(4) },
  { ...shares, sigma: 0 },
);
example(
  "two dropped patches, cross entropies ln 4 and ln 2, weighted 1 and 3",
  drop,
  {
    ...half,
    logits: [
      [0, 0, 0, 0],
      [Math.log(3), 0, 0, 0],
    ],
    attention: [1, 3],
  },
  { loss: (Math.log(4) + 3 * Math.log(2)) / 4 },
  { g1: 0.5, g2: 1, sigma: 0 },
);
example(
  "the same weights from features: cosines 0 and 1 at a temperature of 1/ln 3",
  drop,
  {
    ...half,
    logits: [
      [0, 0, 0, 0],
      [Math.log(3), 0, 0, 0],
    ],
    clsFeature: [2, 0],
    patchFeatures: [
      [5, 0],
      [1, 1],
      [0, 3],
      [0, 0],
    ],
  },
  { loss: (Math.log(4) + 3 * Math.log(2)) / 4 },
  { g1: 0.5, g2: 1, sigma: 0, tau: 1 / Math.log(3) },
);
example(
  "by default the temperature is a tenth",
  drop,
  {
    ...half,
    logits: [
      [0, 0, 0, 0],
      [Math.log(3), 0, 0, 0],
    ],
    clsFeature: [0.2, 0],
    patchFeatures: [
      [0.3, 0.4],
      [1, 1],
      [0, 3],
      [0, 0],
    ],
  },
  { loss: (Math.log(4) + Math.exp(6) * Math.log(2)) / (1 + Math.exp(6)) },
  { g1: 0.5, g2: 1, sigma: 0 },
);
example(
  "nothing dropped, nothing lost",
  drop,
  {
    ...half,
    logits: [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
  },
  { loss: 0 },
  { g1: 0.5, g2: 0 },
);

law(
  "adding a constant to the logits never changes the loss, whatever the targets",
  cases(drop, { given: { logits: true } }),
  ({ x, o }) => same(drop({ ...x, logits: edit(x.logits, (l, i) => l - 3 * i) }, o).loss, drop(x, o).loss),
);
law(
  "uniform logits cost ln P where the targets sum to 1",
  cases(drop, { given: { logits: true }, options: { smoothing: "row", g1: 0, g2: 1 } }),
  ({ x, n, o }) => same(drop({ ...x, logits: edit(x.logits, () => 0.5) }, o).loss, tensorOf(Math.log(n.P))),
);
law("all attention doubled changes nothing", cases(drop, { given: { logits: true, attention: true } }), ({ x, o }) => {
  const weights = edit(x.attention, (a) => Math.abs(a) + 0.25);
  const first = drop({ ...x, attention: weights }, o).loss;
  same(drop({ ...x, attention: edit(weights, (a) => 2 * a) }, o).loss, first);
});
const along = (t: Tensor, rows: boolean) => {
  const [P = 0] = t.shape;
  return tensor([P], (i) =>
    Array.from({ length: P }, (_, j) => (rows ? at(t, i, j) : at(t, j, i))).reduce((a, b) => a + b, 0),
  );
};
law(
  "the columns of the targets sum to 1 in the code, the rows in the paper; the two are transposes",
  cases(drop),
  ({ x, n, o }) => {
    const [official, row] = [
      drop(x, { ...o, smoothing: "official" }).smoothing,
      drop(x, { ...o, smoothing: "row" }).smoothing,
    ];
    same(
      along(official, false),
      tensor([n.P], () => 1),
    );
    same(
      along(row, true),
      tensor([n.P], () => 1),
    );
    same(
      row,
      tensor([n.P, n.P], (i, j) => at(official, j, i)),
    );
  },
);

example(
  "σ = 2: a near miss counts e to the minus a quarter of the squared distance",
  drop,
  half,
  {
    smoothing: [0, 1, 2, 3].map((i) =>
      [0, 1, 2, 3].map((j) => Math.exp(-[0, 1, 1, 2][i ^ j]! / 4) / (1 + Math.exp(-1 / 4)) ** 2),
    ),
  },
  { ...shares, sigma: 2 },
);
const refused = (call: () => unknown): void => {
  try {
    call();
  } catch (error) {
    if (String(error).includes("square number")) return;
    throw error;
  }
  fail("it was accepted");
};
law("patches must fill a square", fc.constant(0), () =>
  refused(() => drop({ pi1: tensorOf([0, 1]), pi2: tensorOf([0]) }, shares)),
);
