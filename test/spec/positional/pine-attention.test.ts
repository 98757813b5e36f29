import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { pineAttention as pine } from "../../../spec/positional/pine-attention.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, example, law, pick, same, span, specify, type Tensor, tensor } from "../../kit.ts";

specify(pine);

const zero = [0, 0];
example(
  "two documents of one token between prefix and suffix see the prefix, themselves and each other",
  pine,
  { q: [[zero, zero, zero, zero]], k: [[zero, zero, zero, zero]], v: [[[12], [24], [36], [48]]] },
  { out: [[[12], [24], [24], [30]]] },
  { prefixLen: 1, segmentLens: [1, 1] },
);
example(
  "a document sees itself causally and the other whole, whichever comes first",
  pine,
  { q: [[zero, zero, zero]], k: [[zero, zero, zero]], v: [[[6], [12], [24]]] },
  { out: [[[15], [14], [14]]] },
  { segmentLens: [2, 1] },
);

const along = (size: number) => [size, 0];
const large = (Math.SQRT2 * Math.LN2) / Math.cos(1);
for (const [place, important] of ["first", "second"].entries())
  example(
    `the document that matters, the ${important}, is read one step away: score ln 2 against 0 and 0`,
    pine,
    {
      q: [[zero, zero, along(1)]],
      k: [[along(place === 0 ? large : 0), along(place === 1 ? large : 0), zero]],
      v: [[[place === 0 ? 12 : 0], [place === 1 ? 12 : 0], [0]]],
    },
    { out: [[[6], [6], [6]]] },
    { segmentLens: [1, 1] },
  );
example(
  "of equally important documents the earlier is nearer: one step against two",
  pine,
  { q: [[zero, zero, along(1)]], k: [[along(large), along(large), zero]], v: [[[1], [0], [0]]] },
  { out: [[[1 / 2], [1 / 2], [2 / (3 + 2 ** (Math.cos(2) / Math.cos(1)))]]] },
  { segmentLens: [1, 1] },
);

const wide = (size: number) => [size, 0, 0, 0];
const [far, middle] = [2.1 ** (2 * Math.cos(3)), 3 ** (2 * Math.cos(2))];
example(
  "importance has the scale ½ of D = 4: 2.1² < (3² + 1)/2 although 2.1 > (3 + 1)/2, so the second document is nearer",
  pine,
  {
    q: [[wide(0), wide(0), wide(0), wide(1)]],
    k: [[wide(4 * Math.log(2.1)), wide(4 * Math.log(3)), wide(0), wide(0)]],
    v: [[[1], [0], [0], [0]]],
  },
  { out: [[[1 / 3], [1 / 2], [1 / 3], [far / (far + middle + 2)]]] },
  { segmentLens: [1, 2] },
);

const rotated = (x: Tensor, base: number) =>
  rope({ x, positions: tensor([x.shape[0]!, x.shape[1]!], (_, t) => t) }, { base }).out;
const repeated = (x: Tensor, heads: number) => pick(x, 0, heads, (h) => Math.floor((h * x.shape[0]!) / heads));

for (const [name, segmentLens] of [
  ["no document", []],
  ["one document", [2]],
] as const)
  law(
    `with ${name} it is causal attention after a rotary embedding, with shared key heads`,
    cases(pine, { options: { segmentLens } }),
    ({ x, n, o }) => {
      const [k, v] = [repeated(x.k, n.Hq), repeated(x.v, n.Hq)];
      same(
        pine(x, o).out,
        attention({ q: rotated(x.q, o.ropeBase), k: rotated(k, o.ropeBase), v }, { causal: true }).out,
      );
    },
  );
law(
  "exchanging documents exchanges their outputs and changes nothing else",
  cases(pine, { options: { segmentLens: [2, 1, 1] }, sizes: { T: 7 } }, { values: "normal" }),
  ({ x, n, o }) => {
    const P = o.prefixLen;
    const order = [...Array.from({ length: P }, (_, i) => i), P + 3, P, P + 1, P + 2];
    const exchanged = (t: Tensor) => pick(t, 1, n.T, (i) => order[i] ?? i);
    same(
      pine({ q: exchanged(x.q), k: exchanged(x.k), v: exchanged(x.v) }, { ...o, segmentLens: [1, 2, 1] }).out,
      exchanged(pine(x, o).out),
    );
  },
);
law(
  "prefix and documents do not see what follows them, nor the prefix the documents",
  cases(pine, { options: { segmentLens: [1, 2] } }),
  ({ x, o }) => {
    const [P, end] = [o.prefixLen, o.prefixLen + 3];
    const whole = pine(x, o).out;
    const cut = (to: number, segmentLens: readonly number[]) =>
      pine({ q: span(x.q, 1, 0, to), k: span(x.k, 1, 0, to), v: span(x.v, 1, 0, to) }, { ...o, segmentLens }).out;
    same(cut(end, o.segmentLens), span(whole, 1, 0, end));
    if (P) same(cut(P, []), span(whole, 1, 0, P));
  },
);
law(
  "the base of the rotary frequencies is 10000 unless given",
  cases(pine, { options: { segmentLens: [], ropeBase: null }, sizes: { D: 4, Hq: 1, Hk: 1 } }),
  ({ x }) => {
    same(pine(x).out, attention({ q: rotated(x.q, 10000), k: rotated(x.k, 10000), v: x.v }, { causal: true }).out);
  },
);
