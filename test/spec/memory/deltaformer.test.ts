import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { deltaformer } from "../../../spec/memory/deltaformer.ts";
import { at, cases, edit, example, law, same, span, specify, tensor } from "../../kit.ts";

specify(deltaformer);

const ln3 = Math.log(3);
example(
  "what the first token left, 8, is taken away by half from 6; at D = 4 the product 2 ln 3 is halved",
  deltaformer,
  {
    q: [
      [9, 0, 0, 0],
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ],
    k: [
      [ln3, ln3, 0, 0],
      [0, 0, 0, 0],
      [5, 0, 0, 0],
    ],
    v: [[8], [6], [6]],
    beta: [7, 0.5, 1],
  },
  { u: [[8], [2], [1]], out: [[8], [6.5], [11 / 3]] },
);
example(
  "β is 1 unless given: a token that repeats the value before it adds nothing",
  deltaformer,
  { q: [[0], [0]], k: [[0], [0]], v: [[4], [4]] },
  { u: [[4], [0]], out: [[4], [2]] },
);
example(
  "what is removed can be asked for apart: scores 0 and ln 3 of what 4 and 8 left",
  deltaformer,
  { q: [[0], [0], [0]], k: [[0], [1], [0]], v: [[4], [12], [9]], w: [[0], [0], [ln3]] },
  { u: [[4], [8], [2]], out: [[4], [6], [14 / 3]] },
);

law("β = 0 is causal attention", cases(deltaformer), ({ x, o }) =>
  same(
    deltaformer({ ...x, beta: tensor([x.q.shape[0]!], () => 0) }, o).out,
    attention({ q: x.q, k: x.k, v: x.v }, { ...o, causal: true }).out,
  ),
);
law("u solves (I + diag(β) P) U = V with P the weights over the tokens before", cases(deltaformer), ({ x, n, o }) => {
  const { u } = deltaformer(x, o);
  const mask = tensor([n.T, n.T], (t, s) => (s < t ? 1 : 0));
  const held = attention({ q: x.w ?? x.q, k: x.k, v: u, mask }, o).out;
  const beta = (t: number) => (x.beta ? at(x.beta, t) : 1);
  same(
    edit(u, (value, t, e) => value + beta(t) * at(held, t, e)),
    x.v,
  );
});
law("the output is causal attention to u", cases(deltaformer), ({ x, o }) => {
  const { u, out } = deltaformer(x, o);
  same(out, attention({ q: x.q, k: x.k, v: u }, { ...o, causal: true }).out);
});
law("to ask for what is removed by the query is the default", cases(deltaformer, { given: { w: false } }), ({ x, o }) =>
  same(deltaformer({ ...x, w: x.q }, o).u, deltaformer(x, o).u),
);
law("the first token keeps its value", cases(deltaformer), ({ x, o }) => {
  same(span(deltaformer(x, o).u, 0, 0, 1), span(x.v, 0, 0, 1));
});
