import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { rotaryPositionEmbedding } from "../../../spec/positional/rotary-position-embedding.ts";
import { forgettingAttention as fox } from "../../../spec/score/forgetting-attention.ts";
import { at, cases, edit, example, fail, law, pick, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(fox);

const ln = Math.log;
const equal = { q: [[[0], [0], [0]]], k: [[[0], [0], [0]]] };
example(
  "gates 1, ½ and ⅓ and equal scores: the third query sees 1/6, 1/3 and 1",
  fox,
  { ...equal, v: [[[6], [12], [18]]], logF: [[0], [ln(1 / 2)], [ln(1 / 3)]] },
  { out: [[[6], [10], [(1 + 4 + 18) / 1.5]]] },
);
example(
  "the gate is the logistic of the token's product with the weight, plus the bias: ¾",
  fox,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[7], [0]]], x: [[5], [ln(6)]], wF: [[1]], bF: [-ln(2)] },
  { out: [[[7], [3]]] },
);
example(
  "the scale ½ at D = 4 touches the scores, not the decay: 3 · ⅓ against 1",
  fox,
  {
    q: [[[1, 1, 1, 1]]],
    k: [
      [
        [ln(3), ln(3), 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    logF: [[-7], [-ln(3)]],
  },
  { out: [[[4]]] },
);
example(
  "a gate of 0 hides what came before; a window of 2 hides all but one of it",
  fox,
  { ...equal, v: [[[6], [12], [18]]], logF: [[0], [Number.NEGATIVE_INFINITY], [0]] },
  { out: [[[6], [12], [15]]] },
);
example(
  "a window of 2",
  fox,
  { ...equal, v: [[[6], [12], [18]]], logF: [[0], [0], [0]] },
  { out: [[[6], [9], [15]]] },
  { window: 2 },
);
example(
  "a shift of ¼ of the token before, 0 before the first, and of ¾",
  fox,
  { q: [[[0], [0]]], k: [[[0], [0]]], v: [[[8], [16]]], x: [[ln(3)], [-ln(3)]], wShiftV: [[1]], logF: [[0], [-1e9]] },
  { out: [[[2], [14]]] },
);
const turned = Math.exp(Math.cos(Math.sqrt(1 / 500000)) * 1e3 - 1e3);
example(
  "pair 1 of D = 4 turns 1/√500000 per place",
  fox,
  {
    q: [[[0, 2e3, 0, 0]]],
    k: [
      [
        [0, 1, 0, 0],
        [0, 1, 0, 0],
      ],
    ],
    v: [[[0], [1]]],
    logF: [[0], [0]],
  },
  { out: [[[1 / (1 + turned)]]] },
  { rope: true },
);
const normal = (y: number, eps: number) => y / Math.sqrt(y ** 2 + eps);
example(
  "gains ask for norms: queries and keys with ε = 10⁻⁵, the result with 10⁻⁶, which is then gated by ¾",
  fox,
  {
    q: [[[0.01]]],
    k: [[[0.01], [-0.02]]],
    v: [[[0.003], [0]]],
    x: [[0], [ln(3)]],
    gQ: [[4]],
    gK: [[5]],
    gO: [[2]],
    wGate: [[1]],
    logF: [[0], [0]],
  },
  {
    out: [
      [
        [
          1.5 *
            normal(0.003 / (1 + Math.exp(20 * normal(0.01, 1e-5) * (normal(-0.02, 1e-5) - normal(0.01, 1e-5)))), 1e-6),
        ],
      ],
    ],
  },
);

const indices = (n: number) => Array.from({ length: n }, (_, i) => i);
const sumOf = (n: number, term: (i: number) => number) => indices(n).reduce((total, i) => total + term(i), 0);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const plain = { wShiftK: false, wShiftV: false, gQ: false, gK: false, gO: false, wGate: false };
const mask = (n: { H: number; Tq: number; Tk: number }, o: { window: number }) =>
  tensor([n.H, n.Tq, n.Tk], (_, t, s) => (s <= t + n.Tk - n.Tq && t + n.Tk - n.Tq - s < o.window ? 1 : 0));

law(
  "open gates leave causal attention",
  cases(fox, { given: { ...plain, x: false, wF: false, bF: false, logF: true }, options: { rope: false } }),
  ({ x: { q, k, v, logF }, n, o }) => {
    const open = edit(logF, () => 0);
    same(fox({ q, k, v, logF: open }, o).out, attention({ q, k, v, mask: mask(n, o) }, { scale: o.scale }).out);
  },
);
law(
  "one gate e^−m for all is ALiBi with slope m",
  cases(fox, {
    given: { ...plain, x: false, wF: false, bF: false, logF: true },
    options: { rope: false, window: Infinity },
  }),
  ({ x: { q, k, v, logF }, n, o }) => {
    const slope = (h: number) => 2 ** -h;
    const bias = tensor([n.H, n.Tq, n.Tk], (h, t, s) => slope(h) * (s - (t + n.Tk - n.Tq)));
    const gates = edit(logF, (_, _s, h) => -slope(h!));
    same(fox({ q, k, v, logF: gates }, o).out, attention({ q, k, v, bias, mask: mask(n, o) }, { scale: o.scale }).out);
  },
);
law(
  "the whole layer is attention of shifted, normalised and turned queries, keys and values under the decay, then normed and gated",
  cases(fox),
  ({ x, n, o }) => {
    const place = (t: number) => t + n.Tk - n.Tq;
    const project = (s: number, w: Tensor, column: number) => sumOf(n.M, (m) => at(x.x, s, m) * at(w, m, column));
    const lnF = (l: number, h: number) =>
      x.logF ? at(x.logF, l, h) : -Math.log1p(Math.exp(-project(l, x.wF, h) - (x.bF ? at(x.bF, h) : 0)));
    const bias = tensor(
      [n.H, n.Tq, n.Tk],
      (h, t, s) => sumOf(place(t) + 1, (l) => lnF(l, h)) - sumOf(s + 1, (l) => lnF(l, h)),
    );
    const shift = (y: Tensor, w: Tensor | undefined) =>
      w
        ? edit(y, (value, h, s, d) => {
            const alpha = sigmoid(project(s!, w, h!));
            return alpha * (s ? at(y, h!, s - 1, d!) : 0) + (1 - alpha) * value;
          })
        : y;
    const norm = (y: Tensor, gain: Tensor | undefined, eps: number) => {
      const width = y.shape[2]!;
      const root = (h: number, t: number) => Math.sqrt(sumOf(width, (d) => at(y, h, t, d) ** 2) / width + eps);
      return gain ? edit(y, (value, h, t, d) => (at(gain, h!, d!) * value) / root(h!, t!)) : y;
    };
    const turn = (y: Tensor, from: number) =>
      o.rope
        ? rotaryPositionEmbedding(
            { x: y, positions: tensor([n.H, y.shape[1]!], (_, t) => from + t) },
            { base: o.ropeBase },
          ).out
        : y;
    const q = turn(norm(x.q, x.gQ, o.qkEps), n.Tk - n.Tq);
    const k = turn(norm(shift(x.k, x.wShiftK), x.gK, o.qkEps), 0);
    const out = attention({ q, k, v: shift(x.v, x.wShiftV), bias, mask: mask(n, o) }, { scale: o.scale }).out;
    same(
      fox(x, o).out,
      edit(norm(out, x.gO, o.eps), (y, h, t, e) =>
        x.wGate ? y * sigmoid(project(place(t!), x.wGate, h! * n.E + e!)) : y,
      ),
      1e-11,
    );
  },
);
law("the last query alone is the last of all", cases(fox), ({ x, n, o }) => {
  const last = fox({ ...x, q: span(x.q, 1, n.Tq - 1, n.Tq) }, o).out;
  same(last, span(fox(x, o).out, 1, n.Tq - 1, n.Tq));
});
law(
  "a shift by nothing is no shift, and one by everything takes the token before",
  cases(fox, { given: { ...plain, x: true, wShiftK: true, wShiftV: true } }),
  ({ x: { wShiftK: _, wShiftV: _v, ...x }, n, o }) => {
    const weight = (w: number) => ({
      wShiftK: tensor([n.M, n.H], () => w),
      wShiftV: tensor([n.M, n.H], () => w),
    });
    const logF = tensor([n.Tk, n.H], (s) => -s);
    const bare = { q: x.q, k: x.k, v: x.v, logF };
    const ones = tensor([n.Tk, n.M], () => 1);
    const before = (y: Tensor) =>
      edit(
        pick(y, 1, n.Tk, (s) => Math.max(s - 1, 0)),
        (value, _h, s) => (s ? value : 0),
      );
    same(fox({ ...bare, x: ones, ...weight(-800) }, o).out, fox(bare, o).out);
    same(fox({ ...bare, x: ones, ...weight(800) }, o).out, fox({ ...bare, k: before(x.k), v: before(x.v) }, o).out);
  },
);
law(
  "gates that are given whole take neither weight nor bias",
  cases(fox, { given: { ...plain, x: false, wF: false, bF: false, logF: true } }),
  ({ x, n, o }) => {
    const bF = tensor([n.H], () => 1);
    const more = { x: tensor([n.Tk, 2], () => 1), wF: tensor([2, n.H], () => 1) };
    for (const both of [{ bF }, more]) {
      let refused = false;
      try {
        fox({ ...x, ...both }, o);
      } catch {
        refused = true;
      }
      if (!refused) fail(`${Object.keys(both).join(" and ")} beside logF were taken`);
    }
  },
);
