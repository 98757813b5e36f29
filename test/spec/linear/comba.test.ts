import { comba } from "../../../spec/linear/comba.ts";
import { deltanet } from "../../../spec/linear/deltanet.ts";
import { gatedDeltanet } from "../../../spec/linear/gated-deltanet.ts";
import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(comba);

const half = Math.log(0.5);
example(
  "8 is read before it fades to 4: half of 10 − 8 is added",
  comba,
  { q: [[1], [1]], k: [[1], [1]], v: [[8], [10]], p: [[1], [1]], g: [-7, half], beta: [1, 0.5] },
  { out: [[8], [5]], state: [[5]] },
);
example(
  "read at p, which meets the second row, written at k, the first",
  comba,
  { q: [[1, 1]], k: [[1, 0]], v: [[10]], p: [[0, 1]], g: [half], beta: [1], state: [[2], [6]] },
  { out: [[8]], state: [[5], [3]] },
  { scale: 1 },
);
example(
  "at D = 4 the query is halved, the keys are not",
  comba,
  { q: [[6, 0, 0, 0]], k: [[1, 0, 0, 0]], v: [[2]], p: [[1, 0, 0, 0]], g: [0], beta: [1] },
  { out: [[6]] },
);

law("read at the key faded alike it is Gated DeltaNet", cases(comba), ({ x, o }) => {
  const { p, ...rest } = x;
  const [actual, wanted] = [
    comba({ ...rest, p: edit(x.k, (k, t) => Math.exp(at(x.g, t)) * k) }, o),
    gatedDeltanet(rest, o),
  ];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law("without decay and read at the key it is DeltaNet", cases(comba), ({ x: { p, g, ...rest }, o }) => {
  const [actual, wanted] = [comba({ ...rest, p: rest.k, g: edit(g, () => 0) }, o), deltanet(rest, o)];
  same(actual.out, wanted.out);
  same(actual.state, wanted.state);
});
law(
  "read at nothing it is gated linear attention with the values weakened by the strengths",
  cases(comba),
  ({ x, o }) => {
    const { p, v, g, beta, ...rest } = x;
    const [actual, wanted] = [
      comba({ ...x, p: edit(p, () => 0) }, o),
      gatedLinearAttention(
        { ...rest, v: edit(v, (value, t) => value * at(beta, t)), g: edit(rest.q, (_, t) => at(g, t)) },
        o,
      ),
    ];
    same(actual.out, wanted.out);
    same(actual.state, wanted.state);
  },
);
law("the state goes through a number plus a matrix of rank one", cases(comba), ({ x, n, o }) => {
  let S = tensor([n.D, n.E], (d, e) => (x.state ? at(x.state, d, e) : 0));
  for (let t = 0; t < n.T; t++) {
    const before = S;
    S = tensor([n.D, n.E], (i, e) => {
      let total = at(x.beta, t) * at(x.k, t, i) * at(x.v, t, e);
      for (let j = 0; j < n.D; j++) {
        const transition = (i === j ? Math.exp(at(x.g, t)) : 0) - at(x.beta, t) * at(x.k, t, i) * at(x.p, t, j);
        total += transition * at(before, j, e);
      }
      return total;
    });
  }
  same(comba(x, o).state, S);
});
