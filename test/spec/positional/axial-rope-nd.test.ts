import { axialRopeNd as rope } from "../../../spec/positional/axial-rope-nd.ts";
import { rotaryPositionEmbedding } from "../../../spec/positional/rotary-position-embedding.ts";
import { at, cases, edit, example, fail, fc, law, pick, same, span, specify, tensor } from "../../kit.ts";

specify(rope);

const quarter = Math.PI / 2;
example(
  "blocks, two coordinates: the row turns the first half, the column the second",
  rope,
  { x: [[1, 2, 3, 4]], positions: [[quarter, 2 * quarter]] },
  { out: [[-2, 1, -3, -4]] },
);
example(
  "blocks of four at θ = 100: the second pair of each turns a tenth as far",
  rope,
  { x: [[1, 2, 3, 4, 5, 6, 7, 8]], positions: [[10 * quarter, 0]] },
  { out: [[-1, -4, -3, 2, 5, 6, 7, 8]] },
  { base: 100 },
);
example(
  "the same, interleaved: pairs are neighbours",
  rope,
  { x: [[1, 2, 3, 4, 5, 6, 7, 8]], positions: [[10 * quarter, 0]] },
  { out: [[-1, -2, -4, 3, 5, 6, 7, 8]] },
  { base: 100, layout: "interleaved" },
);
example(
  "the same over the whole width: pair i is i and i + 4",
  rope,
  { x: [[1, 2, 3, 4, 5, 6, 7, 8]], positions: [[10 * quarter, 0]] },
  { out: [[-1, -6, 3, 4, -5, 2, 7, 8]] },
  { base: 100, layout: "half-full" },
);
example(
  "by default the second of two frequencies is a hundredth of the first",
  rope,
  { x: [[0, 1, 0, 0, 0, 0, 0, 0]], positions: [[100 * quarter, 0]] },
  { out: [[0, 0, 0, 1, 0, 0, 0, 0]] },
);
example(
  "learned frequencies: a quarter turn of the row and one of the column are a half turn",
  rope,
  {
    x: [[1, 2, 3, 4]],
    positions: [[1, 2]],
    w: [
      [quarter, quarter / 2],
      [0, 0],
    ],
  },
  { out: [[-1, 2, -3, 4]] },
  { variant: "mixed" },
);
example(
  "sections: pair 0 follows time, pair 1 (a tenth as fast) the row",
  rope,
  { x: [[1, 2, 3, 4]], positions: [[2 * quarter, 10 * quarter]] },
  { out: [[-1, -4, -3, 2]] },
  { variant: "mrope", sections: [1, 1], base: 100 },
);
example(
  "Pixtral: frequencies 1, 100^(-1/4), 100^(-1/2), 100^(-3/4) go to row, column, row, column",
  rope,
  { x: [[1, 2, 3, 4, 0, 0, 0, 0]], positions: [[10 * quarter, 100 ** 0.75 * quarter]] },
  { out: [[-1, 0, 3 * Math.cos(10 * quarter), 0, 0, 2, 3 * Math.sin(10 * quarter), 4]] },
  { variant: "pixtral", base: 100 },
);

