import { gaussSeidelJacobiCausalInversion as inversion } from "../../../spec/core/gauss-seidel-jacobi-causal-inversion.ts";
import { cases, edit, example, fail, fc, law, same, span, specify } from "../../kit.ts";

specify(inversion);

// A network that hands its input through: u of a row is the row, so that each row is z plus the row before.
const adding = (z: readonly number[]) => ({
  z: z.map((value) => [value]),
  wIn: [[1]],
  bIn: [0],
  pos: z.map(() => [0]),
  ln1G: [[1]],
  ln1B: [[0]],
  wQkv: [[[0, 0, 0]]],
  bQkv: [[0, 0, 0]],
  wO: [[[0]]],
  bO: [[0]],
  ln2G: [[1]],
  ln2B: [[0]],
  w1: [[[0]]],
  b1: [[0]],
  w2: [[[0]]],
  b2: [[0]],
  wOut: [[0, 1]],
  bOut: [0, 0],
});
const column = (...values: number[]) => values.map((value) => [value]);

example("row by row, without clamp", inversion, adding([1, 2, 3, 4]), { x: column(1, 3, 6, 10) }, { mode: "GS" });
example(
  "s doubles: e^(ln 2) z",
  inversion,
  { ...adding([1, 1, -2]), wOut: [[0, 0]], bOut: [Math.LN2, 0] },
  { x: column(1, 2, -4) },
  { mode: "GS" },
);
example("all rows at once are clamped to 3, row 0 too", inversion, adding([4, 2, -9, 0]), { x: column(3, 3, -3, -3) });
example(
  "in two modules row 0 is not",
  inversion,
  adding([4, 2, -9, 0]),
  { x: column(4, 3, -3, -3) },
  { mode: "GSJ", G: 2 },
);
example("two steps make rows 0 to 2 exact", inversion, adding([1, 0, 0, 0]), { x: column(1, 1, 1, 0) }, { kMax: 2 });
example("one step from z", inversion, adding([1, 1, 1]), { x: column(1, 2, 2) }, { kMax: 1 });
example("one step from zeros", inversion, adding([1, 1, 1]), { x: column(1, 2, 1) }, { kMax: 1, init: "zero" });
example(
  "a hundred steps by default make rows 0 to 100 exact",
  inversion,
  adding(Array.from({ length: 103 }, (_, t) => (t === 0 ? 1 : 0))),
  { x: column(...Array.from({ length: 103 }, (_, t) => (t <= 100 ? 1 : 0))) },
);
example(
  "a step that moves a row by 1 is the last at a tolerance of 1",
  inversion,
  adding([1, 0, 0]),
  { x: column(1, 1, 0) },
  { tolerance: 1 },
);
example(
  "three rows moved by 1 are √3 away",
  inversion,
  adding([1, 1, 1, 1]),
  { x: column(1, 2, 2, 2) },
  { tolerance: 1.8 },
);
example(
  "the distance counts by channel: 1 over two channels is ½",
  inversion,
  {
    ...adding([0, 0, 0]),
    z: [
      [1, 0],
      [0, 0],
      [0, 0],
    ],
    wIn: [[1], [0]],
    wOut: [[0, 0, 1, 0]],
    bOut: [0, 0, 0, 0],
  },
  {
    x: [
      [1, 0],
      [1, 0],
      [0, 0],
    ],
  },
  { tolerance: 0.6 },
);

