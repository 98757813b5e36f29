import { lrpeD } from "../../../spec/positional/lrpe-d.ts";
import { mdLrpe } from "../../../spec/positional/md-lrpe.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { at, cases, example, fail, fc, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(mdLrpe);

const [quarter, s] = [Math.PI / 2, Math.SQRT1_2];
example(
  "a 2 × 2 grid: the first pair turns with the row, the second with the column, by one θ for both",
  mdLrpe,
  {
    x: [
      [
        [1, 0, 1, 0],
        [1, 0, 1, 0],
        [1, 0, 1, 0],
        [1, 0, 1, 0],
      ],
    ],
    theta: [[quarter]],
  },
  {
    out: [
      [
        [1, 0, 1, 0],
        [1, 0, 0, 1],
        [0, 1, 1, 0],
        [0, 1, 0, 1],
      ],
    ],
  },
  { grid: [2, 2] },
);
example(
  "cosine, three features on a 2 × 2 grid behind a token at the origin: two for the row, one for the column",
  mdLrpe,
  {
    x: [
      [
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ],
    ],
    theta: [[quarter, quarter / 2]],
  },
  {
    out: [
      [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 1],
        [0, s, 1, 1, s, 0],
        [0, s, 0, 1, s, 1],
      ],
    ],
  },
  { type: "cosine", grid: [2, 2], tokens: 1 },
);
example(
  "the default base: the second pair of four features turns 1/100 a step",
  mdLrpe,
  { x: [[[0, 0, 1, 0]]] },
  { out: [[[0, 0, Math.cos(3), Math.sin(3)]]] },
  { offset: 300 },
);
example(
  "across heads the exponent runs on: 1, 1/10 for the first of two heads, 1/100, 1/1000 for the second",
  mdLrpe,
  { x: [[[0, 0, 1, 0]], [[1, 0, 1, 0]]] },
  { out: [[[0, 0, Math.cos(100), Math.sin(100)]], [[Math.cos(10), Math.sin(10), Math.cos(1), Math.sin(1)]]] },
  { offset: 1000, frequencies: "across-heads" },
);

for (const layout of ["interleaved", "half"] as const)
  law(
    `with one axis the ${layout} rotation of every head is a rotary embedding`,
    cases(mdLrpe, {
      options: { type: "rotate", layout, frequencies: "per-head", grid: null, tokens: 0 },
      given: { theta: false },
    }),
    ({ x, n, o }) => {
      const positions = tensor([n.H, n.T], (_, t) => t + o.offset);
      same(mdLrpe(x, o).out, rope({ x: x.x, positions }, { base: o.base, layout }).out);
    },
  );
law(
  "with one axis the cosine type is the encoding of LRPE-d",
  cases(mdLrpe, { options: { type: "cosine", layout: "interleaved", grid: null, tokens: 0 }, given: { theta: true } }),
  ({ x, o }) => same(mdLrpe(x, o).out, lrpeD(x, { offset: o.offset }).out),
);
law(
  "with one axis and across heads, at base 10000, the cosine type starts where LRPE-d starts",
  cases(mdLrpe, {
    options: { type: "cosine", layout: "interleaved", frequencies: "across-heads", base: null, grid: null, tokens: 0 },
    given: { theta: false },
  }),
  ({ x, o }) => same(mdLrpe(x, o).out, lrpeD(x, { offset: o.offset }).out),
);
law(
  "each axis rotates its own share of the features by the first frequencies of the whole head",
  cases(mdLrpe, { options: { type: "rotate", layout: "interleaved", grid: [2, 3], offset: 0 }, sizes: { D: 8 } }),
  ({ x, n, o }) => {
    const exponent = (h: number, i: number) => (o.frequencies === "per-head" ? i / 4 : (4 * h + i) / (4 * n.H));
    const invFreq = x.theta ?? tensor([n.H, 2], (h, i) => o.base ** -exponent(h, i));
    const share = (axis: number) => {
      const positions = tensor([n.H, n.T], (_, t) => {
        const place = Math.max(t - o.tokens, 0);
        return axis ? place % 3 : Math.floor(place / 3);
      });
      return rope({ x: span(x.x, 2, 4 * axis, 4 * axis + 4), positions, invFreq }, { layout: "interleaved" }).out;
    };
    same(mdLrpe(x, o).out, join(2, share(0), share(1)));
  },
);
law(
  "products depend on the displacement alone: one token everywhere on a 3 × 3 grid, moved by a row and a column",
  fc.tuple(
    cases(mdLrpe, { options: { layout: "interleaved", grid: [3, 3], tokens: 0, offset: 0 }, sizes: { T: 9, D: 4 } }),
    fc.nat(3),
  ),
  ([{ x, n, o }, corner]) => {
    const everywhere = (from: number) => tensor([n.H, 9, 4], (h, _, d) => at(x.x, h, from, d));
    const [q, k] = [mdLrpe({ ...x, x: everywhere(0) }, o).out, mdLrpe({ ...x, x: everywhere(1) }, o).out];
    const product = (t: number, s: number) =>
      tensor([n.H], (h) =>
        Array.from({ length: q.shape[2]! }, (_, c) => at(q, h, t, c) * at(k, h, s, c)).reduce((a, b) => a + b, 0),
      );
    const t = [0, 1, 3, 4][corner]!;
    same(product(t + 4, t), product(4, 0));
    same(product(t, t + 4), product(0, 4));
  },
);
law("the length of a token is kept", cases(mdLrpe), ({ x, n, o }) => {
  const size = (t: typeof x.x) =>
    tensor([n.H, n.T], (h, i) =>
      Array.from({ length: t.shape[2]! }, (_, c) => at(t, h, i, c) ** 2).reduce((a, b) => a + b, 0),
    );
  same(size(mdLrpe(x, o).out), size(x.x));
});

const refused = (call: () => unknown): boolean => {
  try {
    call();
  } catch {
    return true;
  }
  return false;
};
law(
  "a grid that does not hold the tokens is refused, and the half layout but for rotation on one axis",
  cases(mdLrpe, {
    options: { type: "rotate", grid: null, tokens: 0, layout: "interleaved" },
    given: { theta: false },
    sizes: { T: 4, D: 4 },
  }),
  ({ x, o }) => {
    for (const wrong of [
      { grid: [3] },
      { grid: [-2, -2], offset: 0 },
      { grid: [2, 2], offset: 0, layout: "half" },
      { grid: [4], type: "cosine", layout: "half" },
    ] as const)
      if (!refused(() => mdLrpe(x, { ...o, ...wrong }))) fail(`${JSON.stringify(wrong)} was taken`);
  },
);
