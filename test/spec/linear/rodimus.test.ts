import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { rodimus } from "../../../spec/linear/rodimus.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(rodimus);

const ln = Math.log;
// A pre-activation of 100 is 100 after SiLU; a gate bias of ln(e − 1) is a gate of 1, a temperature bias of 0 a power of ½.
const unit = ln(Math.E - 1);
const plain = {
  x: [[1]],
  wUp: [[1]],
  wGate: [[100]],
  conv: [[1]],
  wQ: [[1]],
  wK: [[1]],
  wG: [[0]],
  bG: [unit],
  wTau: [[0]],
  vA: [[1]],
  vB: [[0]],
  wDown: [[1]],
};
example(
  "a gate of 1 at temperature ½ leaves e^(−½); half of u is written at a key of length 1",
  rodimus,
  { ...plain, convB: [99], state: [[4 * Math.sqrt(Math.E)]] },
  { out: [[1]], state: [[4.5]] },
);
example(
  "a gate of 4 is written at its root 2, and fades by e^(−2)",
  rodimus,
  { ...plain, convB: [99], bG: [ln(Math.exp(4) - 1)], state: [[3 * Math.exp(2)]] },
  { state: [[4]] },
);
example(
  "a convolution of three taps: 2, 3 and u = 1, the oldest first; u is not convolved for the value",
  rodimus,
  { ...plain, conv: [[10, 20, 40]], convB: [-20], tail: [[2], [3]], wQ: [[0]], wRes: [5], norm: [3] },
  { out: [[3]], state: [[0.5]], tail: [[3], [1]] },
  { eps: 1e-300 },
);
example(
  "two states: a key of 3 and 4 is divided by 5; the scale is 1/√2; 30 read, 30 by the skip path, times 100",
  rodimus,
  {
    ...plain,
    convB: [99],
    wQ: [[Math.SQRT2, 0]],
    wK: [[3, 4]],
    wG: [[0, 0]],
    bG: [unit, unit],
    wTau: [[0, 0]],
    wRes: [0.3],
    norm: [Math.SQRT2],
  },
  { out: [[1]], state: [[0.3], [0.4]] },
  { eps: 6000 ** 2 },
);
example(
  "the default ε of 10⁻⁵ halves a mean square of 10⁻⁵, after the gate",
  rodimus,
  { ...plain, convB: [99], wQ: [[0]], wRes: [Math.sqrt(1e-5) / 1e4], norm: [Math.SQRT2] },
  { out: [[1]] },
);
example(
  "a key shorter than 10⁻¹² stays as short",
  rodimus,
  { ...plain, convB: [99], wK: [[3e-15]] },
  { state: [[0.15]] },
);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
law(
  "is gated linear attention of its gates, keys and values, a skip path, a gate and a norm",
  cases(rodimus),
  ({ x, n, o }) => {
    const maybe = (t: typeof x.bG | undefined, i: number, or: number) => (t ? at(t, i) : or);
    const u = (t: number, a: number) =>
      t < 0 ? (x.tail ? at(x.tail, n.K - 1 + t, a) : 0) : total(n.M, (m) => at(x.x, t, m) * at(x.wUp, m, a));
    const c = tensor([n.T, n.A], (t, a) => {
      const z = maybe(x.convB, a, 0) + total(n.K, (back) => at(x.conv, a, n.K - 1 - back) * u(t - back, a));
      return z * sigmoid(z);
    });
    const from = (w: typeof x.wQ) => tensor([n.T, n.N], (t, i) => total(n.A, (a) => at(c, t, a) * at(w, a, i)));
    const g = edit(from(x.wG), (z, _, i) => Math.log1p(Math.exp(z + maybe(x.bG, i, 0))));
    const tau = edit(from(x.wTau), (z, _, i) => sigmoid(z + maybe(x.bTau, i, 0)));
    const raw = from(x.wK);
    const length = (t: number) => Math.max(Math.sqrt(total(n.N, (i) => at(raw, t, i) ** 2)), o.keyEps);
    const k = edit(raw, (value, t, i) => (at(g, t, i) ** at(tau, t, i) * value) / length(t));
    const v = tensor([n.T, n.A], (t, a) => {
      const z = total(n.R, (r) => total(n.A, (b) => u(t, b) * at(x.vA, b, r)) * at(x.vB, r, a));
      return sigmoid(z + maybe(x.vBias, a, 0)) * u(t, a);
    });
    const gates = edit(g, (value, ...i) => -value * at(tau, ...i));
    const read = gatedLinearAttention(
      { q: from(x.wQ), k, v, g: gates, ...(x.state && { state: x.state }) },
      { scale: o.scale },
    );
    const y = edit(read.out, (value, t, a) => {
      const z = total(n.M, (m) => at(x.x, t, m) * at(x.wGate, m, a));
      return (value + maybe(x.wRes, a, 1) * at(c, t, a)) * z * sigmoid(z);
    });
    const size = (t: number) => Math.sqrt(total(n.A, (a) => at(y, t, a) ** 2) / n.A + o.eps);
    const actual = rodimus(x, o);
    same(actual.state, read.state, 1e-11);
    same(
      actual.out,
      tensor([n.T, n.Mo], (t, m) =>
        total(n.A, (a) => (maybe(x.norm, a, 1) * at(y, t, a) * at(x.wDown, a, m)) / size(t)),
      ),
      1e-11,
    );
  },
);
law("at a temperature of 0 nothing fades", cases(rodimus, { given: { bTau: false, state: true } }), ({ x, n, o }) => {
  const cold = rodimus({ ...x, wTau: edit(x.wTau, () => 0), bTau: tensor([n.N], () => -800) }, o).state;
  const { state: _, ...fresh } = x;
  const alone = rodimus({ ...fresh, wTau: edit(x.wTau, () => 0), bTau: tensor([n.N], () => -800) }, o).state;
  same(
    cold,
    edit(alone, (value, ...i) => value + at(x.state, ...i)),
  );
});
