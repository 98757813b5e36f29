import { sinusoidalPositionEncoding as sinusoids } from "../../../spec/positional/sinusoidal-position-encoding.ts";
import { temporalExtensionAdapter as adapter } from "../../../spec/positional/temporal-extension-adapter.ts";
import { at, cases, edit, example, fail, fc, law, pick, same, span, specify, tensor } from "../../kit.ts";

specify(adapter);

const square = (v: number) => [
  [
    [v, v],
    [v, v],
  ],
];
const kernel = (value: (i: number, j: number, k: number) => number) => [
  [[0, 1, 2].map((i) => [0, 1, 2].map((j) => [0, 1, 2].map((k) => value(i, j, k))))],
];
const identity = kernel((i, j, k) => (i === 1 && j === 1 && k === 1 ? 1 : 0));
const first = kernel((i, j, k) => (i === 0 && j === 1 && k === 1 ? 1 : 0));
const last = kernel((i, j, k) => (i === 2 && j === 1 && k === 1 ? 1 : 0));
const frames = { x: [square(1), square(2), square(4)], p: [[0], [0], [0]], w1: [[0]], w2: [[0]] };
example(
  "the perceptron doubles ln 3 and adds ln 3: silu(3 ln 3) is 81⁄28 · ln 3, halved, plus 1",
  adapter,
  {
    x: [square(5), square(5)],
    p: [[Math.log(3)], [-Math.log(3) / 2]],
    w1: [[2]],
    b1: [Math.log(3)],
    w2: [[0.5]],
    b2: [1],
    conv: identity,
  },
  { out: [square(6 + (81 / 56) * Math.log(3)), square(6)] },
);
example(
  "a kernel that reads the frame before reads frame 1 at the start",
  adapter,
  { ...frames, conv: first },
  { out: [square(2), square(1), square(2)] },
);
example(
  "a kernel that reads the frame after reads the last but one at the end; the bias is added",
  adapter,
  { ...frames, conv: last, convBias: [10] },
  { out: [square(12), square(14), square(12)] },
);
const of = (ids: number[], row: (id: number) => number[]) => ids.map(row);
const blank = (T: number, C: number) => ({
  x: Array.from({ length: T }, () => Array.from({ length: C }, () => square(0)[0]!)),
  p: Array.from({ length: T }, () => Array.from({ length: C }, () => 0)),
  w1: Array.from({ length: C }, () => [0]),
  w2: [Array.from({ length: C }, () => 0)],
  conv: Array.from({ length: C }, () => Array.from({ length: C }, () => kernel(() => 0)[0]![0]!)),
});
const { cos, sin } = Math;
const run = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + Math.sign(to - from) * i);
example("frames are numbered 0 … 24, then down to 4, up to 24, and down again", adapter, blank(69, 2), {
  initTable: of([...run(0, 24), ...run(23, 4), ...run(5, 24), ...run(23, 20)], (id) => [cos(id), sin(id)]),
});
example(
  "three trained frames and turns of two: 0 1 2, 1 0, 1 2, 1; five columns end in a zero",
  adapter,
  blank(8, 5),
  {
    initTable: of([0, 1, 2, 1, 0, 1, 2, 1], (id) => [cos(id), cos(id / 100), sin(id), sin(id / 100), 0]),
  },
  { f: 3, repeat: 2 },
);

law(
  "a kernel of one tap shifts the picture, mirrored at each border, and changes channels",
  fc.tuple(cases(adapter), fc.nat(26), fc.nat()),
  ([{ x, n, o }, tap, any]) => {
    const [i, j, k] = [Math.floor(tap / 9), Math.floor(tap / 3) % 3, tap % 3] as const;
    const c = any % n.C;
    const conv = edit(x.conv, (_, to, from, a, b, d) => +(to === 0 && from === c && a === i && b === j && d === k));
    const plain = edit(x.conv, (_, to, from, a, b, d) => +(to === from && a === 1 && b === 1 && d === 1));
    const shift = (axis: number, size: number, by: number) => (t: typeof x.x) =>
      pick(t, axis, size, (place) => {
        const p = place + by - 1;
        return p < 0 ? 1 : p === size ? size - 2 : p;
      });
    const { convBias: _, ...rest } = x;
    const moved = [shift(0, n.T, i), shift(2, n.Y, j), shift(3, n.X, k)].reduce(
      (t, by) => by(t),
      adapter({ ...rest, conv: plain }, o).out,
    );
    same(span(adapter({ ...rest, conv }, o).out, 1, 0, 1), span(moved, 1, c, c + 1));
  },
);
law("with the identity kernel and a perceptron that gives 0 nothing changes", cases(adapter), ({ x, n, o }) => {
  const conv = edit(x.conv, (_, to, from, a, b, d) => +(to === from && a === 1 && b === 1 && d === 1));
  const { convBias: _, ...rest } = x;
  const silent = { ...rest, conv, w2: edit(x.w2, () => 0), b2: tensor([n.C], () => 0) };
  same(adapter(silent, o).out, x.x);
});
law(
  "the frames the model was trained on start from the sinusoids of their numbers",
  cases(adapter, { options: { f: 25 } }),
  ({ x, n, o }) => {
    if (n.C < 2) return;
    const half = Math.floor(n.C / 2);
    const plain = sinusoids({ positions: tensor([n.T], (t) => t) }, { width: 2 * half, layout: "concat" }).out;
    same(
      adapter(x, o).initTable,
      tensor([n.T, n.C], (t, c) => (c < 2 * half ? at(plain, t, (c + half) % (2 * half)) : 0)),
    );
  },
);
law("refuses a border with nothing to mirror, and turns as long as the trained clip", cases(adapter), ({ x, o }) => {
  const refuses = (rule: string, call: () => unknown) => {
    try {
      call();
    } catch (error) {
      if (String(error).includes(rule)) return;
    }
    fail(`not refused: ${rule}`);
  };
  refuses("T, Y and X must be at least 2", () => adapter({ ...x, x: span(x.x, 3, 0, 1) }, o));
  refuses("repeat must be less than f", () => adapter(x, { ...o, repeat: o.f }));
});
