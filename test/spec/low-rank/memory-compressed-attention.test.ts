import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { memoryCompressedAttention as compressed } from "../../../spec/low-rank/memory-compressed-attention.ts";
import { at, cases, edit, example, join, law, refuses, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(compressed);

const ln3 = Math.log(3);
const three = {
  q: [[1], [1], [1]],
  k: [[ln3], [1], [-1]],
  v: [[8], [1], [3]],
  convK: [[[1]], [[1]]],
  convV: [[[1]], [[1]]],
};
example("a zero before the first of three tokens: sums ln 3 and 0 of keys, 8 and 4 of values", compressed, three, {
  out: [[7], [7], [7]],
});
example(
  "causal: a block from its last token on, and a place of score and value 0 besides",
  compressed,
  three,
  { out: [[6], [6], [28 / 5]] },
  { causal: true },
);
example(
  "a bias of the keys shifts all scores, one of the values the result",
  compressed,
  { ...three, biasK: [5], biasV: [1] },
  {
    out: [[8], [8], [8]],
  },
);
example(
  "silu on compressed keys and values: ln 3 becomes ¾ ln 3",
  compressed,
  { q: [[1]], k: [[ln3]], v: [[ln3]], convK: [[[1]]], convV: [[[1]]] },
  { out: [[(0.75 * ln3) / (1 + 3 ** -0.75)]] },
  { nonlinearity: "silu", causal: true },
);
const first = { ...three, k: [[ln3], [-ln3], [50]], v: [[8], [-4], [99]] };
example(
  "t2t: the first token as it is, then a block of two, and the third token is dropped",
  compressed,
  first,
  { out: [[7], [7], [7]] },
  { variant: "t2t" },
);
example(
  "t2t and causal: a block only after its last token",
  compressed,
  first,
  { out: [[8], [8], [7]] },
  { variant: "t2t", causal: true },
);
example(
  "t2t: silu leaves the first token alone",
  compressed,
  first,
  { out: [[8], [8], [6 + 1 / (1 + Math.exp(-4))]] },
  { variant: "t2t", causal: true, nonlinearity: "silu" },
);
refuses("wK is left out and would be the identity, but M = 1 and D = 2 differ: give wK", compressed, {
  ...three,
  q: [
    [1, 1],
    [1, 1],
    [1, 1],
  ],
});

const times = (a: Tensor, b: Tensor | undefined) =>
  b
    ? tensor([a.shape[0]!, b.shape[1]!], (i, j) =>
        Array.from({ length: b.shape[0]! }, (_, c) => at(a, i, c) * at(b, c, j)).reduce((x, y) => x + y),
      )
    : a;
const zeros = (rows: number, columns: number) => tensor([rows, columns], () => 0);
law(
  "stride 1 with the identity kernel, not causal, is softmax attention",
  cases(compressed, {
    given: { wK: false, wV: false, biasK: false, biasV: false },
    options: { variant: "pad", nonlinearity: "none" },
  }),
  ({ x: { q, k, v }, o }) => {
    const one = (t: Tensor) => tensor([1, t.shape[1]!, t.shape[1]!], (_, a, b) => Number(a === b));
    same(
      compressed({ q, k, v, convK: one(k), convV: one(v) }, { ...o, causal: false }).out,
      attention({ q, k, v }).out,
    );
  },
);
law(
  "it is softmax attention to the memory, masked by the last tokens of the blocks",
  cases(compressed, { options: { nonlinearity: "none" } }),
  ({ x, n, o }) => {
    const t2t = o.variant === "t2t";
    const missing = t2t ? 0 : Math.ceil(n.T / n.K) * n.K - n.T;
    const count = Math.floor((n.T + missing) / n.K);
    const memory = (tokens: Tensor, kernel: Tensor, bias: Tensor | undefined, weight: Tensor | undefined) => {
      const width = tokens.shape[1]!;
      const padded = missing ? join(0, zeros(missing, width), tokens) : tokens;
      const taps = tensor([n.K * width, width], (i, m) => at(kernel, Math.floor(i / width), i % width, m));
      const windows = tensor([count, n.K * width], (j, i) => at(padded, n.K * j + Math.floor(i / width), i % width));
      const blocks = edit(times(windows, taps), (value, _, m) => value + (bias ? at(bias, m) : 0));
      return times(t2t ? join(0, span(tokens, 0, 0, 1), blocks) : blocks, weight);
    };
    const k = memory(x.k, x.convK, x.biasK, x.wK);
    const v = memory(x.v, x.convV, x.biasV, x.wV);
    const ends = Array.from({ length: count }, (_, j) => n.K * (j + 1) - 1 - missing);
    const sees = (i: number, u: number) => (t2t ? u === 0 || ends[u - 1]! < i : u === 0 || ends[u - 1]! <= i);
    const nothing = (t: Tensor) => (t2t ? t : join(0, zeros(1, t.shape[1]!), t));
    const wanted = o.causal
      ? attention({
          q: x.q,
          k: nothing(k),
          v: nothing(v),
          mask: tensor([n.T, count + 1], (i, u) => Number(sees(i, u))),
        })
      : attention({ q: x.q, k, v });
    same(compressed(x, o).out, wanted.out);
  },
);
law("causal: later tokens change nothing before", cases(compressed, { options: { causal: true } }), ({ x, n, o }) => {
  const later = (t: Tensor) => edit(t, (value, i) => (i === n.T - 1 ? value + 1.5 : value));
  same(
    span(compressed({ ...x, k: later(x.k), v: later(x.v) }, o).out, 0, 0, n.T - 1),
    span(compressed(x, o).out, 0, 0, n.T - 1),
  );
});
