import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { groupedQueryAttention as multiHead } from "../../../spec/heads/grouped-query-attention.ts";
import { titansNeuralMemory as neuralMemory } from "../../../spec/linear/titans-neural-memory.ts";
import { titansMac as mac } from "../../../spec/memory/titans-mac.ts";
import { at, cases, edit, example, join, law, pick, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(mac);

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
  "a memory of 3 that should be 100 goes a quarter of 2 · 97 on; the token is multiplied by what it returns",
  mac,
  { ...plain, x: [[1]], bForget: shut, memory: [[[3]]] },
  { out: [[51.5]], memory: [[[51.5]]], surprise: [[[48.5]]] },
  { thetaMax: 0.5, read: "none" },
);
const ln3 = Math.log(3);
example(
  "gates by the token: ¾ is forgotten, ¼ of the surprise kept, the step is ¾ of 1",
  mac,
  {
    ...plain,
    x: [[1]],
    wForget: [ln3],
    wMomentum: [-ln3],
    wStep: [2 * ln3],
    bStep: -ln3,
    memory: [[[96]]],
    surprise: [[[8]]],
  },
  { out: [[32]], memory: [[[32]]], surprise: [[[8]]] },
  { read: "none" },
);
example(
  "gates by their biases",
  mac,
  { ...plain, x: [[1]], bForget: ln3, bMomentum: -ln3, bStep: ln3, memory: [[[96]]], surprise: [[[8]]] },
  { memory: [[[32]]], surprise: [[[8]]] },
  { read: "none" },
);
example(
  "two layers where SiLU changes nothing: error 2 · 1 goes by 50 to the second and by 2 to the first",
  mac,
  { ...plain, wVMem: [[99]], x: [[1]], bForget: shut, memory: [[[50]], [[2]]] },
  { out: [[49 * -23]], memory: [[[49]], [[-23]]] },
  { thetaMax: 0.5, read: "none" },
);
const still = { ...plain, bForget: shut, memory: [[[6]]] };
const quiet = { thetaMax: 0 };
example(
  "before the token stand a learned token 3 and what the memory returns, 6: the mean of 3, 6 and 3 times 24",
  mac,
  { ...still, x: [[3]], p: [[3]] },
  { out: [[4 * 24]] },
  quiet,
);
example(
  "strict: the first of two tokens sees one answer of the memory, the second both",
  mac,
  { ...still, x: [[2], [4]] },
  { out: [[4 * 24], [4.5 * 27]] },
  quiet,
);
example(
  "else both see both",
  mac,
  { ...still, x: [[2], [4]] },
  { out: [[(14 / 3) * 28], [4.5 * 27]] },
  { ...quiet, strict: false },
);
example(
  "segments of two, the last of one",
  mac,
  { ...still, x: [[2], [4], [5]] },
  { out: [[2 * 12], [3 * 18], [5 * 30]] },
  { ...quiet, segment: 2, read: "none" },
);
example(
  "at D = 4 the product 2 ln 3 is halved: ¾ of the token, ¼ of a learned 0",
  mac,
  { ...still, x: [[1]], p: [[0]], wQ: [[1, 1, 1, 1]], wK: [[ln3 / 2, ln3 / 2, ln3 / 2, ln3 / 2]] },
  { out: [[0.75 * 4.5]] },
  { ...quiet, read: "none" },
);
example(
  "the step goes up to 1 unless told otherwise",
  mac,
  { ...plain, x: [[1]], bForget: shut, bStep: -shut, memory: [[[99]]] },
  { surprise: [[[2]]] },
  { read: "none" },
);
example(
  "a query for the memory that is zero finds nothing",
  mac,
  { ...still, wQMem: [[0]], x: [[4]] },
  { out: [[2 * 12]] },
  quiet,
);

const numbers = (length: number) => Array.from({ length }, (_, i) => i);
const total = (length: number, term: (i: number) => number) => numbers(length).reduce((sum, i) => sum + term(i), 0);
const silu = (v: number) => v / (1 + Math.exp(-v));
const mapped = (row: readonly number[], w: Tensor) =>
  numbers(w.shape[1]!).map((j) => silu(total(row.length, (m) => row[m]! * at(w, m, j))));
const unit = (row: readonly number[]) => row.map((v) => v / Math.max(Math.hypot(...row), 1e-12));
const recalled = (W: readonly Tensor[], key: readonly number[]) =>
  W.reduce(
    (row, w, l) =>
      numbers(w.shape[1]!).map((j) => total(row.length, (i) => (l ? silu(row[i]!) : row[i]!) * at(w, i, j))),
    key,
  );
const sameLayers = (actual: readonly Tensor[], wanted: readonly Tensor[]) => {
  for (const [l, layer] of wanted.entries()) same(actual[l], layer);
};
const rowOf = (t: Tensor, i: number) => numbers(t.shape[1]!).map((m) => at(t, i, m));
const flat = (t: Tensor) => edit(t, () => 0);

