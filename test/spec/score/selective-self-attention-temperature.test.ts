import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { selectiveSelfAttentionTemperature as selective } from "../../../spec/score/selective-self-attention-temperature.ts";
import { cases, edit, example, law, pick, same, span, specify } from "../../kit.ts";

specify(selective);

const off = { useTok: false, usePos: false, useValue: false };
const ln3 = Math.log(3);
const half = ln3 / 2;
example(
  "β = 0 gives a = ½, so the third of three queries has τ = 1 + ½ ln 3: weights 2/5, 2/5 and 1/5",
  selective,
  {
    q: [[0], [0], [Math.LN2]],
    k: [[1 / (1 + half)], [1 / (1 + half)], [0]],
    v: [[10], [20], [40]],
    beta: 0,
  },
  { out: [[10], [15], [20]] },
  { useTok: false, useValue: false },
);
example(
  "the code's form: β = 0 gives a = 1/e; two keys are seen by both queries",
  selective,
  { q: [[ln3], [ln3]], k: [[1 / (1 + Math.LN2 / Math.E)], [0]], v: [[8], [0]], beta: 0 },
  { out: [[6], [6]] },
  { useTok: false, useValue: false, posParam: "expexp", causal: false },
);
const network = { w1: [[2]], b1: [-1], u: [ln3 / 0.8413447460685429], b0: -half };
const token = { q: [[2], [2]], k: [[half], [0]], v: [[8], [4]], x: [[0.5], [1]] };
example(
  "GELU gives 0 and Φ(1), so f is ∓½ ln 3, whose tanh is ∓½: scores ½ ln 3 and 3/2 ln 3",
  selective,
  { ...token, ...network },
  { out: [[4 + 4 / (1 + 3 ** -0.5)], [4 + 4 / (1 + 3 ** -1.5)]] },
  { ...off, useTok: true, causal: false },
);
example(
  "D = 4: scores are halved",
  selective,
  {
    q: [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ],
    k: [
      [ln3, ln3, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [0]],
  },
  { out: [[8], [6]] },
  off,
);
const ofValue = { w1V: network.w1, b1V: network.b1, uV: network.u, b0V: network.b0 };
example(
  "the same network on the values: 8 is halved, 4 becomes 6",
  selective,
  { ...token, ...ofValue, q: [[0], [0]] },
  { out: [[4], [5]] },
  { ...off, useValue: true },
);
example(
  "all three at once by default: τ = 3/2 + ½ ln 2 for the second token",
  selective,
  { ...token, ...network, ...ofValue, q: [[0], [1 / (1.5 + Math.LN2 / 2)]], k: [[ln3], [0]], beta: 0 },
  { out: [[4], [4.5]] },
);

law(
  "with everything off it is scaled dot-product attention",
  cases(selective, { options: off }),
  ({ x: { q, k, v }, o }) => same(selective({ q, k, v }, o).out, attention({ q, k, v }, { causal: o.causal }).out),
);
law(
  "a network that gives 0 and an a that vanishes change nothing",
  cases(selective, {
    options: { posParam: "sigmoid", useTok: true, usePos: true, useValue: true },
    given: { x: true, beta: true, w1: true, u: true, w1V: true, uV: true },
  }),
  ({ x, o }) => {
    const zero = {
      u: edit(x.u, () => 0),
      b0: edit(x.beta, () => 0),
      uV: edit(x.uV, () => 0),
      b0V: edit(x.beta, () => 0),
    };
    same(
      selective({ ...x, ...zero, beta: edit(x.beta, () => -80) }, o).out,
      attention({ q: x.q, k: x.k, v: x.v }, { causal: o.causal }).out,
    );
  },
);
law(
  "the two forms of a meet: sigmoid(β) is exp(−exp(γ)) with γ = ln softplus(−β)",
  cases(selective, { options: { posParam: "sigmoid", usePos: true }, given: { beta: true } }),
  ({ x, o }) =>
    same(
      selective(x, o).out,
      selective(
        { ...x, beta: edit(x.beta, (beta) => Math.log(Math.log1p(Math.exp(-beta)))) },
        { ...o, posParam: "expexp" },
      ).out,
    ),
);
law(
  "the first causal token has τ = 1 by its position",
  cases(selective, { options: { causal: true, usePos: true, useTok: false }, given: { beta: true } }),
  ({ x, n, o }) => {
    const first = (t: typeof x.q) => span(t, 0, 0, 1);
    if (n.Tq === n.Tk) same(first(selective(x, o).out), first(selective(x, { ...o, usePos: false }).out));
  },
);
law("a query decoded alone gets what it gets in the row", cases(selective), ({ x, n, o }) =>
  same(selective({ ...x, q: span(x.q, 0, n.Tq - 1, n.Tq) }, o).out, span(selective(x, o).out, 0, n.Tq - 1, n.Tq)),
);
law(
  "the temperatures follow the tokens: reordering all of them reorders the outputs",
  cases(selective, { options: { causal: false } }),
  ({ x, n, o }) => {
    if (n.Tq !== n.Tk) return;
    const back = (t: typeof x.q) => pick(t, 0, n.Tk, (i) => n.Tk - 1 - i);
    same(
      selective({ ...x, q: back(x.q), k: back(x.k), v: back(x.v), ...(x.x && { x: back(x.x) }) }, o).out,
      back(selective(x, o).out),
    );
  },
);
