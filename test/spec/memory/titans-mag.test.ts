import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { titansNeuralMemory as neuralMemory } from "../../../spec/linear/titans-neural-memory.ts";
import { titansMag as mag } from "../../../spec/memory/titans-mag.ts";
import { at, cases, edit, example, fail, join, law, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(mag);

const ln3 = Math.log(3);
const one = [[1]];
const shut = -1e4;
const plain = {
  wQ: one,
  wK: [[0]],
  wV: one,
  wO: one,
  wQMem: one,
  wKMem: one,
  wVMem: [[100]],
  wForget: [0],
  wMomentum: [0],
  wStep: [0],
};
example(
  "a memory of 3 that should be 100 goes a quarter of 2 · 97 on, then answers; its gate is ¾",
  mag,
  { ...plain, x: one, bForget: shut, memory: [[[3]]], gY: [2], gR: [ln3 / 51.5] },
  { out: [[1.5]], memory: [[[51.5]]], surprise: [[[48.5]]], past: one },
  { thetaMax: 0.5 },
);
example(
  "gates by the token: ¾ is forgotten, ¼ of the surprise kept, the step is ¾ of 1",
  mag,
  {
    ...plain,
    x: one,
    wForget: [ln3],
    wMomentum: [-ln3],
    wStep: [2 * ln3],
    bStep: -ln3,
    memory: [[[96]]],
    surprise: [[[8]]],
  },
  { memory: [[[32]]], surprise: [[[8]]] },
);
example(
  "gates by their biases",
  mag,
  { ...plain, x: one, bForget: ln3, bMomentum: -ln3, bStep: ln3, memory: [[[96]]], surprise: [[[8]]] },
  { memory: [[[32]]], surprise: [[[8]]] },
);
example(
  "the step goes up to 1",
  mag,
  { ...plain, x: one, bForget: shut, bStep: -shut, memory: [[[99]]] },
  { surprise: [[[2]]] },
);
example(
  "two layers where SiLU changes nothing: error 2 · 1 goes by 50 to the second and by 2 to the first",
  mag,
  { ...plain, wVMem: [[99]], x: one, bForget: shut, memory: [[[50]], [[2]]] },
  { memory: [[[49]], [[-23]]], out: [[49 * -23]] },
  { thetaMax: 0.5, variant: "mal" },
);
const twice = { ...plain, bForget: shut, bMomentum: shut, x: one, p: one, memory: [[[3]]] };
example("learned tokens are written first", mag, twice, { memory: [[[75.75]]], past: one }, { thetaMax: 0.5 });
example("but not again", mag, twice, { memory: [[[51.5]]] }, { thetaMax: 0.5, resumed: true });
const still = { ...plain, bForget: shut, memory: [[[ln3]]], x: [[2], [4], [8]] };
const quiet = { thetaMax: 0 };
example("vectors of 1 unless given: ¾ of the means", mag, still, { out: [[1.5], [2.25], [3.5]] }, quiet);
example(
  "a window of one token and a learned token",
  mag,
  { ...still, p: [[0]] },
  { out: [[0.75], [1.5], [3]] },
  { ...quiet, window: 1 },
);
example(
  "a window of two and a learned token",
  mag,
  { ...still, p: [[0]] },
  { out: [[0.75], [1.5], [3]], past: [[8]] },
  { ...quiet, window: 2 },
);
example(
  "resumed: the token before is seen beside the learned one",
  mag,
  { ...still, p: [[0]], x: [[2]], past: [[6], [10]] },
  { out: [[3]], past: [[2]] },
  { ...quiet, window: 2, resumed: true },
);
example(
  "what is still to be seen reaches back",
  mag,
  { ...still, x: [[2]], past: [[6], [10]] },
  { out: [[4.5]], past: [[10], [2]] },
  { ...quiet, window: 3, resumed: true },
);
const layer = { ...plain, bForget: shut, memory: [[[6]]] };
example(
  "as a layer: answers 6 and −6, the first also to the learned token, which leaves the window",
  mag,
  { ...layer, x: [[1], [-1]], p: one },
  { out: [[6], [0]], past: [[-6]] },
  { ...quiet, variant: "mal", window: 2 },
);
example(
  "as a layer with the whole before it",
  mag,
  { ...layer, x: [[1], [-1]], p: one },
  { out: [[6], [2]], past: [[6], [6], [-6]] },
  { ...quiet, variant: "mal" },
);
example(
  "as a layer, resumed: answers before",
  mag,
  { ...layer, x: [[-1]], p: one, past: [[9]] },
  { out: [[1.5]], past: [[9], [-6]] },
  { ...quiet, variant: "mal", resumed: true },
);
example(
  "at D = 4 the product 2 ln 3 is halved: ¾ of the token, ¼ of a learned 0",
  mag,
  {
    ...still,
    x: one,
    p: [[0]],
    memory: [[[0]]],
    wQ: [[1, 1, 1, 1]],
    wK: [[ln3 / 2, ln3 / 2, ln3 / 2, ln3 / 2]],
  },
  { out: [[0.375]] },
  quiet,
);

const numbers = (length: number) => Array.from({ length }, (_, i) => i);
const total = (length: number, term: (i: number) => number) => numbers(length).reduce((sum, i) => sum + term(i), 0);
const sameLayers = (actual: readonly Tensor[], wanted: readonly Tensor[]) => {
  for (const [l, layer] of wanted.entries()) same(actual[l], layer);
};
const times = (a: Tensor, w: Tensor) =>
  tensor([a.shape[0]!, w.shape[1]!], (i, j) => total(w.shape[0]!, (m) => at(a, i, m) * at(w, m, j)));
const identity = (size: number) => tensor([size, size], (i, j) => Number(i === j));
/** As a layer with a window of one token the answers of the memory come out as they are. */
const answers = (x: Parameters<typeof mag>[0], M: number, thetaMax: number) => {
  const { gY: _, gR: __, past: ___, ...rest } = x;
  const I = identity(M);
  return mag({ ...rest, wQ: I, wK: I, wV: I, wO: I }, { variant: "mal", window: 1, thetaMax }).out;
};

law(
  "the answers are those of the neural memory to learned tokens and tokens",
  cases(mag, { options: { resumed: false } }),
  ({ x, n, o }) => {
    const { p, past: _past, wO: _wO, gY: _gY, gR: _gR, wQMem, wKMem, wVMem, ...rest } = x;
    const conv = tensor([n.M, 1], () => 1);
    const maps = { wQ: wQMem, wK: wKMem, wV: wVMem, convQ: conv, convK: conv, convV: conv };
    const read = neuralMemory({ ...rest, ...maps, x: p ? join(0, p, x.x) : x.x }, { thetaMax: o.thetaMax });
    same(answers(x, n.M, o.thetaMax), span(read.out, 0, n.Tp, n.Tp + n.T));
    const found = mag(x, o);
    sameLayers(found.memory, read.memory);
    sameLayers(found.surprise, read.surprise);
  },
);
law(
  "with a memory gate of ½ it is half of windowed attention that also sees all learned tokens",
  cases(mag, { options: { variant: "mag", heads: 1, resumed: false }, given: { p: true, gY: true, past: false } }),
  ({ x, n, o }) => {
    const rows = join(0, x.p, x.x);
    const mask = tensor([n.T, n.Tp + n.T], (t, j) => {
      const i = n.Tp + t;
      return Number(j < n.Tp || (j <= i && i - j < o.window));
    });
    const y = times(attention({ q: times(x.x, x.wQ), k: times(rows, x.wK), v: times(rows, x.wV), mask }).out, x.wO);
    same(
      mag({ ...x, gR: tensor([n.M], () => 0) }, o).out,
      edit(y, (v, _, m) => 0.5 * v * at(x.gY, m)),
    );
  },
);
law(
  "as a layer it is windowed attention to the answers of the memory",
  cases(mag, { options: { variant: "mal", resumed: false }, given: { gY: false, gR: false, past: false, p: false } }),
  ({ x, n, o }) => {
    const r = answers(x, n.M, o.thetaMax);
    const open = { gR: tensor([n.M], () => 0), gY: tensor([n.M], () => 2) };
    same(mag(x, o).out, mag({ ...x, ...open, x: r }, { ...o, variant: "mag" }).out);
  },
);
const refused = (words: string, call: () => unknown) => {
  try {
    call();
  } catch (error) {
    if (error instanceof Error && error.message.includes(words)) return;
    throw error;
  }
  fail("was accepted");
};
law(
  "what was seen before is only taken up by a memory that has read it",
  cases(mag, { options: { resumed: true }, given: { past: true } }),
  ({ x, o }) => refused("past needs resumed", () => mag(x, { ...o, resumed: false })),
);
law("as a layer the memory has no gate", cases(mag, { options: { variant: "mal" } }), ({ x, n, o }) => {
  const ones = tensor([n.M], () => 1);
  refused("variant mal has no gY", () => mag({ ...x, gY: ones }, o));
  refused("variant mal has no gY", () => mag({ ...x, gR: ones }, o));
});
const cells = (rows: number, columns: number) => tensor([rows, columns], () => 1);
law(
  "each layer of the memory is as wide as the next one takes",
  cases(mag, { sizes: { M: 2 }, given: { surprise: false } }),
  ({ x, o }) => {
    const chain = (...memory: readonly Tensor[]) =>
      refused("the layers of memory must lead", () => mag({ ...x, memory }, o));
    chain(cells(3, 2));
    chain(cells(2, 3));
    chain(cells(2, 3), cells(4, 2));
    mag({ ...x, memory: [cells(2, 3), cells(3, 2)] }, o);
  },
);
law(
  "cut anywhere and resumed from memory, surprise and past, is the whole with its learned tokens",
  cases(mag, { sizes: { T: 4 }, options: { resumed: false }, given: { past: false } }),
  ({ x, o }) => {
    const whole = mag(x, o);
    for (const cut of [1, 3]) {
      const { out, memory, surprise, past } = mag({ ...x, x: span(x.x, 0, 0, cut) }, o);
      const tail = mag({ ...x, x: span(x.x, 0, cut, 4), memory, surprise, past }, { ...o, resumed: true });
      same(join(0, out, tail.out), whole.out);
      sameLayers(tail.memory, whole.memory);
      sameLayers(tail.surprise, whole.surprise);
      same(tail.past, whole.past);
    }
  },
);
law(
  "heads of the same width add up: two are each one alone",
  cases(mag, { sizes: { E: 1, D: 1 }, options: { heads: 2, variant: "mag" } }),
  ({ x, o }) => {
    const head = (h: number) => ({
      wQ: span(x.wQ, 1, h, h + 1),
      wK: span(x.wK, 1, h, h + 1),
      wV: span(x.wV, 1, h, h + 1),
      wO: span(x.wO, 0, h, h + 1),
    });
    const alone = (h: number) => mag({ ...x, ...head(h) }, { ...o, heads: 1 }).out;
    const [first, second] = [alone(0), alone(1)];
    same(
      mag(x, o).out,
      edit(first, (v, t, m) => v + at(second, t, m)),
    );
  },
);
