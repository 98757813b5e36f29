import { denseSparseFactorizedLinear as layer } from "../../../spec/low-rank/dense-sparse-factorized-linear.ts";
import { at, cases, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(layer);

const given = { x: [[2]], d: [[1, 2, 3, 5]], sLatent: [[1], [-3], [1], [1]] };
example(
  "one of every two rows: −3 beats 1, and of equal entries the first is kept",
  layer,
  { ...given, b: [10] },
  { out: [[4]], sparse: [[0], [-3], [1], [0]] },
  { group: 2, keep: 1 },
);
example(
  "all rows are one group by default",
  layer,
  given,
  { out: [[-12]], sparse: [[0], [-3], [0], [0]] },
  { keep: 1 },
);
example("everything is kept by default", layer, given, { out: [[6]], sparse: [[1], [-3], [1], [1]] });

const product = (n: number, f: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
law("it is the dense layer of the weight D S", cases(layer), ({ x, n, o }) => {
  const { out, sparse } = layer(x, o);
  const weight = tensor([n.M, n.Mo], (m, j) => product(n.R, (r) => at(x.d, m, r) * at(sparse, r, j)));
  same(
    out,
    tensor([n.T, n.Mo], (t, j) => product(n.M, (m) => at(x.x, t, m) * at(weight, m, j)) + (x.b ? at(x.b, j) : 0)),
  );
});
law("keeping all of a group is the low-rank layer of the latent matrix", cases(layer), ({ x, n, o }) => {
  same(layer(x, { ...o, keep: o.group }).sparse, x.sLatent);
  same(layer(x, { group: n.R, keep: n.R }).out, layer(x).out);
});
law("what is kept of what was kept is the same", cases(layer), ({ x, o }) => {
  const { out, sparse } = layer(x, o);
  same(layer({ ...x, sLatent: sparse }, o).out, out);
});
law("each group keeps its number of entries, none smaller than one it drops", cases(layer), ({ x, n, o }) => {
  const s = layer({ ...x, sLatent: tensor([n.R, n.Mo], (r, j) => 1 + ((7 * r + j) % 5)) }, o).sparse;
  for (let j = 0; j < n.Mo; j++)
    for (let start = 0; start < n.R; start += o.group) {
      const rows = Array.from({ length: o.group }, (_, i) => start + i);
      const kept = rows.filter((r) => at(s, r, j) !== 0);
      if (kept.length !== Math.min(o.keep, o.group)) fail(`${kept.length} entries of a group are kept`);
      const least = Math.min(...kept.map((r) => at(s, r, j)));
      if (rows.some((r) => !kept.includes(r) && 1 + ((7 * r + j) % 5) > least)) fail("a larger entry was dropped");
    }
});
