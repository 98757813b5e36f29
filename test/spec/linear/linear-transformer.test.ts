import { linearTransformer as linear } from "../../../spec/linear/linear-transformer.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(linear);

const ln2 = Math.log(2);
example(
  "φ(0) = 1, φ(2) = 3 and φ(−ln 2) = ½: weights ½ and 3/2 and the denominator 2 + 2",
  linear,
  { q: [[-ln2]], k: [[0], [2]], v: [[4], [8]] },
  { out: [[3.5]], state: [[28]], z: [4] },
  { eps: 2 },
);
example(
  "both queries see both keys",
  linear,
  { q: [[0], [0]], k: [[0], [2]], v: [[4], [8]] },
  { out: [[7], [7]] },
  { eps: 1e-300 },
);
example(
  "the default ε of 10⁻⁶ halves what has a weight of 10⁻⁶",
  linear,
  { q: [[1]], k: [[1e-6]], v: [[6]] },
  { out: [[3]] },
  { feature: "relu" },
);
example(
  "relu: what is negative weighs nothing",
  linear,
  { q: [[2, -1]], k: [[3, -1]], v: [[7]] },
  { out: [[6]] },
  { feature: "relu", eps: 1 },
);
example(
  "identity: (−2)(−3) = 6 of 6 + 1",
  linear,
  { q: [[-2]], k: [[-3]], v: [[7]] },
  { out: [[6]], z: [-3] },
  { feature: "identity", eps: 1 },
);
example(
  "causal, two queries after one cached key: the last sees all three",
  linear,
  { q: [[1], [1]], k: [[1], [1], [2]], v: [[3], [6], [12]] },
  { out: [[3], [6.6]], state: [[33]], z: [4] },
  { feature: "relu", causal: true, eps: 1 },
);
example(
  "causal, a query that sees no key reads the given state",
  linear,
  { q: [[1], [1], [1]], k: [[1]], v: [[6]], state: [[4]], z: [1] },
  { out: [[2], [2], [10 / 3]] },
  { feature: "relu", causal: true, eps: 1 },
);

const phi = (x: number, feature: string) =>
  feature === "elu1" ? (x > 0 ? x + 1 : Math.exp(x)) : feature === "relu" ? Math.max(x, 0) : x;
law(
  "it is attention with the weights φ(q) · φ(k) over their sum and ε",
  cases(linear, { given: { state: false, z: false }, options: { causal: false } }),
  ({ x, n, o }) => {
    const range = (count: number) => Array.from({ length: count }, (_, i) => i);
    const weight = (t: number, s: number) =>
      range(n.D).reduce((sum, d) => sum + phi(at(x.q, t, d), o.feature) * phi(at(x.k, s, d), o.feature), 0);
    same(
      linear(x, o).out,
      tensor([n.Tq, n.E], (t, e) => {
        const size = range(n.Tk).reduce((sum, s) => sum + weight(t, s), o.eps);
        return range(n.Tk).reduce((sum, s) => sum + weight(t, s) * at(x.v, s, e), 0) / size;
      }),
    );
  },
);
law(
  "cut anywhere and resumed from its states, the causal form is the whole",
  cases(linear, { sizes: { Tq: 5, Tk: 5 }, options: { causal: true } }),
  ({ x, o }) => {
    const part = (from: number, to: number) => ({
      q: span(x.q, 0, from, to),
      k: span(x.k, 0, from, to),
      v: span(x.v, 0, from, to),
    });
    const head = linear({ ...x, ...part(0, 2) }, o);
    const tail = linear({ ...part(2, 5), state: head.state, z: head.z }, o);
    const whole = linear(x, o);
    same(head.out, span(whole.out, 0, 0, 2));
    same(tail.out, span(whole.out, 0, 2, 5));
    same(tail.state, whole.state);
    same(tail.z, whole.z);
  },
);
law("the last causal query gets what it gets without causality", cases(linear), ({ x, n, o }) => {
  same(
    span(linear(x, { ...o, causal: true }).out, 0, n.Tq - 1, n.Tq),
    span(linear(x, { ...o, causal: false }).out, 0, n.Tq - 1, n.Tq),
  );
});
law(
  "keys and ε scaled alike change nothing where φ is homogeneous",
  cases(linear, { options: { feature: "relu" }, given: { state: false, z: false } }),
  ({ x, o }) => same(linear({ ...x, k: edit(x.k, (v) => 3 * v) }, { ...o, eps: 3 * o.eps }).out, linear(x, o).out),
);
