import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { hgrn2 } from "../../../spec/linear/hgrn2.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(hgrn2);

const silu1 = 1 / (1 + Math.exp(-1));
const one = { x: [[1]], wQ: [[1]], wF: [[0]], wI: [[6]], norm: [2], wO: [[5]] };
example(
  "a gate of ½ keeps 4 of 8 and writes half of 6: 7; the norm then leaves the sign",
  hgrn2,
  { ...one, state: [[[8]]] },
  { out: [[10 / Math.sqrt(1 + 1e-5 / (7 * silu1) ** 2)]], state: [[[7]]] },
);
example(
  "a bound of ½ lifts the gate to ¾: 8 keeps 6, and a quarter of 6 is written",
  hgrn2,
  { ...one, lowerBound: [0.5], state: [[[8]]] },
  { out: [[10]], state: [[[7.5]]] },
  { eps: 0 },
);
const bounds = { gamma: [[0], [Math.log(2)], [0]] };
example(
  "shares ¼, ½ and ¼ of three layers: no bound in the first",
  hgrn2,
  { ...one, ...bounds, state: [[[8]]] },
  { state: [[[7]]] },
  { layer: 0 },
);
example("a bound of ½ in the second", hgrn2, { ...one, ...bounds, state: [[[8]]] }, { state: [[[7.5]]] }, { layer: 1 });
example(
  "a bound of ¾ in the third: a gate of 7/8",
  hgrn2,
  { ...one, ...bounds, state: [[[8]]] },
  { state: [[[7.75]]] },
  { layer: 2 },
);
example(
  "at D = 4 the query is halved; the norm is over both heads together, 3 and 4 of root mean square √12.5",
  hgrn2,
  {
    x: [[1]],
    wQ: [[1, 1, 1, 1, 1, 1, 1, 1]],
    wF: [[0, 0, 0, 0, 0, 0, 0, 0]],
    wI: [[3 / silu1, 4 / silu1]],
    norm: [1, 10],
    wO: [[1], [1]],
  },
  { out: [[43 / Math.sqrt(13.5)]] },
  { heads: 2, eps: 1 },
);
refuses("lowerBound and gamma exclude each other", hgrn2, { ...one, ...bounds, lowerBound: [0] });
refuses("layer must be below L", hgrn2, { ...one, ...bounds }, { layer: 3 });
refuses("layer must be below L", hgrn2, one, { layer: 1 });

law(
  "is gated linear attention with the logarithms of the gates, and what they let go as keys",
  cases(hgrn2, { options: { heads: 1 }, given: { gamma: false } }),
  ({ x, n, o }) => {
    const project = (w: typeof x.wQ, t: number, i: number) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(w, m, i);
      return total;
    };
    const f = tensor([n.T, n.D], (t, d) => {
      const floor = x.lowerBound ? at(x.lowerBound, d) : 0;
      return floor + (1 - floor) / (1 + Math.exp(-project(x.wF, t, d)));
    });
    const { out, state } = gatedLinearAttention(
      {
        q: tensor([n.T, n.D], (t, d) => project(x.wQ, t, d) / (1 + Math.exp(-project(x.wQ, t, d)))),
        k: edit(f, (v) => 1 - v),
        v: tensor([n.T, n.E], (t, e) => project(x.wI, t, e)),
        g: edit(f, Math.log),
        ...(x.state && { state: tensor([n.D, n.E], (d, e) => at(x.state, 0, d, e)) }),
      },
      { scale: o.scale },
    );
    const actual = hgrn2(x, o);
    same(
      actual.state,
      tensor([1, n.D, n.E], (_, d, e) => at(state, d, e)),
    );
    same(
      actual.out,
      tensor([n.T, n.Mo], (t, m) => {
        let [total, square] = [0, 0];
        for (let e = 0; e < n.E; e++) square += at(out, t, e) ** 2 / n.E;
        for (let e = 0; e < n.E; e++)
          total += (at(out, t, e) / Math.sqrt(square + o.eps)) * at(x.norm, e) * at(x.wO, e, m);
        return total;
      }),
      // The norm divides by what may be small.
      1e-9,
    );
  },
);
law(
  "a bound of 1 keeps the state",
  cases(hgrn2, { given: { state: true, lowerBound: true, gamma: false } }),
  ({ x, o }) => same(hgrn2({ ...x, lowerBound: edit(x.lowerBound, () => 1) }, o).state, x.state),
);
law("with ε = 0 the factor on the queries is of no account", cases(hgrn2, { options: { eps: 0 } }), ({ x, o }) => {
  const wQ = edit(x.wQ, () => 1);
  const xs = edit(x.x, (v) => Math.abs(v) + 1);
  const wI = edit(x.wI, (v) => v + 5);
  const given = { ...x, x: xs, wQ, wI };
  same(hgrn2(given, { ...o, scale: 3 }).out, hgrn2(given, { ...o, scale: 0.5 }).out);
});
