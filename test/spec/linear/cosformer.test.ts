import { cosformer } from "../../../spec/linear/cosformer.ts";
import { at, cases, example, law, refuses, same, span, specify, tensor } from "../../kit.ts";

specify(cosformer);

example(
  "three tokens 30° apart: cos 60° = ½ of the outer two, the middle one is not seen",
  cosformer,
  { q: [[1], [1], [1]], k: [[1], [0], [1]], v: [[3], [9], [6]] },
  { out: [[4], [4.5], [5]] },
);
example(
  "one query and three keys: at the first query's place",
  cosformer,
  { q: [[2]], k: [[1], [0], [1]], v: [[3], [9], [6]] },
  { out: [[4]], z: [1.5, Math.sqrt(3) / 2] },
);
example(
  "three queries and one key: the angle goes by the queries",
  cosformer,
  { q: [[0], [0], [1]], k: [[1]], v: [[8]] },
  { out: [[0], [0], [4]] },
  { eps: 1 },
);
example(
  "m = 6: two places are 30°",
  cosformer,
  { q: [[1], [0], [1]], k: [[2], [0], [0]], v: [[1], [0], [0]] },
  { out: [[0.5], [0], [Math.sqrt(3) / 4]] },
  { m: 6, eps: 4 },
);
example(
  "relu: a query whose weights are all 0 gets zeros",
  cosformer,
  { q: [[-1, 1]], k: [[1, -1]], v: [[8]] },
  { out: [[0]] },
);
example(
  "elu(x) + 1 of 1 and −ln 2: 2 · ½",
  cosformer,
  { q: [[1]], k: [[-Math.log(2)]], v: [[8]] },
  { out: [[2]] },
  { act: "elu1", eps: 4 },
);
example(
  "the default least denominator of 10⁻⁶ is twice the weight",
  cosformer,
  { q: [[1]], k: [[5e-7]], v: [[8]] },
  { out: [[4]] },
);
example(
  "causal, after two tokens, in a right angle of three: cos 30° of the token before",
  cosformer,
  { q: [[1]], k: [[2]], v: [[3]], state: [[4], [0]], z: [1, 0] },
  { out: [[10 / 3]], state: [[10], [0]] },
  { causal: true, m: 3, offset: 2 },
);
refuses(
  "must be at most m: got Tq = 1, Tk = 1, m = 2, offset = 2",
  cosformer,
  { q: [[1]], k: [[1]], v: [[1]] },
  { m: 2, offset: 2 },
);
refuses(
  "must be at most m: got Tq = 1, Tk = 3",
  cosformer,
  { q: [[1]], k: [[1], [1], [1]], v: [[1], [1], [1]] },
  { m: 2 },
);
refuses("Tq must be Tk", cosformer, { q: [[1]], k: [[1], [1]], v: [[1], [1]] }, { causal: true });

law(
  "it is attention with the weights φ(q) · φ(k) times the cosine of the distance",
  cases(cosformer, { given: { state: false, z: false } }),
  ({ x, n, o }) => {
    const phi = (v: number) => (o.act === "relu" ? Math.max(v, 0) : v > 0 ? v + 1 : Math.exp(v));
    const range = (count: number) => Array.from({ length: count }, (_, i) => i);
    const weight = (t: number, s: number) =>
      o.causal && s > t
        ? 0
        : Math.cos(((Math.PI / 2) * (t - s)) / o.m) *
          range(n.D).reduce((sum, d) => sum + phi(at(x.q, t, d)) * phi(at(x.k, s, d)), 0);
    same(
      cosformer(x, o).out,
      tensor([n.Tq, n.E], (t, e) => {
        const size = Math.max(
          range(n.Tk).reduce((sum, s) => sum + weight(t, s), 0),
          o.eps,
        );
        return range(n.Tk).reduce((sum, s) => sum + weight(t, s) * at(x.v, s, e), 0) / size;
      }),
    );
  },
);
law(
  "cut anywhere and resumed at its place from its states, the causal form is the whole",
  cases(cosformer, { sizes: { Tq: 5, Tk: 5 }, options: { causal: true, m: 7, offset: 0 } }),
  ({ x, o }) => {
    const part = (from: number, to: number) => ({
      q: span(x.q, 0, from, to),
      k: span(x.k, 0, from, to),
      v: span(x.v, 0, from, to),
    });
    const head = cosformer({ ...x, ...part(0, 2) }, o);
    const tail = cosformer({ ...part(2, 5), state: head.state, z: head.z }, { ...o, offset: 2 });
    const whole = cosformer(x, o);
    same(head.out, span(whole.out, 0, 0, 2));
    same(tail.out, span(whole.out, 0, 2, 5));
    same(tail.state, whole.state);
    same(tail.z, whole.z);
  },
);
