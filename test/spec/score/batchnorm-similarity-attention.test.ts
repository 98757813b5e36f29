import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { batchnormSimilarityAttention as similarity } from "../../../spec/score/batchnorm-similarity-attention.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(similarity);

const three = Math.log(3);
example(
  "similarities 5 and 1 with mean 1, variance 3, ε = 1 and gain ln 3 / 2: scores ln 3 and 0, weights ¾ and ¼; the result 6 becomes 2·(6 − 2)/√4 + 1",
  similarity,
  {
    q: [[[1]]],
    k: [[[5], [1]]],
    v: [[[8], [0]]],
    simGamma: [three / 2],
    simMu: [1],
    simVar: [3],
    simBeta: [0.5],
    outGamma: [2],
    outMu: [2],
    outVar: [3],
    outBeta: [1],
  },
  { out: [[5]], lse: [[Math.log(4) + 0.5]] },
  { eps: 1, activation: "none" },
);
example(
  "a fresh norm divides by √1.001 alone; the heads follow one another in the channels",
  similarity,
  { q: [[[1]], [[1]]], k: [[[1]], [[2]]], v: [[[1, 2]], [[3, 4]]] },
  {
    out: [[1 / Math.sqrt(1.001), 2 / Math.sqrt(1.001), 3 / Math.sqrt(1.001), 4 / Math.sqrt(1.001)]],
    lse: [[1 / Math.sqrt(1.001)], [2 / Math.sqrt(1.001)]],
  },
  { activation: "none" },
);
example(
  "gelu by default: xΦ(x) at 1",
  similarity,
  { q: [[[0]]], k: [[[0]]], v: [[[1]]], outVar: [0.999] },
  { out: [[0.841344746068543]] },
);

law(
  "a gain of √(variance + ε)/√D and no norm of the result make scaled dot-product attention",
  cases(similarity, {
    options: { activation: "none" },
    given: { outGamma: false, outBeta: false, outMu: false, outVar: false, simVar: true },
  }),
  ({ x, n, o }) => {
    const simGamma = edit(x.simVar, (variance) => Math.sqrt((variance + o.eps) / n.D));
    const outVar = tensor([n.H * n.E], () => 1);
    const outGamma = tensor([n.H * n.E], () => Math.sqrt(1 + o.eps));
    const plain = attention({ q: x.q, k: x.k, v: x.v }).out;
    same(
      similarity({ ...x, simGamma, outVar, outGamma }, o).out,
      tensor([n.Tq, n.H * n.E], (t, c) => at(plain, Math.floor(c / n.E), t, c % n.E)),
    );
  },
);
law("the mean and the shift of the similarities do not touch the result", cases(similarity), ({ x, n, o }) => {
  const simMu = tensor([n.H], (h) => h - 2),
    simBeta = tensor([n.H], (h) => 3 - h);
  same(similarity({ ...x, simMu, simBeta }, o).out, similarity(x, o).out);
});