// The norm makes signs of rows far from zero: u of a row is the average of the signs of the rows up to it, each weighted
// by the attention; `sharp` is the score of two rows of one sign.
const far = 2 ** 20;
const norm = Math.sqrt(1.5);
const voting = (z: readonly number[], sharp = 0) => ({
  ...adding(z),
  wIn: [[far, -far, 0]],
  bIn: [0, 0, 0],
  pos: z.map(() => [0, 0, 0]),
  ln1G: [[1, 1, 1]],
  ln1B: [[0, 0, 0]],
  wQkv: [
    [
      [Math.sqrt(sharp) / norm, Math.sqrt(sharp) / norm, 1 / norm],
      [0, 0, 0],
      [0, 0, 0],
    ],
  ],
  wO: [[[0, 0, 1]]],
  bO: [[0, 0, 0]],
  ln2G: [[1, 1, 1]],
  ln2B: [[0, 0, 0]],
  w1: [[[0], [0], [0]]],
  w2: [[[0, 0, 0]]],
  b2: [[0, 0, 0]],
  wOut: [
    [0, 0],
    [0, 0],
    [0, 1],
  ],
});
example(
  "row by row each adds the average sign so far",
  inversion,
  voting([1, -3, 1]),
  { x: column(1, -2, 1) },
  { mode: "GS" },
);
example(
  "a later module attends to row 1 as last read, −¼, not as found, ¾",
  inversion,
  voting([1, -0.25, 1, 0]),
  { x: column(1, 0.75, 1, 1 / 3) },
  { mode: "GSJ", G: 2, kMax: 1 },
);
example(
  "guided by 1 from −½ at half the scores to −0.8: −1.1",
  inversion,
  voting([1, -2, 0], Math.log(3)),
  { x: column(1, -1, -1.1) },
  { mode: "GS", guidance: 1, attnTemp: 2 },
);

example(
  "guided by 1 away from itself it stays at −0.8",
  inversion,
  voting([1, -2, 0], Math.log(3)),
  { x: column(1, -1, -0.8) },
  { mode: "GS", guidance: 1 },
);

const classed = (z: readonly number[]) => ({ ...adding(z), classEmbedding: [4], freeEmbedding: [3] });
example("the class adds 4", inversion, classed([0, 0, 0]), { x: column(0, 4, 8) }, { mode: "GS" });
example(
  "the class adds 4, without it 3: guided by 2 it adds 6",
  inversion,
  classed([0, 0, 0]),
  { x: column(0, 6, 12) },
  { mode: "GS", guidance: 2 },
);
example(
  "guided along a slope: by 1, then by 2",
  inversion,
  classed([0, 0, 0]),
  { x: column(0, 5, 11) },
  { mode: "GS", guidance: 2, annealed: true },
);
example(
  "guiding s alone leaves u at 4",
  inversion,
  classed([0, 0, 0]),
  { x: column(0, 4, 8) },
  { mode: "GS", guidance: 2, guideWhat: "a" },
);
const growing = {
  ...classed([0, 1]),
  classEmbedding: [Math.log(6)],
  freeEmbedding: [Math.log(3)],
  wOut: [[1, 0]],
};
example("guiding s: ln 6 and twice ln 2 more", inversion, growing, { x: column(0, 24) }, { mode: "GS", guidance: 2 });
example(
  "guiding u alone leaves s at ln 6",
  inversion,
  growing,
  { x: column(0, 6) },
  { mode: "GS", guidance: 2, guideWhat: "c" },
);

const free = { clamp: Number.POSITIVE_INFINITY, kMax: 100, tolerance: 0 };
law(
  "without clamp, all rows at once and in modules come to what row by row gives",
  fc.constantFrom("J", "GSJ").chain((mode) => cases(inversion, { options: { mode, ...free } })),
  ({ x, o }) => same(inversion(x, o).x, inversion(x, { ...o, mode: "GS" }).x),
  30,
);
law(
  "after k steps without clamp rows 0 to k are exact",
  fc.constantFrom(1, 2).chain((kMax) => cases(inversion, { options: { mode: "J", ...free, kMax } })),
  ({ x, n, o }) => {
    const exact = Math.min(n.T, o.kMax + 1);
    same(span(inversion(x, o).x, 0, 0, exact), span(inversion(x, { ...o, mode: "GS" }).x, 0, 0, exact));
  },
  30,
);
law(
  "guided away from itself it stays where it is",
  cases(inversion, { options: { attnTemp: 1 }, given: { classEmbedding: true } }),
  ({ x, o }) =>
    same(
      inversion({ ...x, freeEmbedding: edit(x.classEmbedding, (v) => v) }, o).x,
      inversion(x, { ...o, guidance: 0 }).x,
    ),
  30,
);
law(
  "modules are more than one and of more than one row, or the call is refused",
  cases(inversion, { sizes: { T: 4 }, options: { mode: "GSJ", G: 2 } }),
  ({ x, o }) => {
    for (const G of [null, 1, 3, 4]) {
      let refused = false;
      try {
        inversion(x, { ...o, G });
      } catch {
        refused = true;
      }
      if (!refused) fail(`G = ${G} was taken`);
    }
  },
  5,
);
