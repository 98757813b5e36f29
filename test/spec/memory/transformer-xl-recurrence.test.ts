import { groupedQueryAttention as multiHead } from "../../../spec/heads/grouped-query-attention.ts";
import { transformerXlRecurrence as xl } from "../../../spec/memory/transformer-xl-recurrence.ts";
import { transformerXlRelativeAttention as relative } from "../../../spec/positional/transformer-xl-relative-attention.ts";
import { cases, edit, example, join, law, refuses, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(xl);

const zero = [[0], [0]];
const blank = { wQ: zero, wK: zero, wR: zero, wV: [[1], [0]], wO: [[1]], u: [[0]], b: [[0]] };
const tokens = [
  [1, 0],
  [2, 0],
  [4, 0],
  [8, 0],
];
const five = [...tokens, [16, 0]];
example(
  "one segment sees all that came before",
  xl,
  { ...blank, x: tokens },
  { out: [[1], [1.5], [7 / 3], [15 / 4]], mem: tokens },
);
example(
  "segments of two without a memory",
  xl,
  { ...blank, x: five },
  { out: [[1], [1.5], [4], [6], [16]] },
  { segment: 2, memLen: 0 },
);
example(
  "and with a memory of one state, which comes out",
  xl,
  { ...blank, x: five },
  { out: [[1], [1.5], [3], [14 / 3], [12]], mem: [[16, 0]] },
  { segment: 2, memLen: 1 },
);
example(
  "a memory that comes in goes before the first segment only",
  xl,
  {
    ...blank,
    x: tokens,
    mem: [
      [32, 0],
      [64, 0],
    ],
  },
  {
    out: [[97 / 3], [99 / 4], [7 / 3], [15 / 4]],
    mem: [
      [4, 0],
      [8, 0],
    ],
  },
  { segment: 2, memLen: 2 },
);
example(
  "what comes out can reach back into what came in",
  xl,
  { ...blank, x: [[1, 0]], mem: [[32, 0]] },
  {
    out: [[16.5]],
    mem: [
      [32, 0],
      [1, 0],
    ],
  },
  { memLen: 3 },
);
example(
  "a window of two states",
  xl,
  { ...blank, x: tokens, mem: [[5, 0]] },
  { out: [[3], [1.5], [3], [6]] },
  { window: 2 },
);
const wide = { wQ: [[0], [0], [0], [0]], wK: [[0], [0], [0], [0]], wV: [[1], [0], [0], [0]], wO: [[1]], u: [[0]] };
const after = { x: [[0, 0, 0, 0]], mem: [[8, 0, 0, 0]] };
example(
  "column 1 of four is the sine of distance/100: scores ln 3 for the memory and 0 for the token itself",
  xl,
  { ...wide, ...after, wR: [[0], [1], [0], [0]], b: [[Math.log(3) / Math.sin(0.01)]] },
  { out: [[6]] },
);
example(
  "column 2 is the cosine of the distance: scores 0 and ln 3",
  xl,
  { ...wide, ...after, wR: [[0], [0], [1], [0]], b: [[Math.log(3) / (1 - Math.cos(1))]] },
  { out: [[2]] },
);
refuses("M must be even", xl, { ...blank, x: [[1]], wQ: [[0]], wK: [[0]], wR: [[0]], wV: [[1]] });
refuses("memLen must be at least Tm", xl, { ...blank, x: tokens, mem: tokens }, { memLen: 3 });

const { POSITIVE_INFINITY: all } = Number;
law(
  "one segment after a memory is the relative attention of Transformer-XL",
  cases(xl, { options: { segment: all, window: all } }),
  ({ x, n, o }) => {
    const { b, mem = tensor([0, n.M], () => 0), ...rest } = x;
    const same1 = relative({ ...rest, mem, w: b }, { heads: n.H, clampLen: o.clampLen }).out;
    same(xl(x, o).out, same1);
  },
);
law(
  "a window of a full memory's length is the official same_length",
  cases(xl, { options: { segment: all, clampLen: all, memLen: 2 }, sizes: { Tm: 2 }, given: { mem: true } }),
  ({ x, n, o }) => {
    const { b, ...rest } = x;
    same(xl(x, { ...o, window: 2 }).out, relative({ ...rest, w: b }, { heads: n.H, sameLength: true, memLen: 2 }).out);
  },
);
law("segment by segment, each with the memory the one before left, is the whole", cases(xl), ({ x, n, o }) => {
  const length = Math.min(o.segment, n.T);
  const whole = xl(x, o);
  let mem: Tensor | undefined = x.mem;
  const parts: Tensor[] = [];
  for (let from = 0; from < n.T; from += length) {
    const part: ReturnType<typeof xl> = xl(
      { ...x, x: span(x.x, 0, from, Math.min(from + length, n.T)), ...(mem && { mem }) },
      o,
    );
    parts.push(part.out);
    mem = part.mem;
  }
  same(join(0, ...parts), whole.out);
  same(mem, whole.mem);
});
law("with a memory of all the past, segments do not show", cases(xl, { options: { memLen: all } }), ({ x, o }) =>
  same(xl(x, o).out, xl(x, { ...o, segment: all }).out),
);
law(
  "without u, b and positions it is causal multi-head attention over memory and tokens",
  cases(xl, { options: { segment: all, window: all }, given: { mem: true } }),
  ({ x, n, o }) => {
    const none = (t: Tensor) => edit(t, () => 0);
    const { wQ, wK, wV, wO } = x;
    const long = multiHead({ x: join(0, x.mem, x.x), wQ, wK, wV, wO }, { heads: n.H, kvHeads: n.H, causal: true }).out;
    same(xl({ ...x, wR: none(x.wR), u: none(x.u), b: none(x.b) }, o).out, span(long, 0, n.Tm, n.Tm + n.T));
  },
);