law(
  "with a memory that does not change it is block-causal attention times what the memory returns for it",
  cases(mac, {
    sizes: { T: 5 },
    options: { segment: 2, read: "none", thetaMax: 0 },
    given: { p: false, surprise: false },
  }),
  ({ x, n, o }) => {
    const held = { ...x, wForget: flat(x.wForget), bForget: tensor([], () => -1e4) };
    const block = (from: number, to: number) => {
      const { wQ, wK, wV, wO } = x;
      return multiHead({ x: span(x.x, 0, from, to), wQ, wK, wV, wO }, { heads: n.H, kvHeads: n.H, causal: true }).out;
    };
    const y = join(0, block(0, 2), block(2, 4), block(4, 5));
    const { out, memory } = mac(held, o);
    same(
      out,
      edit(y, (value, t, m) => value * recalled(x.memory, rowOf(y, t))[m]!),
    );
    sameLayers(memory, x.memory);
  },
);
law(
  "the memory of tokens one by one is the neural memory of what attention made of them",
  cases(mac, { options: { segment: 1, read: "none" }, given: { p: false } }),
  ({ x, n, o }) => {
    const y = tensor([n.T, n.M], (t, m) =>
      total(n.H * n.E, (e) => total(n.M, (i) => at(x.x, t, i) * at(x.wV, i, e)) * at(x.wO, e, m)),
    );
    const { p: _p, wO: _wO, wQMem, wKMem, wVMem, ...rest } = x;
    const conv = tensor([n.M, 1], () => 1);
    const maps = { wQ: wQMem, wK: wKMem, wV: wVMem, convQ: conv, convK: conv, convV: conv };
    const read = neuralMemory({ ...rest, ...maps, x: y }, { thetaMax: o.thetaMax });
    const found = mac(x, o);
    sameLayers(found.memory, read.memory);
    sameLayers(found.surprise, read.surprise);
  },
);
const parts = (x: { x: Tensor }, from: number, to: number) => ({ x: span(x.x, 0, from, to) });
law(
  "cut after whole segments and resumed from memory and surprise, is the whole",
  cases(mac, { sizes: { T: 5 }, options: { segment: 2 } }),
  ({ x, o }) => {
    const whole = mac(x, o);
    for (const cut of [2, 4]) {
      const { out, memory, surprise } = mac({ ...x, ...parts(x, 0, cut) }, o);
      const tail = mac({ ...x, ...parts(x, cut, 5), memory, surprise }, o);
      same(join(0, out, tail.out), whole.out);
      sameLayers(tail.memory, whole.memory);
      sameLayers(tail.surprise, whole.surprise);
    }
  },
);
law(
  "segments speak to one another through the memory alone",
  cases(mac, { sizes: { T: 4 }, options: { segment: 2, thetaMax: 0 }, given: { surprise: false } }),
  ({ x, o }) => {
    const held = { ...x, wForget: flat(x.wForget), bForget: tensor([], () => -1e4) };
    const alone = (from: number) => mac({ ...held, ...parts(held, from, from + 2) }, o).out;
    same(mac(held, o).out, join(0, alone(0), alone(2)));
  },
);
law(
  "not strict, the last token of a segment gets what it gets strictly",
  cases(mac, { sizes: { T: 4 }, options: { read: "none" } }),
  ({ x, o }) => {
    const last = (strict: boolean) => mac(x, { ...o, segment: Number.POSITIVE_INFINITY, strict });
    same(span(last(false).out, 0, 3, 4), span(last(true).out, 0, 3, 4));
    sameLayers(last(false).memory, last(true).memory);
  },
);
law(
  "strict, a token's context is the learned tokens, the answers so far and its segment so far",
  cases(mac, {
    sizes: { T: 3 },
    options: { heads: 1, thetaMax: 0, read: "memory", strict: true, segment: 3 },
    given: { surprise: false, p: true },
  }),
  ({ x, n, o }) => {
    const held = { ...x, wForget: flat(x.wForget), bForget: tensor([], () => -1e4) };
    const h = tensor([3, n.M], (t, m) => recalled(x.memory, unit(mapped(rowOf(x.x, t), x.wQMem)))[m]!);
    const times = (a: Tensor, w: Tensor) =>
      tensor([a.shape[0]!, w.shape[1]!], (i, j) => total(w.shape[0]!, (m) => at(a, i, m) * at(w, m, j)));
    const rows = [0, 1, 2].map((t) => {
      const context = join(0, x.p, span(h, 0, 0, t + 1), span(x.x, 0, 0, t + 1));
      const q = times(span(x.x, 0, t, t + 1), x.wQ);
      return times(attention({ q, k: times(context, x.wK), v: times(context, x.wV) }).out, x.wO);
    });
    const y = join(0, ...rows);
    same(
      mac(held, o).out,
      edit(y, (value, t, m) => value * recalled(x.memory, rowOf(y, t))[m]!),
    );
  },
);
law("the order of the learned tokens is immaterial", cases(mac, { given: { p: true }, sizes: { Tp: 3 } }), ({ x, o }) =>
  same(mac({ ...x, p: pick(x.p, 0, 3, (j) => 2 - j) }, o).out, mac(x, o).out),
);
