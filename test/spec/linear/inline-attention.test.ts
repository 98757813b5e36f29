import { inlineAttention as inline } from "../../../spec/linear/inline-attention.ts";
import { at, cases, edit, example, law, pick, refuses, reshape, same, specify, tensor } from "../../kit.ts";

specify(inline);

const middle = [0, 0, 0, 0, 5, 0, 0, 0, 0];
const one = { x: [[2]], wQkv: [[7, 8, 3]], wO: [[1]] };
example(
  "one token: its value and 5 times it by the middle of the kernel",
  inline,
  { ...one, b2: middle },
  { out: [[36]] },
);
example("without the convolution", inline, { ...one, b2: middle }, { out: [[6]] }, { local: false });
example(
  "the kernel from the mean: gelu(1000 · 2) = 2000, times 0.001",
  inline,
  { ...one, w1: [[1000]], w2: middle.map((tap) => [tap && 1e-3]) },
  { out: [[18]] },
);
const pair = { x: [[1], [-1]], wQkv: [[1, 1, 4]], wO: [[1]] };
example(
  "identity: scores ±1 of mean 0, rows ½ (1 + 1, 1 − 1) and ½ (1 − 1, 1 + 1)",
  inline,
  pair,
  { out: [[4], [-4]] },
  { h: 1, w: 2 },
);
example(
  "relu: scores 1 and 0 of mean ½, rows (¾, ¼) and (½, ½)",
  inline,
  pair,
  { out: [[2], [0]] },
  { phi: "relu", h: 1, w: 2 },
);
example(
  "leaky relu: keys 1 and −0.02 of mean 0.49, so half of 0.51 · 4 + 0.51 · 8 for a query of 1, beside the mean value −2",
  inline,
  { ...pair, x: [[1], [-2]] },
  { out: [[-2 + 3.06], [-2 - 0.02 * 3.06]] },
  { phi: "leakyrelu", h: 1, w: 2 },
);
example(
  "exp(0.2 · ±5 ln 2): 2 and ½",
  inline,
  { ...pair, wQkv: [[5 * Math.LN2, 5 * Math.LN2, 4]] },
  { out: [[2 * 2 * 1.5], [0.5 * 2 * 1.5]] },
  { phi: "exp", h: 1, w: 2 },
);
example(
  "D = 4 halves the score of 2: row ½ (1 + ½, 1 − ½)",
  inline,
  {
    x: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ],
    wQkv: [
      [1, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0],
      Array(12).fill(0),
      Array(12).fill(0),
    ],
    wO: [[1], [0], [0], [0]],
  },
  { out: [[7], [6]] },
  { h: 2, w: 1 },
);
example(
  "a grid of one row and three columns: tap (1, 0) takes the token before",
  inline,
  { x: [[1], [2], [3]], wQkv: [[0, 0, 1]], b2: [0, 0, 0, 1, 0, 0, 0, 0, 0], wO: [[1]] },
  { out: [[2], [3], [4]] },
  { h: 1, w: 3 },
);
example(
  "of three rows and one column: tap (2, 1) takes the token after, tap (1, 0) none",
  inline,
  { x: [[1], [2], [3]], wQkv: [[0, 0, 1]], b2: [0, 0, 0, 100, 0, 0, 0, 1, 0], wO: [[1]] },
  { out: [[4], [5], [2]] },
  { h: 3, w: 1 },
);
refuses("h times w must be T: got T = 5, h = 2, w = 2", inline, {
  x: Array(5).fill([1]),
  wQkv: [[1, 1, 1]],
  wO: [[1]],
});

