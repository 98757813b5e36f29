import { mambaSelectiveSsm } from "../../../spec/linear/mamba-selective-ssm.ts";
import { qlstmReversedSigmoid as qlstm } from "../../../spec/linear/qlstm-reversed-sigmoid.ts";
import { at, cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(qlstm);

const one = { x: [[1], [1]], wIn: [[100, 1]], conv: [[1]], wG: [[0, 0, 0]], wOut: [[1]] };
example(
  "gates of 0: half of the state stays, half of the token comes in; 100 passes the GELU and half of it the output gate",
  qlstm,
  one,
  { out: [[25], [37.5]], state: [0.75], convState: [[1]] },
);
example("to the power 2 a quarter stays", qlstm, { ...one, a: 2 }, { out: [[25], [31.25]] });
example("a power below 0 is 0: all of it stays", qlstm, { ...one, a: -2 }, { out: [[25], [50]] });
example(
  "a forget gate of ln 3 from its weight and ln 9 from its bias: σ(−3 ln 3) = 1/28 stays of 56, with a token of 1",
  qlstm,
  { ...one, x: [[1]], wG: [[Math.log(3), 0, 0]], bG: [Math.log(9), 0, 0], state: [56] },
  { out: [[125]], state: [2.5] },
);
example(
  "and 27/28 of it in the plain qLSTM, whatever a",
  qlstm,
  { ...one, x: [[1]], wG: [[Math.log(27), 0, 0]], state: [56], a: 5 },
  { state: [54.5] },
  { reversed: false },
);
example(
  "input and output gates of ln 3, a GELU that shuts, and the projection",
  qlstm,
  { ...one, x: [[1], [-1]], bG: [0, Math.log(3), Math.log(3)], wOut: [[2, 10]] },
  {
    out: [
      [112.5, 562.5],
      [0, 0],
    ],
    state: [-0.375],
  },
);
example(
  "the convolution: its last tap is on the token itself, and it has a bias",
  qlstm,
  { ...one, conv: [[10, 1]], convB: [5], convState: [[99], [7]] },
  { state: [(76 / 2 + 16) / 2], convState: [[1], [1]] },
);
example(
  "one token moves the rows by one",
  qlstm,
  { ...one, x: [[3]], conv: [[1, 10, 1]], convState: [[99], [7], [8]] },
  { state: [45], convState: [[7], [8], [3]] },
);

law("with the power 0 the state is a running sum", cases(qlstm, { options: { reversed: true } }), ({ x, n, o }) => {
  const steps = (upTo: number) =>
    qlstm({ ...x, a: tensor([], () => -1), x: tensor([upTo, n.M], (t, m) => at(x.x, t, m)) }, o).state;
  const gates = edit(x.wG, (v, _, c) => (c < n.A ? v + 1 : v));
  same(qlstm({ ...x, a: tensor([], () => -1), wG: gates }, o).state, steps(n.T));
});
law("the plain qLSTM is the reversed one with the forget gate negated and the power 1", cases(qlstm), ({ x, n, o }) => {
  const negated = {
    wG: edit(x.wG, (v, _, c) => (c < n.A ? -v : v)),
    ...(x.bG && { bG: edit(x.bG, (v, c) => (c < n.A ? -v : v)) }),
  };
  same(
    qlstm({ ...x, ...negated, a: tensor([], () => 1) }, { ...o, reversed: true }).out,
    qlstm(x, { ...o, reversed: false }).out,
  );
});
law(
  "its decay is that of a selective state space of rate −a whose step is the softplus of the forget gate",
  cases(qlstm, { sizes: { A: 1, K: 1 }, options: { reversed: true }, given: { a: true } }),
  ({ x, n, o }) => {
    const power = Math.abs(at(x.a)) + 0.5;
    const z = (t: number) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(x.wIn, m, 1);
      return total * at(x.conv, 0, 0) + (x.convB ? at(x.convB, 0) : 0);
    };
    const gate = (t: number, i: number) => z(t) * at(x.wG, 0, i) + (x.bG ? at(x.bG, i) : 0);
    const selective = mambaSelectiveSsm({
      u: tensor([n.T, 1], (t) => z(t) / (1 + Math.exp(-gate(t, 1))) / Math.log1p(Math.exp(gate(t, 0)))),
      delta: tensor([n.T, 1], (t) => gate(t, 0)),
      a: tensor([1, 1], () => -power),
      b: tensor([n.T, 1], () => 1),
      ...(x.state && { state: tensor([1, 1], () => at(x.state, 0)) }),
    });
    same(
      qlstm({ ...x, a: tensor([], () => power) }, o).state,
      tensor([1], () => at(selective.state, 0, 0)),
    );
  },
);
law(
  "features meet only in the gates: with none of a feature's weights it goes its own way",
  cases(qlstm, { sizes: { A: 2 } }),
  ({ x, n, o }) => {
    const apart = (t: Tensor) => edit(t, (v, j, c) => (j === 1 && c % n.A === 0 ? 0 : v));
    const wIn = edit(x.wIn, (v, _, c) => (c % n.A === 1 ? v + 1 : v));
    const first = (t: Tensor) => tensor([1], () => at(t, 0));
    same(first(qlstm({ ...x, wG: apart(x.wG), wIn }, o).state), first(qlstm({ ...x, wG: apart(x.wG) }, o).state));
  },
);
