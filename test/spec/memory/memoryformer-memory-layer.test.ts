import { memoryformerMemoryLayer as layer } from "../../../spec/memory/memoryformer-memory-layer.ts";
import { at, cases, edit, example, fail, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(layer);

const half = Math.log(3) / 2;
const rows = (length: number, at: number, value: number) => Array.from({ length }, (_, i) => [i === at ? value : 0]);
example(
  "signs (+, −) are row 1; each coordinate of ½ ln 3 weighs ¾",
  layer,
  { x: [[half, -half]], tables: [rows(4, 1, 16)] },
  { out: [[9]] },
  { tau: 2 },
);
example(
  "signs (−, +) are row 2; a coordinate 0 is + and weighs ½",
  layer,
  { x: [[-half, 0]], tables: [rows(4, 2, 16)] },
  { out: [[6]] },
  { tau: 2 },
);
example(
  "at temperature 2 it takes twice as much",
  layer,
  { x: [[2 * half]], tables: [rows(2, 1, 16)] },
  { out: [[12]] },
  { tau: 1, temperature: 2 },
);
example(
  "a short last chunk is filled with zeros: rows 0 and 3 of two tables",
  layer,
  { x: [[-half, -half, half]], tables: [rows(4, 0, 16), rows(4, 3, 16)] },
  { out: [[15]] },
  { tau: 2 },
);
example(
  "rows as they are",
  layer,
  { x: [[-half, half]], tables: [rows(4, 2, 16)] },
  { out: [[16]] },
  { tau: 2, useWeight: false },
);
const sign = (plus: number) => Array.from({ length: 8 }, (_, i) => (i === plus ? half : -half));
example(
  "eight coordinates make an address unless told otherwise: the last is bit 7",
  layer,
  {
    x: [sign(7), sign(0)],
    tables: [Array.from({ length: 256 }, (_, i) => [i === 128 ? 65536 : i === 1 ? 131072 : 0])],
  },
  { out: [[6561], [13122]] },
);
refuses("tables", layer, { x: [[1, 1, 1]], tables: [rows(4, 0, 1)] }, { tau: 2 });

law(
  "the weight is the softmax of the products with all codes of signs, at the code taken",
  cases(layer, { sizes: { M: 3, Mo: 8 }, options: { tau: 3, useWeight: true } }),
  ({ x, n, o }) => {
    const tables = tensor([1, 8, 8], (_, row, m) => Number(row === m));
    const product = (t: number, code: number) =>
      [0, 1, 2].map((i) => ((code >> i) & 1 ? 1 : -1) * at(x.x, t, i)).reduce((a, b) => a + b, 0) / o.temperature;
    const total = (t: number) =>
      Array.from({ length: 8 }, (_, code) => Math.exp(product(t, code))).reduce((a, b) => a + b, 0);
    const taken = (t: number) => [0, 1, 2].map((i) => (at(x.x, t, i) >= 0 ? 2 ** i : 0)).reduce((a, b) => a + b, 0);
    same(
      layer({ x: x.x, tables }, o).out,
      tensor([n.T, 8], (t, code) => (code === taken(t) ? Math.exp(product(t, code)) / total(t) : 0)),
    );
  },
);
law("far from zero every weight is 1", cases(layer, { options: { useWeight: true } }), ({ x, o }) => {
  const far = { ...x, x: edit(x.x, (v) => (v >= 0 ? 1000 : -1000)) };
  if (x.x.shape[1]! % o.tau === 0) same(layer(far, o).out, layer(x, { ...o, useWeight: false }).out);
});
law("a weight lies between 2 to the −τ and 1", cases(layer, { options: { useWeight: true } }), ({ x, n, o }) => {
  const { out } = layer({ ...x, tables: edit(x.tables, () => 1) }, o);
  for (const total of out.data)
    if (total < n.G * 2 ** -o.tau * (1 - 1e-12) || total > n.G) fail(`the weights of ${n.G} tables sum to ${total}`);
});