law(
  "with one coordinate and blocks it is RoPE",
  cases(rope, { sizes: { G: 1 }, options: { variant: "axial-block" } }),
  ({ x, n, o }) => {
    const layout = o.layout === "interleaved" ? "interleaved" : "half";
    const positions = edit(
      tensor([n.T], (t) => at(x.positions, t, 0)),
      (p) => p,
    );
    same(rope(x, o).out, rotaryPositionEmbedding({ x: x.x, positions }, { base: o.base, layout }).out);
  },
);
law(
  "with one coordinate Pixtral's arrangement is RoPE",
  cases(rope, { sizes: { G: 1 }, options: { variant: "pixtral" } }),
  ({ x, n, o }) => {
    const layout = o.layout === "interleaved" ? "interleaved" : "half";
    const positions = tensor([n.T], (t) => at(x.positions, t, 0));
    same(rope(x, o).out, rotaryPositionEmbedding({ x: x.x, positions }, { base: o.base, layout }).out);
  },
);
law("sections with equal coordinates are RoPE", cases(rope, { options: { variant: "mrope" } }), ({ x, n, o }) => {
  const layout = o.layout === "interleaved" ? "interleaved" : "half";
  const positions = tensor([n.T], (t) => t + 0.5);
  const { out } = rope({ ...x, positions: tensor([n.T, n.G], (t) => t + 0.5) }, o);
  same(out, rotaryPositionEmbedding({ x: x.x, positions }, { base: o.base, layout }).out);
});
law(
  "learned frequencies that are RoPE's, on one coordinate, are RoPE",
  cases(rope, { options: { variant: "mixed" } }),
  ({ x, n, o }) => {
    const layout = o.layout === "interleaved" ? "interleaved" : "half";
    const w = tensor([n.I, n.G], (i, g) => (g === 0 ? 10000 ** ((-2 * i) / n.D) : 0));
    const positions = tensor([n.T], (t) => at(x.positions, t, 0));
    same(rope({ ...x, w }, o).out, rotaryPositionEmbedding({ x: x.x, positions }, { layout }).out);
  },
);
law("products depend on the differences of the coordinates alone, and lengths stay", cases(rope), ({ x, n, o }) => {
  const place = (by: number) => tensor([n.T, n.G], (t, g) => t + 0.5 * g + by);
  const product = (a: number, b: number) => {
    const [u, v] = [
      rope({ ...x, positions: place(a) }, o).out,
      rope({ ...x, x: edit(x.x, (f) => f + 1), positions: place(b) }, o).out,
    ];
    return tensor([n.T], (t) =>
      Array.from({ length: n.D }, (_, d) => at(u, t, d) * at(v, t, d)).reduce((s, p) => s + p, 0),
    );
  };
  same(product(3, 1), product(2, 0));
  const { out } = rope(x, o);
  const size = (t: typeof out | typeof x.x) =>
    tensor([n.T], (i) => Math.hypot(...Array.from({ length: n.D }, (_, d) => at(t, i, d))));
  same(size(out), size(x.x));
});
law(
  "blocks: exchanging the coordinates exchanges what is done to the blocks",
  cases(rope, { sizes: { G: 2 }, options: { variant: "axial-block", layout: "half" } }),
  ({ x, n, o }) => {
    const exchanged = (t: typeof x.x) => pick(t, 1, n.D, (d) => (d + n.D / 2) % n.D);
    const positions = pick(x.positions, 1, 2, (g) => 1 - g);
    same(rope({ x: exchanged(x.x), positions }, o).out, exchanged(rope(x, o).out));
  },
);
law(
  "a coordinate of 0 leaves its block alone",
  cases(rope, { options: { variant: "axial-block", layout: "half" } }),
  ({ x, n, o }) => {
    const positions = edit(x.positions, (p, _, g) => (g === 0 ? 0 : p));
    same(span(rope({ ...x, positions }, o).out, 1, 0, n.D / n.G), span(x.x, 1, 0, n.D / n.G));
  },
);
law(
  "a width of 128 has the sections 16, 24, 24 by default",
  cases(rope, { sizes: { D: 128, G: 3, T: 2 }, options: { variant: "mrope", sections: [16, 24, 24] } }),
  ({ x, o }) => same(rope(x, { ...o, sections: null }).out, rope(x, o).out),
  5,
);

example(
  "a section of none: every pair follows the other coordinate",
  rope,
  { x: [[1, 2]], positions: [[5, quarter]] },
  { out: [[-2, 1]] },
  { variant: "mrope", sections: [0, 1] },
);
const refused = (call: () => unknown): void => {
  try {
    call();
  } catch (error) {
    if (String(error).includes("add up to D/2")) return;
    throw error;
  }
  fail("it was accepted");
};
law("sections must be one for each coordinate, none negative, and make D/2", fc.constant(0), () => {
  const x = tensor([1, 4], () => 1);
  for (const [G, sections] of [
    [3, [1, 1]],
    [2, [3, -1]],
    [2, [1, 2]],
  ] as const)
    refused(() => rope({ x, positions: tensor([1, G], () => 1) }, { variant: "mrope", sections }));
});
