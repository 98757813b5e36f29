import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { linearTransformer } from "../../../spec/linear/linear-transformer.ts";
import { performerFavor as performer } from "../../../spec/linear/performer-favor.ts";
import { at, cases, example, fc, law, same, span, specify, tensor } from "../../kit.ts";

specify(performer);

const third = Math.sqrt(2 * Math.log(3));
example(
  "w = 0: a key of length² 2 ln 3 has the feature ⅓, one of length 0 has 1",
  performer,
  { q: [[5]], k: [[third], [0]], v: [[8], [4]], wP: [[0]] },
  { out: [[5]] },
  { eps: 0 },
);
example(
  "the default ε of 10⁻⁴ is what a far key still has: 10⁻⁴ against 1.0001",
  performer,
  { q: [[1]], k: [[100], [0]], v: [[10002], [0]], wP: [[0]] },
  { out: [[1]] },
);
example(
  "with m: features e^(½ − ½ − 1) + ½ and e^(0 − 1) + ½ of two features each, halved",
  performer,
  { q: [[0]], k: [[1]], v: [[3]], wP: [[1], [0]] },
  { out: [[3]], z: [(Math.exp(-0.5) + 0.5) / Math.SQRT2, (Math.exp(-1.5) + 0.5) / Math.SQRT2] },
  { eps: 0.5 },
);
example(
  "without m: e^(1 − ½) + ½ and e^(−½) + ½",
  performer,
  { q: [[0]], k: [[1]], v: [[3]], wP: [[1], [0]] },
  { out: [[3]], z: [(Math.exp(0.5) + 0.5) / Math.SQRT2, (Math.exp(-0.5) + 0.5) / Math.SQRT2] },
  { eps: 0.5, stabilised: false },
);
example(
  "D = 16: w · x is halved and half the length² is ⅛ of it",
  performer,
  { q: [Array(16).fill(0)], k: [[2, ...Array(15).fill(0)]], v: [[3]], wP: [[3, ...Array(15).fill(0)]] },
  { out: [[3]], z: [Math.exp(3 - 0.5)] },
  { eps: 0, stabilised: false },
);
example(
  "relu: features max(u, 0) + ½ of 1 and −1; causal, the first query sees the first key alone and δ counts once a feature",
  performer,
  { q: [[1], [1]], k: [[1], [-1]], v: [[4], [8]], wP: [[1], [-1]] },
  {
    out: [[(4 * (1.5 * 1.5 + 0.5 * 0.5)) / (2.5 + 2)], [(4 * 2.5 + 8 * 1.5) / (2.5 + 1.5 + 2)]],
    state: [[4 * 1.5 + 8 * 0.5], [4 * 0.5 + 8 * 1.5]],
    z: [2, 2],
  },
  { kernel: "relu", reluEps: 0.5, causal: true, denominatorEps: 1 },
);
example(
  "δ is not in the form that is not causal",
  performer,
  { q: [[1]], k: [[1]], v: [[4]], wP: [[1]] },
  { out: [[4]] },
  { denominatorEps: 1 },
);
example(
  "causal, a query before all keys reads the given state",
  performer,
  { q: [[0], [0]], k: [[0]], v: [[6]], wP: [[0]], state: [[4]], z: [2] },
  { out: [[2], [10 / 3]] },
  { causal: true, eps: 0, denominatorEps: 0 },
);

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
law(
  "without m and ε the weights are the means of e^(w · (q + k)) e^(−(|q|² + |k|²)/2), scaled",
  cases(performer, {
    given: { state: false, z: false },
    options: { kernel: "softmax", stabilised: false, eps: 0, causal: false },
  }),
  ({ x, n, o }) => {
    const a = n.D ** -0.25;
    const weight = (t: number, s: number) =>
      range(n.N).reduce((sum, j) => {
        const dots = range(n.D).map((d) => {
          const [q, k] = [a * at(x.q, t, d), a * at(x.k, s, d)];
          return at(x.wP, j, d) * (q + k) - (q * q + k * k) / 2;
        });
        return sum + Math.exp(dots.reduce((p, c) => p + c, 0)) / n.N;
      }, 0);
    same(
      performer(x, o).out,
      tensor([n.Tq, n.E], (t, e) => {
        const size = range(n.Tk).reduce((sum, s) => sum + weight(t, s), 0);
        return range(n.Tk).reduce((sum, s) => sum + weight(t, s) * at(x.v, s, e), 0) / size;
      }),
    );
  },
);
law(
  "without ε the maxima cancel",
  cases(performer, {
    given: { state: false, z: false },
    options: { kernel: "softmax", eps: 0, denominatorEps: 0 },
    sizes: { Tq: 3, Tk: 3 },
  }),
  ({ x, o }) => same(performer(x, { ...o, stabilised: true }).out, performer(x, { ...o, stabilised: false }).out),
);
law(
  "features at the nodes of Gauss and Hermite give softmax attention to the sixth order",
  fc.array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), { minLength: 6, maxLength: 6 }),
  (values) => {
    const node = Math.sqrt(3);
    const x = {
      q: tensor([2, 1], (t) => values[t]!),
      k: tensor([2, 1], (t) => values[2 + t]!),
      v: tensor([2, 1], (t) => values[4 + t]!),
    };
    const wP = tensor([6, 1], (j) => [0, 0, 0, 0, node, -node][j]!);
    same(performer({ ...x, wP }, { eps: 0 }).out, attention(x).out, 1e-7);
  },
);
law(
  "relu on projections that are the features is the Linear Transformer of relu + ε",
  cases(performer, { options: { kernel: "relu" }, given: { state: false, z: false }, sizes: { D: 1, N: 1 } }),
  ({ x, o }) => {
    const feature = (t: typeof x.q) =>
      tensor([t.shape[0]!, 1], (s) => Math.max(at(x.wP, 0, 0) * at(t, s, 0), 0) + o.reluEps);
    const [q, k] = [feature(x.q), feature(x.k)];
    same(
      performer(x, { ...o, causal: false }).out,
      linearTransformer({ q, k, v: x.v }, { feature: "relu", eps: 1e-300 }).out,
    );
  },
);
law(
  "cut anywhere and resumed from its states, the causal form is the whole",
  cases(performer, { sizes: { Tq: 5, Tk: 5 }, options: { causal: true, stabilised: false } }),
  ({ x, o }) => {
    const part = (from: number, to: number) => ({
      q: span(x.q, 0, from, to),
      k: span(x.k, 0, from, to),
      v: span(x.v, 0, from, to),
      wP: x.wP,
    });
    const head = performer({ ...x, ...part(0, 2) }, o);
    const tail = performer({ ...part(2, 5), state: head.state, z: head.z }, o);
    const whole = performer(x, o);
    same(head.out, span(whole.out, 0, 0, 2));
    same(tail.out, span(whole.out, 0, 2, 5));
    same(tail.state, whole.state);
    same(tail.z, whole.z);
  },
);
law(
  "the last causal query gets what it gets without causality, but for δ",
  cases(performer, { options: { denominatorEps: 0 } }),
  ({ x, n, o }) => {
    same(
      span(performer(x, { ...o, causal: true }).out, 0, n.Tq - 1, n.Tq),
      span(performer(x, { ...o, causal: false }).out, 0, n.Tq - 1, n.Tq),
    );
  },
);
