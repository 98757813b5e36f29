import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { parallaxAttention as parallax } from "../../../spec/score/parallax-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(parallax);

const ln3 = Math.log(3);
example(
  "weights ¾ and ¼, products with r of 1 and 0, mean ¾: they become ¾ · ¾ and ¼ · 7/4",
  parallax,
  { q: [[ln3], [ln3]], r: [[1], [0]], k: [[1], [0]], v: [[16], [0]] },
  { out: [[9], [12]] },
  { causal: false },
);
example(
  "D = 4: the product with q is halved, the one with r is not",
  parallax,
  {
    q: [
      [0, 0, 0, 0],
      [2 * ln3, 0, 0, 0],
    ],
    r: [
      [0, 0, 0, 0],
      [1, 0, 0, 0],
    ],
    k: [
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[16], [0]],
  },
  { out: [[16], [9]] },
);
example(
  "causal by default, and a window of 2 is a token and the one before",
  parallax,
  { q: [[0], [0], [0]], r: [[0], [0], [0]], k: [[0], [0], [0]], v: [[2], [4], [8]] },
  { out: [[2], [3], [6]] },
  { window: 2 },
);

law(
  "r = 0 is scaled dot-product attention",
  cases(parallax, { options: { window: Number.POSITIVE_INFINITY } }),
  ({ x: { q, k, v }, n, o }) =>
    same(
      parallax({ q, k, v, r: tensor([n.T, n.D], () => 0) }, o).out,
      attention({ q, k, v }, { scale: o.scale, causal: o.causal }).out,
    ),
);
law(
  "where all keys are the same, any r gives the plain average",
  cases(parallax, { options: { window: Number.POSITIVE_INFINITY } }),
  ({ x, n, o }) => {
    const k = tensor([n.T, n.D], (_, d) => d + 0.5);
    same(parallax({ ...x, k }, o).out, attention({ q: x.q, k, v: x.v }, { scale: o.scale, causal: o.causal }).out);
  },
);
law("a vector added to all keys changes nothing", cases(parallax), ({ x, o }) =>
  same(parallax({ ...x, k: edit(x.k, (value, _, d) => value + d - 1) }, o).out, parallax(x, o).out),
);
law("is affine in r: the correction of 2r is twice that of r", cases(parallax), ({ x, o }) => {
  const times = (c: number) => parallax({ ...x, r: edit(x.r, (value) => c * value) }, o).out;
  const [none, once] = [times(0), times(1)];
  same(
    times(2),
    edit(none, (value, t, e) => 2 * at(once, t, e) - value),
  );
});
