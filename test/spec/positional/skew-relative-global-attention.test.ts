import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { shawRelativeAttention as shaw } from "../../../spec/positional/shaw-relative-attention.ts";
import { skewRelativeGlobalAttention as global } from "../../../spec/positional/skew-relative-global-attention.ts";
import { at, cases, edit, example, join, law, reshape, same, span, specify, tensor } from "../../kit.ts";

specify(global);

example(
  "two tokens use the last two rows: distance 1 scores ln 3, distance 0 scores 0",
  global,
  { q: [[1], [1]], k: [[0], [0]], v: [[8], [0]], eR: [[99], [Math.log(3)], [0]] },
  { out: [[8], [6]] },
);

law("the skewed product is the table of relative scores", cases(global), ({ x: { q, k, v, eR }, n }) => {
  const E = span(eR, 0, n.P - n.T, n.P);
  const product = tensor([n.T, n.T], (t, c) =>
    Array.from({ length: n.D }, (_, d) => at(q, t, d) * at(E, c, d)).reduce((a, b) => a + b),
  );
  const padded = join(
    1,
    tensor([n.T, 1], () => 0),
    product,
  );
  const skewed = span(reshape(padded, n.T + 1, n.T), 0, 1, n.T + 1);
  const bias = edit(skewed, (s) => s / Math.sqrt(n.D));
  same(global({ q, k, v, eR }).out, attention({ q, k, v, bias }, { causal: true }).out);
});
law("is Shaw's on keys alone, with all distances told apart", cases(global), ({ x: { q, k, v, eR }, n }) => {
  const oneHead = (t: typeof q) => reshape(t, 1, ...t.shape);
  const aK =
    n.P > 1
      ? join(
          0,
          eR,
          tensor([n.P - 1, n.D], () => 77),
        )
      : eR;
  const out = shaw({ q: oneHead(q), k: oneHead(k), v: oneHead(v), aK }, { maxRel: n.P - 1, causal: true }).out;
  same(global({ q, k, v, eR }).out, reshape(out, n.T, n.E));
});
law("is causal attention where the table is 0", cases(global), ({ x: { q, k, v, eR } }) => {
  same(global({ q, k, v, eR: edit(eR, () => 0) }).out, attention({ q, k, v }, { causal: true }).out);
});
