import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { ropeAlibiHarmonic as harmonic } from "../../../spec/positional/rope-alibi-harmonic.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, law, reshape, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(harmonic);

const zeros = [
  [0, 0],
  [0, 0],
];
const e = Math.E;
example(
  "without content the penalties decide: slope 1 in the first head, ½ in the second",
  harmonic,
  {
    q: [zeros, zeros],
    k: [zeros, zeros],
    v: [
      [[1], [0]],
      [[1], [0]],
    ],
  },
  {
    out: [
      [[1], [1 / (1 + e)]],
      [[1], [1 / (1 + Math.sqrt(e))]],
    ],
  },
);
example(
  "multiplicative: without content all weigh alike",
  harmonic,
  {
    q: [zeros, zeros],
    k: [zeros, zeros],
    v: [
      [[1], [0]],
      [[1], [0]],
    ],
  },
  {
    out: [
      [[1], [0.5]],
      [[1], [0.5]],
    ],
  },
  { factor: "multiplicative" },
);
const slow = (x: number) => [0, x, 0, 0];
example(
  "multiplicative, at D = 4 a score of 2 ln 3 halved by a distance of 1: weights ¾ and ¼, the second pair turning 1/100",
  harmonic,
  {
    q: [[slow(0), slow(4)]],
    k: [[slow(Math.log(3) / Math.cos(0.01)), slow(0)]],
    v: [[[8], [0]]],
  },
  { out: [[[8], [6]]] },
  { factor: "multiplicative" },
);

const head = (t: Tensor, h: number) => reshape(span(t, 0, h, h + 1), ...t.shape.slice(1));
law(
  "is attention among turned queries and keys, with the penalty as bias",
  cases(harmonic, { options: { factor: "additive" } }),
  ({ x, n, o }) => {
    const { out } = harmonic(x, o);
    const positions = tensor([n.T], (t) => t);
    for (let h = 0; h < n.H; h++) {
      const turned = (t: Tensor) => rope({ x: head(t, h), positions }, { base: o.base }).out;
      const bias = tensor([n.T, n.T], (t, s) => (s - t) / (h + 1));
      same(head(out, h), attention({ q: turned(x.q), k: turned(x.k), v: head(x.v, h), bias }, { causal: true }).out);
    }
  },
);
law(
  "multiplicative, the last query sees each key shrunk by its distance",
  cases(harmonic, { options: { factor: "multiplicative" } }),
  ({ x, n, o }) => {
    const { out } = harmonic(x, o);
    const positions = tensor([n.T], (t) => t);
    const last = (t: Tensor) => span(t, 0, n.T - 1, n.T);
    for (let h = 0; h < n.H; h++) {
      const turned = (t: Tensor) => rope({ x: head(t, h), positions }, { base: o.base }).out;
      const k = edit(turned(x.k), (value, s) => value / (1 + (n.T - 1 - s) / (h + 1)));
      same(last(head(out, h)), attention({ q: last(turned(x.q)), k, v: head(x.v, h) }).out);
    }
  },
);