law(
  "the grid is a square if nothing is said",
  cases(inline, { sizes: { T: 4 }, options: { h: 2, w: 2 } }),
  ({ x, o }) => same(inline(x, { ...o, h: null, w: null }).out, inline(x, o).out),
);
law(
  "the sum of keys times values is enough: the form linear in the tokens",
  cases(inline, { options: { heads: 1, phi: "identity", local: false } }),
  ({ x, n, o }) => {
    const range = (count: number) => Array.from({ length: count }, (_, i) => i);
    const total = (count: number, f: (i: number) => number) => range(count).reduce((sum, i) => sum + f(i), 0);
    const project = (p: number) =>
      tensor(
        [n.T, n.D],
        (t, d) =>
          total(n.D, (c) => at(x.x, t, c) * at(x.wQkv, c, p * n.D + d)) + (x.bQkv ? at(x.bQkv, p * n.D + d) : 0),
      );
    const [q, k, v] = [project(0), project(1), project(2)];
    const mean = (t: typeof q, d: number) => total(n.T, (s) => at(t, s, d)) / n.T;
    const o2 = tensor([n.T, n.D], (t, d) => {
      const held = total(n.D, (c) => at(q, t, c) * total(n.T, (s) => at(k, s, c) * at(v, s, d)));
      const rest = 1 - total(n.D, (c) => at(q, t, c) * mean(k, c)) / Math.sqrt(n.D);
      return held / n.T / Math.sqrt(n.D) + rest * mean(v, d);
    });
    same(
      inline(x, o).out,
      tensor([n.T, n.Mo], (t, m) => total(n.D, (d) => at(o2, t, d) * at(x.wO, d, m)) + (x.bO ? at(x.bO, m) : 0)),
    );
  },
);
law("moving all keys by one vector changes nothing", cases(inline, { options: { phi: "identity" } }), ({ x, n, o }) => {
  const width = n.H * n.D;
  const moved = tensor([3 * width], (i) => {
    const isKey = i >= width && i < 2 * width;
    return (x.bQkv ? at(x.bQkv, i) : 0) + (isKey ? 0.5 + (i % 3) : 0);
  });
  same(inline({ ...x, bQkv: moved }, o).out, inline(x, o).out);
});
law(
  "turning the grid and the kernels over turns the result over",
  cases(inline, { sizes: { T: 6 }, options: { h: 2, w: 3, local: true } }),
  ({ x, n, o }) => {
    const over = (t: typeof x.x) => pick(t, 0, 6, (p) => (p % 2) * 3 + (p >> 1));
    const taps = <V extends typeof x.w2 | undefined>(t: V) =>
      t && pick(t, 0, 9 * n.H * n.D, (i) => i - (i % 9) + ((i % 9) % 3) * 3 + Math.floor((i % 9) / 3));
    const turned = { ...x, x: over(x.x), ...(x.w2 && { w2: taps(x.w2) }), ...(x.b2 && { b2: taps(x.b2) }) };
    same(inline(turned, { ...o, h: 3, w: 2 }).out, over(inline(x, o).out));
  },
);
law(
  "each head by itself: with blocks of weights two heads are two layers added",
  cases(inline, { sizes: { D: 2 }, options: { heads: 2 } }),
  ({ x, n, o }) => {
    const block = edit(x.wQkv, (v, row, column) => (Math.floor(row / 2) === Math.floor((column % 4) / 2) ? v : 0));
    const head = (g: number) => {
      const own = (i: number) => 2 * g + i;
      const rows = <V extends typeof x.x | undefined>(t: V, per: number) =>
        t && pick(t, 0, 2 * per, (i) => 2 * g * per + i);
      const parts = (t: typeof x.x, axis: number) => pick(t, axis, 6, (i) => 4 * Math.floor(i / 2) + own(i % 2));
      return inline(
        {
          x: pick(x.x, 1, 2, own),
          wQkv: parts(pick(block, 0, 2, own), 1),
          wO: pick(x.wO, 0, 2, own),
          ...(x.bQkv && { bQkv: parts(x.bQkv, 0) }),
          ...(x.w1 && { w1: rows(x.w1, 1) }),
          ...(x.b1 && { b1: rows(x.b1, 1) }),
          ...(x.w2 && { w2: rows(x.w2, 9) }),
          ...(x.b2 && { b2: rows(x.b2, 9) }),
          ...(x.bO && g === 0 && { bO: x.bO }),
        },
        { ...o, heads: 1 },
      ).out;
    };
    const [first, second] = [head(0), head(1)];
    same(
      inline({ ...x, wQkv: block }, o).out,
      edit(reshape(first, n.T, n.Mo), (v, t, m) => v + at(second, t, m)),
    );
  },
);
