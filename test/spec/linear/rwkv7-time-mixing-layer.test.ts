import { rwkv7TimeMixing } from "../../../spec/linear/rwkv7-time-mixing.ts";
import { rwkv7TimeMixingLayer as layer } from "../../../spec/linear/rwkv7-time-mixing-layer.ts";
import { at, cases, edit, example, fail, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(layer);

const ln = Math.log;
const six = [[0], [0], [0], [0], [0], [0]];
// One head of one feature and two values; gates are sigmoid(0) times gateB.
const plain = {
  x: [[1]],
  mu: six,
  wR: [[1]],
  wK: [[1]],
  wV: [[0, 0]],
  decayA: [[0]],
  decayB: [[0]],
  rateA: [[0]],
  rateB: [[0]],
  gateA: [[0]],
  gateB: [[2, 2]],
  xi: [1],
  alphaK: [0],
  rho: [[0]],
  wO: [
    [1, 0],
    [0, 1],
  ],
};
const root = Math.sqrt(1e-5);
example(
  "values (δ, −δ) of variance 10⁻⁵, which is the default ε for one feature: norms of ±1/√2",
  layer,
  { ...plain, wV: [[root, -root]] },
  { out: [[Math.SQRT1_2, -Math.SQRT1_2]], vFirst: [[root, -root]], last: [1], state: [[[root, -root]]] },
);
const half = Math.exp(-Math.exp(-0.5) / 2);
example(
  "gates at ½: the state keeps e^(−e^(−½)/2) and loses a half of what its key holds",
  layer,
  { ...plain, wK: [[-3]], state: [[[8, 16]]], gnW: [2, 3], gnB: [5, 7] },
  { out: [[3, 10]], state: [[[8 * half - 4, 16 * half - 8]]] },
  { gnEps: 1e-300 },
);
const strongest = Math.exp(-Math.exp(-0.5));
example(
  "the strongest decay is e^(−e^(−½)); at a rate of ¾ and α = 2 the key is halved",
  layer,
  { ...plain, decay: [800], rate: [ln(3)], alphaK: [2], wV: [[6, 4]], state: [[[8, 16]]], wK: [[5]] },
  { state: [[[8 * strongest - 6 + 2.5 * 6, 16 * strongest - 12 + 2.5 * 4]]] },
);
example(
  "decays through tanh, rates straight, gates through a sigmoid of ln 3",
  layer,
  {
    ...plain,
    decayA: [[ln(3) / 2]],
    decayB: [[2 * ln(3)]],
    rateA: [[0.5]],
    rateB: [[2 * ln(3)]],
    gateA: [[ln(3)]],
    gateB: [[4, 8]],
    gnB: [1, 1],
    gnW: [0, 0],
    wK: [[1]],
    state: [[[4, 8]]],
  },
  { out: [[3, 6]], state: [[[4 * Math.exp(-0.75 * Math.exp(-0.5)) - 3, 8 * Math.exp(-0.75 * Math.exp(-0.5)) - 6]]] },
);
example(
  "six blends of 1 and the 5 before: r, w, k, v, a and g; the bonus is r · ρ · k · v",
  layer,
  {
    ...plain,
    last: [5],
    mu: [[1], [0.25], [0.5], [0.75], [0], [0.25]],
    wV: [[1, 2]],
    gateA: [[ln(3) / 2]],
    gateB: [[4, 8]],
    rho: [[0.1]],
    gnW: [0, 0],
  },
  { out: [[0.1 * 5 * 3 * 4 * 3, 0.1 * 5 * 3 * 8 * 6]], vFirst: [[4, 8]], state: [[[12, 24]]] },
);
example(
  "a later layer goes back to the first one's values by sigmoid(ln 3 · 2 · ½ · 1 + ln 3 − ln 3)",
  layer,
  { ...plain, wV: [[4, 8]], vFirst: [[8, 0]], valueA: [[2 * ln(3)]], valueB: [[0.5, 0.5]], value: [0, -ln(3)] },
  { vFirst: [[8, 0]], state: [[[7, 4]]] },
);
example(
  "a removal key is divided by its length, 5 of (3, 4), after ξ; one shorter than 10⁻¹² by that",
  layer,
  {
    ...plain,
    wR: [[0, 0]],
    wK: [[3, 2]],
    xi: [1, 2],
    alphaK: [0, 0],
    rho: [[0, 0]],
    decayB: [[0, 0]],
    rateB: [[0, 0]],
    rate: [800, 800],
    decay: [-800, -800],
    wV: [[0]],
    gateB: [[1]],
    wO: [[1]],
    state: [[[10], [0]]],
  },
  { state: [[[10 - 3.6], [-4.8]]] },
);
example(
  "a short key",
  layer,
  { ...plain, wK: [[1e-13]], rate: [800], decay: [-800], state: [[[1, 2]]] },
  { state: [[[0.99, 1.98]]] },
);
refuses("vFirst, valueA and valueB must be given together", layer, { ...plain, vFirst: [[1, 2]] });
refuses("vFirst, valueA and valueB must be given together", layer, { ...plain, vFirst: [[1, 2]], valueA: [[1]] });
refuses("vFirst, valueA and valueB must be given together", layer, { ...plain, value: [1, 2] });

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
law("is the recurrence of its blends, a norm of each head, a bonus and a gate", cases(layer), ({ x, n, o }) => {
  const before = (t: number, m: number) => (t ? at(x.x, t - 1, m) : x.last ? at(x.last, m) : 0);
  const blend = (i: number, t: number, m: number) =>
    at(x.x, t, m) * (1 - at(x.mu, i, m)) + before(t, m) * at(x.mu, i, m);
  const times = (i: number, w: typeof x.wR, t: number, column: number) =>
    total(n.M, (m) => blend(i, t, m) * at(w, m, column));
  const low = (i: number, a: typeof x.wR, f: (z: number) => number, b: typeof x.wR, t: number, column: number) =>
    total(a.shape[1]!, (r) => f(times(i, a, t, r)) * at(b, r, column));
  const maybe = (t: typeof x.rate | undefined, column: number, or: number) => (t ? at(t, column) : or);
  const keys = (f: (t: number, column: number) => number) => tensor([n.H, n.T, n.D], (h, t, d) => f(t, h * n.D + d));
  const values = (f: (t: number, column: number) => number) => tensor([n.H, n.T, n.E], (h, t, e) => f(t, h * n.E + e));
  const plainK = keys((t, c) => times(2, x.wK, t, c));
  const a = keys((t, c) => sigmoid(low(4, x.rateA, (z) => z, x.rateB, t, c) + maybe(x.rate, c, 0)));
  const w = keys((t, c) =>
    Math.exp(-sigmoid(low(1, x.decayA, Math.tanh, x.decayB, t, c) + maybe(x.decay, c, 0)) / Math.sqrt(Math.E)),
  );
  const own = values((t, c) => times(3, x.wV, t, c));
  const v = values((t, c) => {
    const mine = times(3, x.wV, t, c);
    if (!x.vFirst) return mine;
    const back = sigmoid(low(3, x.valueA, (z) => z, x.valueB, t, c) + maybe(x.value, c, 0));
    return (1 - back) * mine + back * at(x.vFirst, t, c);
  });
  const lifted = edit(plainK, (value, h, _, d) => value * at(x.xi, h * n.D + d));
  const kk = edit(
    lifted,
    (value, h, t) => value / Math.max(Math.sqrt(total(n.D, (d) => at(lifted, h, t, d) ** 2)), 1e-12),
  );
  const k = edit(plainK, (value, h, t, d) => value * (1 - (1 - at(a, h, t, d)) * at(x.alphaK, h * n.D + d)));
  const r = keys((t, c) => times(0, x.wR, t, c));
  const read = rwkv7TimeMixing({ r, w, k, v, kk, a, ...(x.state && { state: x.state }) });
  const y = edit(read.out, (value, h, t, e) => {
    const centre = total(n.E, (i) => at(read.out, h, t, i)) / n.E;
    const variance = total(n.E, (i) => (at(read.out, h, t, i) - centre) ** 2) / n.E;
    const column = h * n.E + e;
    const normed = (value - centre) / Math.sqrt(variance + o.gnEps);
    const bonus = total(n.D, (d) => at(r, h, t, d) * at(k, h, t, d) * at(x.rho, h, d)) * at(v, h, t, e);
    return (
      (maybe(x.gnW, column, 1) * normed + maybe(x.gnB, column, 0) + bonus) *
      low(5, x.gateA, sigmoid, x.gateB, t, column)
    );
  });
  const actual = layer(x, o);
  same(actual.state, read.state, 1e-11);
  same(actual.vFirst, x.vFirst ?? tensor([n.T, n.H * n.E], (t, c) => at(own, Math.floor(c / n.E), t, c % n.E)));
  same(
    actual.out,
    tensor([n.T, n.Mo], (t, m) => total(n.H, (h) => total(n.E, (e) => at(y, h, t, e) * at(x.wO, h * n.E + e, m)))),
    1e-9,
  );
});
law("no decay is below e^(−e^(−½))", cases(layer, { sizes: { T: 1 }, given: { state: true } }), ({ x, n, o }) => {
  const still = { ...x, wK: edit(x.wK, () => 0) };
  const state = layer({ ...still, state: edit(x.state, () => 1) }, o).state;
  for (let i = 0; i < n.H * n.D * n.E; i++)
    if (state.data[i]! < strongest - 1e-12 || state.data[i]! > 1) fail(`a state of 1 became ${state.data[i]}`);
});
