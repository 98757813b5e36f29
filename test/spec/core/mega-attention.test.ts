import { megaAttention as mega } from "../../../spec/core/mega-attention.ts";
import { cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(mega);

const silu = (x: number) => x / (1 + Math.exp(-x));
const open = 100;
const averaging = {
  x: [[7], [8], [9]],
  normG: [5],
  normB: [1],
  wV: [[0]],
  bV: [0],
  w: [[0, 0, 0, 1]],
  b: [open, 0, 0, 0],
  wH: [[0]],
  bH: [0],
  gamma: [[0], [0]],
  beta: [[0], [0]],
  bias: [0, 0, 0, 0, 0],
  emaDelta: [[0]],
  emaAlpha: [[0]],
  emaBeta: [[4]],
  emaGamma: [[1]],
  emaOmega: [0],
};
const shown = (...averages: number[]) => averages.map((e) => [silu(silu(e))]);
example("tokens of 1 after the norm: p = a = ½, so the kernel is 2, 3/2, 9/8", mega, averaging, {
  out: shown(2, 3.5, 4.625),
});
example("cut after two entries", mega, averaging, { out: shown(2, 3.5, 3.5) }, { truncation: 2 });
example(
  "from both sides, the second kernel 4, 3, 9/4, each with the token itself, and ω times the token",
  mega,
  {
    ...averaging,
    emaDelta: [[0], [0]],
    emaAlpha: [[0], [0]],
    emaBeta: [[4], [8]],
    emaGamma: [[1], [1]],
    emaOmega: [10],
  },
  { out: shown(2 + 9.25 + 10, 3.5 + 7 + 10, 4.625 + 4 + 10) },
  { causal: false },
);
example(
  "two components add up over √2",
  mega,
  { ...averaging, emaDelta: [[0, 0]], emaAlpha: [[0, 0]], emaBeta: [[4, 8]], emaGamma: [[1, 0.5]] },
  { out: shown(...[2, 3.5, 4.625].map((e) => e * Math.SQRT2)) },
);
example(
  "a gate half open mixes the token and what is new",
  mega,
  { ...averaging, b: [0, 0, 0, 0] },
  { out: [2, 3.5, 4.625].map((e, t) => [(7 + t + silu(silu(e))) / 2]) },
);

const one = Math.sqrt(1 + 1e-5);
const attending = {
  x: [
    [1, -1],
    [-1, 1],
  ],
  normG: [one, one],
  normB: [0, 0],
  wV: [[100], [0]],
  bV: [0],
  w: [0, 0].map(() => [0, 0, 0, 0, 0, 0]),
  b: [open, open, 0, 100, 0, 0],
  wH: [[0.01, 0]],
  bH: [0, 0],
  gamma: [[0], [0]],
  beta: [[0], [0]],
  bias: [Math.log(3), 0, -50],
  emaDelta: [[0], [0]],
  emaAlpha: [[0], [0]],
  emaBeta: [[1], [1]],
  emaGamma: [[1], [1]],
  emaOmega: [0, 0],
};
const seen = (...values: number[]) => values.map((value) => [value, 0]);
example("values 100 and 0, bias ln 3 one token back: weights ¾ and ¼; the gain undoes ε = 10⁻⁵", mega, attending, {
  out: seen(100, 75),
});
example("in chunks of one token each sees itself", mega, attending, { out: seen(100, 0) }, { chunk: 1 });
example(
  "relu2: the product 6 counts by the number of keys, 6 and 3, the bias whole",
  mega,
  { ...attending, beta: [[2], [3]], bias: [-1, 0, 0] },
  { out: seen(3600, 400) },
  { activation: "relu2" },
);
example(
  "relu2 leaves out what is negative",
  mega,
  { ...attending, bias: [-1, -2, 0] },
  { out: seen(0, 0) },
  { activation: "relu2" },
);
example(
  "laplace is ½ at its middle and Φ(1) one width beyond",
  mega,
  { ...attending, bias: [989202e-6, 707107e-6, 0] },
  { out: seen(50, 84.1344746068543) },
  { activation: "laplace" },
);
example(
  "without causal each of two tokens has two keys and the bias one token ahead",
  mega,
  {
    ...attending,
    beta: [[2], [3]],
    bias: [-1, 1, -2],
    emaDelta: [[0], [0], [0], [0]],
    emaAlpha: [[0], [0], [0], [0]],
    emaBeta: [[0], [0], [0], [0]],
    emaGamma: [[0], [0], [0], [0]],
  },
  { out: seen(1600, 400) },
  { causal: false, activation: "relu2" },
);

law("with the gate shut the tokens pass through", cases(mega), ({ x, n, o }) => {
  const w = edit(x.w, (value, _, a) => (a < n.M ? 0 : value));
  const b = edit(x.b, (value, a) => (a < n.M ? -1000 : value));
  same(
    mega({ ...x, w, b }, o).out,
    edit(x.x, (value) => value),
  );
});
law("a chunk as long as the sequence is none", cases(mega), ({ x, n, o }) => {
  if ((n.P + 1) / 2 >= n.T)
    same(mega(x, { ...o, chunk: n.T }).out, mega(x, { ...o, chunk: Number.POSITIVE_INFINITY }).out);
});
law("a longer bias with the same middle changes nothing", cases(mega), ({ x, n, o }) => {
  const bias = tensor([n.P + 2], (i) => (i === 0 || i === n.P + 1 ? 99 : Number(x.bias.data[i - 1])));
  same(mega({ ...x, bias }, o).out, mega(x, o).out);
});
law(
  "without the kernel from the future the average is the causal one",
  cases(mega, { options: { causal: false, chunk: 1 } }),
  ({ x, n, o }) => {
    const half = (t: typeof x.emaBeta) => tensor([n.M, n.N], (c, r) => Number(t.data[c * n.N + r]));
    const cut = {
      ...x,
      emaDelta: half(x.emaDelta),
      emaAlpha: half(x.emaAlpha),
      emaBeta: half(x.emaBeta),
      emaGamma: half(x.emaGamma),
    };
    const emaBeta = edit(x.emaBeta, (value, c) => (c < n.M ? value : 0));
    same(mega({ ...x, emaBeta }, o).out, mega(cut, { ...o, causal: true }).out);
  },
);
law("with as many kernel entries as tokens the truncation does nothing", cases(mega), ({ x, n, o }) =>
  same(mega(x, { ...o, truncation: n.T }).out, mega(x, { ...o, truncation: Number.POSITIVE_INFINITY }).out),
);
