import { sinusoidalPositionEncoding as encoding } from "../../../spec/positional/sinusoidal-position-encoding.ts";
import { at, cases, edit, example, law, pick, same, specify, tensor } from "../../kit.ts";

specify(encoding);

const { sin, cos } = Math;
const quarter = Math.PI / 2;
example(
  "four columns: sine and cosine of p, then of p/100",
  encoding,
  { positions: [0, quarter] },
  {
    out: [
      [0, 1, 0, 1],
      [1, 0, sin(quarter / 100), cos(quarter / 100)],
    ],
  },
  { width: 4 },
);
example(
  "three columns end with a sine: base 1000, so of p/100",
  encoding,
  { positions: [quarter] },
  { out: [[1, 0, sin(quarter / 100)]] },
  { width: 3, base: 1000 },
);
example(
  "blocks: both sines, then both cosines",
  encoding,
  { positions: [quarter] },
  { out: [[1, sin(quarter / 100), 0, cos(quarter / 100)]] },
  { width: 4, layout: "concat" },
);
example(
  "tensor2tensor reaches the last frequency, 1/10000",
  encoding,
  { positions: [quarter] },
  { out: [[1, sin(quarter / 10000), 0, cos(quarter / 10000)]] },
  { width: 4, layout: "tensor2tensor" },
);
example(
  "tensor2tensor from 2 to 32: frequencies 2, ½ and ⅛, and a zero in the odd column",
  encoding,
  { positions: [1] },
  { out: [[sin(2), sin(0.5), sin(0.125), cos(2), cos(0.5), cos(0.125), 0]] },
  { width: 7, layout: "tensor2tensor", minTimescale: 2, maxTimescale: 32 },
);
example(
  "tensor2tensor with two columns has the first frequency only, with one column none",
  encoding,
  { positions: [quarter] },
  { out: [[1, 0]] },
  { width: 2, layout: "tensor2tensor" },
);
example("the embedding is added as it is", encoding, { positions: [0], x: [[5, 5, 5, 5]] }, { out: [[5, 6, 5, 6]] });
example(
  "and multiplied by √M = 2 if asked",
  encoding,
  { positions: [0], x: [[5, 5, 5, 5]] },
  { out: [[10, 11, 10, 11]] },
  { scaleEmbeddings: true },
);

const even = { sizes: {}, options: { width: 6 }, given: { x: false } };
law("the offset is added to every position", cases(encoding), ({ x, o }) => {
  const moved = { ...x, positions: edit(x.positions, (p) => p + o.offset) };
  same(encoding(x, o).out, encoding(moved, { ...o, offset: 0 }).out);
});
law(
  "products of two encodings depend on the distance alone, and an encoding's with itself is half its width",
  cases(encoding, even),
  ({ x, n, o }) => {
    const product = (shift: number) => {
      const e = encoding({ positions: edit(x.positions, (p) => p + shift) }, o).out;
      return tensor([n.T, n.T], (t, s) =>
        Array.from({ length: 6 }, (_, m) => at(e, t, m) * at(e, s, m)).reduce((a, b) => a + b),
      );
    };
    same(product(4.5), product(0));
    const own = product(0);
    same(
      tensor([n.T], (t) => at(own, t, t)),
      tensor([n.T], () => 3),
    );
  },
);
law(
  "the encoding of p + k is that of p, each pair turned by k times its frequency",
  cases(encoding, { ...even, options: { width: 6, layout: "interleaved", offset: 0 } }),
  ({ x, n, o }) => {
    const before = encoding(x, o).out,
      after = encoding(x, { ...o, offset: 2 }).out;
    const turned = tensor([n.T, 6], (t, m) => {
      const angle = 2 * o.base ** (-(m - (m % 2)) / 6);
      return m % 2
        ? at(before, t, m) * cos(angle) - at(before, t, m - 1) * sin(angle)
        : at(before, t, m) * cos(angle) + at(before, t, m + 1) * sin(angle);
    });
    same(after, turned);
  },
);
law("the two layouts of the paper's frequencies differ by a fixed reordering", cases(encoding, even), ({ x, o }) => {
  const blocks = encoding(x, { ...o, layout: "concat" }).out;
  const reordered = pick(blocks, 1, 6, (m) => (m % 2) * 3 + (m >> 1));
  same(encoding(x, { ...o, layout: "interleaved" }).out, reordered);
});
