import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { tensorBrainSemanticDecoder as decoder } from "../../../spec/memory/tensor-brain-semantic-decoder.ts";
import { at, cases, edit, example, fail, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(decoder);

const ln3 = Math.log(3);
const two = { h: [1], a: [[ln3], [0]] };
example(
  "¾ of the first embedding is written back",
  decoder,
  two,
  { out: [[1 + 0.75 * ln3]], probabilities: [[0.75, 0.25]], h: [1 + 0.75 * ln3] },
  { steps: 1 },
);
const second = 3 ** (1 + ln3);
const third = 3 ** (1 + 2 * ln3);
example(
  "three likeliest concepts, one after the other",
  decoder,
  two,
  {
    out: [[1 + ln3], [1 + 2 * ln3], [1 + 3 * ln3]],
    probabilities: [
      [0.75, 0.25],
      [second / (second + 1), 1 / (second + 1)],
      [third / (third + 1), 1 / (third + 1)],
    ],
    chosen: [0, 0, 0],
    score: 0.75 * (second / (second + 1)) * (third / (third + 1)),
  },
  { mode: "argmax" },
);
example(
  "given concepts: ¼ for the second, which leaves the blackboard as it is, then ¾",
  decoder,
  { ...two, index: [1, 0] },
  { out: [[1], [1 + ln3]], chosen: [1, 0], score: 0.1875 },
  { mode: "sample", steps: 2 },
);
example("β doubles the products: 9 to 1", decoder, two, { probabilities: [[0.9, 0.1]] }, { steps: 1, beta: 2 });
example(
  "of equally likely ones the first",
  decoder,
  { h: [0], a: [[1], [2]] },
  { chosen: [0] },
  { mode: "argmax", steps: 1 },
);
refuses("index is for mode sample", decoder, { ...two, index: [1, 0, 1] });
refuses("index is for mode sample", decoder, two, { mode: "sample" });

law(
  "a step of mode attention is attention to the embeddings with a residual",
  cases(decoder, { options: { mode: "attention", steps: 1 } }),
  ({ x, n, o }) => {
    const read = attention({ q: tensor([1, n.M], (_, m) => at(x.h, m)), k: x.a, v: x.a }, { scale: o.beta }).out;
    same(
      decoder(x, o).h,
      edit(x.h, (value, m) => value + at(read, 0, m)),
    );
  },
);
law(
  "the scores of all triples sum to 1",
  cases(decoder, { sizes: { C: 2 }, options: { mode: "sample", steps: 3 } }),
  ({ x, o }) => {
    const scores = Array.from({ length: 8 }, (_, code) => {
      const { score } = decoder({ ...x, index: tensor([3], (l) => (code >> l) & 1) }, o);
      return score ? at(score) : fail("there is no score");
    });
    same(
      tensor([1], () => scores.reduce((a, b) => a + b)),
      tensor([1], () => 1),
    );
  },
);
law("to score what mode argmax chose gives its score", cases(decoder, { options: { mode: "argmax" } }), ({ x, o }) => {
  const found = decoder(x, o);
  if (!found.chosen) fail("nothing was chosen");
  const { index: _, ...rest } = x;
  const given = decoder({ ...rest, index: found.chosen }, { ...o, mode: "sample" });
  same(given.score, found.score);
  same(given.out, found.out);
});
law("steps can be taken one at a time", cases(decoder, { options: { steps: 3 } }), ({ x, n, o }) => {
  const { index, ...rest } = x;
  let h = x.h;
  for (let l = 0; l < 3; l++) {
    const step: ReturnType<typeof decoder> = decoder(
      { ...rest, h, ...(index && { index: tensor([1], () => at(index, l)) }) },
      { ...o, steps: 1 },
    );
    same(
      step.out,
      tensor([1, n.M], (_, m) => at(decoder(x, o).out, l, m)),
    );
    h = step.h;
  }
  same(h, decoder(x, o).h);
});
law(
  "at a large β mode attention takes the likeliest concept alone",
  cases(decoder, { sizes: { M: 1 }, options: { steps: 3 } }),
  ({ x, n }) => {
    const apart = { h: tensor([1], () => 2), a: tensor([n.C, 1], (c) => 1 + c * 0.5) };
    const { out } = decoder(apart, { beta: 1e6 });
    same(out, decoder(apart, { beta: 1e6, mode: "argmax" }).out);
    same(
      out,
      tensor([3, 1], (l) => 2 + (l + 1) * (1 + (x.a.shape[0]! - 1) * 0.5)),
    );
  },
);
law(
  "with one concept all modes are alike",
  cases(decoder, { sizes: { C: 1 }, options: { mode: "attention" } }),
  ({ x, o }) => same(decoder(x, o).out, decoder(x, { ...o, mode: "argmax" }).out),
);
