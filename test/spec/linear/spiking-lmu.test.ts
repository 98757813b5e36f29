import { legendreMemoryUnit } from "../../../spec/linear/legendre-memory-unit.ts";
import { spikingLmu as spiking } from "../../../spec/linear/spiking-lmu.ts";
import { at, cases, edit, example, fail, law, refuses, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(spiking);

const plain = [[1], [0], [0], [1 - 1e-5]];
const four = (value: number) => [value, value, value, value];
const silent = {
  wU: [[0], [0]],
  wH: [[0], [0], [0], [0], [1], [0]],
  bnU: plain,
  bnM: [four(1), four(0), four(0), four(1)],
  bnH: plain,
};
const tokens = (...currents: number[]) => currents.map((current) => [current, 0]);
example(
  "currents of 1.5: the voltage is ¾, then 9/8 and a spike, and again from 0; the order is twice the width of 2",
  spiking,
  { ...silent, x: tokens(1.5, 1.5, 1.5, 1.5, 1.5) },
  { out: [[0], [1], [0], [1], [0]], voltageH: [0.75], voltageU: [0], voltageM: four(0), state: four(0) },
);
example(
  "currents of 2.5 spike every time",
  spiking,
  { ...silent, x: tokens(2.5, 2.5) },
  { out: [[1], [1]], voltageH: [0] },
);
example(
  "τ = 4 and a threshold of 7/16, which the second token reaches exactly from a voltage of 1/3, then ¼",
  spiking,
  { ...silent, bnH: [[1], [0], [0], [0]], x: tokens(0, 1), voltageH: [1 / 3] },
  { out: [[0], [1]], voltageH: [0] },
  { tau: 4, threshold: 0.4375, eps: 1 },
);
const halving = { m: 1, theta: 1 / Math.LN2 };
const remembering = {
  x: [[8], [8], [0]],
  wU: [[1]],
  wH: [[10], [0]],
  bnU: plain,
  bnM: [[3], [0], [0], [1 - 1e-5]],
  bnH: plain,
};
example(
  "the spikes 1, 1, 0 leave ½, ¾, ⅜ in a memory that halves; times 3 the neuron is at ¾, then 3/2 and a spike, then 9/16",
  spiking,
  remembering,
  { out: [[0], [1], [0]], state: [0.375], voltageM: [0.5625], voltageU: [0] },
  halving,
);
example(
  "resumed from a memory of 8 and a voltage of ½: 3/2 spikes at once, biases and norms of the input and the output",
  spiking,
  {
    ...remembering,
    x: [[1]],
    bU: [1],
    bnU: [[2], [-4], [1], [4 - 1e-5]],
    bH: [1],
    bnH: [[4], [-20], [1], [4 - 1e-5]],
    bnM: [[1], [-1.5], [0], [1 - 1e-5]],
    state: [8],
    voltageU: [0.5],
    voltageM: [0.5],
    voltageH: [0.25],
  },
  { out: [[0]], state: [4], voltageU: [-1.25], voltageM: [0], voltageH: [0.125] },
  halving,
);
example(
  "the ε of 10⁻⁵: a current of √(10⁻⁵) is ½ over √(4·10⁻⁵), so ¼ is left of it",
  spiking,
  { ...silent, x: tokens(Math.sqrt(1e-5)), bnH: [[1], [0], [0], [3e-5]] },
  { out: [[0]], voltageH: [0.25] },
);
example(
  "the window is 128 tokens by default",
  spiking,
  { ...remembering, x: [[8]] },
  { state: [-Math.expm1(-1 / 128)] },
  { m: 1 },
);
for (const name of ["bnU", "bnM", "bnH"])
  refuses("must not be negative", spiking, { ...remembering, [name]: [[1], [0], [0], [-1]] }, halving);

const currentU = (x: { x: Tensor; wU: Tensor; bU?: Tensor; bnU: Tensor }, eps: number, t: number) => {
  let total = x.bU ? at(x.bU, 0) : 0;
  for (let m = 0; m < x.wU.shape[0]!; m++) total += at(x.x, t, m) * at(x.wU, m, 0);
  return (at(x.bnU, 0, 0) * (total - at(x.bnU, 2, 0))) / Math.sqrt(at(x.bnU, 3, 0) + eps) + at(x.bnU, 1, 0);
};
law("its memory is that of the unit without spikes, fed with the spikes", cases(spiking), ({ x, n, o }) => {
  let voltage = x.voltageU ? at(x.voltageU, 0) : 0;
  const spikes = Array.from({ length: n.T }, (_, t) => {
    voltage += (currentU(x, o.eps, t) - voltage) / o.tau;
    const spike = voltage >= o.threshold;
    if (spike) voltage = 0;
    return Number(spike);
  });
  const zero = (...shape: number[]) => tensor(shape, () => 0);
  const fed = legendreMemoryUnit(
    {
      x: tensor([n.T, 1], (t) => spikes[t]!),
      wU: tensor([1, 1], () => 1),
      wH: zero(n.N + 1, 1),
      wP: zero(1, 1),
      bn: tensor([4, 1], () => 1),
      ...(x.state && { state: x.state }),
    },
    { m: n.N, theta: o.theta },
  );
  same(spiking(x, o).state, fed.state);
});
law("what comes out is 0 or 1, and no voltage handed on reaches the threshold", cases(spiking), ({ x, o }) => {
  const result = spiking(x, o);
  for (const v of result.out.data) if (v !== 0 && v !== 1) fail(`a spike of ${v}`);
  for (const name of ["voltageU", "voltageM", "voltageH"] as const)
    for (const v of result[name].data) if (v >= o.threshold) fail(`${name} is ${v}`);
});
law(
  "a constant current below the threshold never makes a spike",
  cases(spiking, { given: { voltageH: false } }),
  ({ x, o }) => {
    const bnH = edit(x.bnH, (_, i) => (i === 0 ? 0 : i === 1 ? 0.9 * o.threshold : 1));
    same(
      spiking({ ...x, bnH }, o).out,
      edit(spiking(x, o).out, () => 0),
    );
  },
);
