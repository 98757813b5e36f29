import { additiveAttention as additive } from "../../../spec/core/additive-attention.ts";
import { luongAttention as luong } from "../../../spec/core/luong-attention.ts";
import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { cases, edit, example, fc, law, same, span, specify, tensor } from "../../kit.ts";

specify(luong);

const log3 = Math.log(3);
example(
  "dot: scores ln 3 and 0, weights ¾ and ¼, no scale by width",
  luong,
  {
    target: [[1, 1, 1, 1]],
    source: [
      [log3, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  },
  { out: [[0.75 * log3, 0, 0, 0]], weights: [[0.75, 0.25]] },
);
example(
  "dot with g = 2 doubles the scores",
  luong,
  { target: [[1]], source: [[log3 / 2], [0]], g: 2 },
  { weights: [[0.75, 0.25]] },
);
example(
  "general: the weight makes 4 of 2, g halves it",
  luong,
  { target: [[1]], source: [[log3], [0]], wA: [[4]], g: 0.5 },
  { weights: [[0.9, 0.1]] },
  { score: "general" },
);
const half = Math.atanh(0.5);
const concat = {
  target: [[half]],
  source: [[1], [1 - half]],
  wConcat: [[1], [1]],
  vA: [2 * log3],
};
example(
  "concat: tanh ½ and 0 times 2 ln 3",
  luong,
  { ...concat, source: [[0], [-half]] },
  { weights: [[0.75, 0.25]] },
  { score: "concat" },
);
example(
  "location: the target alone decides, and a third source place beyond the two known is not seen",
  luong,
  { target: [[1]], source: [[8], [4], [100]], wL: [[log3, 0]] },
  { out: [[7]], weights: [[0.75, 0.25, 0]] },
  { score: "location" },
);
example(
  "location with more places known than there are",
  luong,
  { target: [[1]], source: [[8], [4]], wL: [[log3, 0, 5]] },
  { out: [[7]] },
  { score: "location" },
);
const flat = (n: number) => Array.from({ length: n }, () => [0]);
example(
  "local-m: a window of one to each side of the target's place, empty once past the source",
  luong,
  { target: flat(4), source: [[3], [9]], wA: [[0]] },
  {
    out: [[6], [6], [9], [0]],
    weights: [
      [0.5, 0.5],
      [0.5, 0.5],
      [0, 1],
      [0, 0],
    ],
  },
  { score: "general", local: "m", halfWidth: 1 },
);
example(
  "local-p: the middle of four places is 2, σ is half the half width: e^(−½ (1/1)²) on the neighbours at D = 2",
  luong,
  { target: [[0]], source: flat(4), wP: [[1]], vP: [1] },
  { weights: [[Math.exp(-2) / 4, Math.exp(-0.5) / 4, 0.25, Math.exp(-0.5) / 4]] },
  { local: "p", halfWidth: 2 },
);
example(
  "local-p: v · tanh of ½ times 2 ln 3 puts the middle at ¾ of four places, D = 1 sees three, σ = ½",
  luong,
  { target: [[half]], source: flat(4), wP: [[1]], vP: [2 * log3], wA: [[0]] },
  { weights: [[0, 0, Math.exp(-2) / 2, 0.5]] },
  { score: "general", local: "p", halfWidth: 1 },
);
example(
  "the half width is 10: of 13 places the first target sees 11",
  luong,
  { target: [[0]], source: Array.from({ length: 13 }, (_, s) => [s < 11 ? 11 : 0]) },
  { out: [[11]] },
  { local: "m" },
);
example(
  "the attentional vector reads the context first and the target second",
  luong,
  {
    target: [[2]],
    source: [[3], [3]],
    wC: [
      [0.1, 0],
      [0, 0.1],
    ],
  },
  { attnVector: [[Math.tanh(0.3), Math.tanh(0.2)]] },
);

law("general with the identity is dot", cases(luong, { options: { score: "dot" } }), ({ x, n, o }) => {
  const wA = tensor([n.M, n.M], (i, j) => (i === j ? 1 : 0));
  same(luong({ ...x, wA }, { ...o, score: "general" }).out, luong(x, o).out);
});
law(
  "dot with the target over √D is scaled dot-product attention",
  cases(luong, { options: { score: "dot", local: "none" }, given: { g: false } }),
  ({ x, n, o }) =>
    same(
      luong({ ...x, target: edit(x.target, (v) => v / Math.sqrt(n.M)) }, o).out,
      attention({ q: x.target, k: x.source, v: x.source }).out,
    ),
);
law(
  "concat is additive attention, the weight cut after the target's rows",
  cases(luong, { options: { score: "concat", local: "none" } }),
  ({ x, n, o }) =>
    same(
      luong(x, o).weights,
      additive({
        query: x.target,
        memory: x.source,
        wQuery: span(x.wConcat, 0, 0, n.M),
        wMemory: span(x.wConcat, 0, n.M, n.Mj),
        v: x.vA,
      }).weights,
    ),
);
law(
  "a window as wide as the longer sequence, or without end, is no window",
  fc.constantFrom<"m" | "p">("m", "p").chain((local) => cases(luong, { options: { local } })),
  ({ x, n, o }) => {
    const whole = luong(x, { ...o, local: "none" }).out;
    same(luong(x, { ...o, halfWidth: Number.POSITIVE_INFINITY }).out, whole);
    if (o.local === "m") same(luong(x, { ...o, halfWidth: Math.max(n.Tq, n.Tk) }).out, whole);
  },
);
law(
  "weights sum to 1, with local-p to at most 1, and with local-m past the source to 0",
  cases(luong),
  ({ x, n, o }) => {
    const { weights } = luong(x, o);
    const sums = tensor([n.Tq], (t) => weights.data.slice(t * n.Tk, (t + 1) * n.Tk).reduce((a, w) => a + w, 0));
    const past = (t: number) =>
      o.local === "m" && t - o.halfWidth > (o.score === "location" ? Math.min(n.P, n.Tk) : n.Tk) - 1;
    same(
      sums,
      edit(sums, (s, t) => (o.local === "p" ? Math.min(s, 1) : past(t) ? 0 : 1)),
    );
  },
);
