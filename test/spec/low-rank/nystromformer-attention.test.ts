import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { nystromformerAttention as nystromformer } from "../../../spec/low-rank/nystromformer-attention.ts";
import { at, cases, edit, example, law, refuses, same, specify, tensor } from "../../kit.ts";

specify(nystromformer);

const ln3 = Math.log(3);
example(
  "two tokens need no landmarks",
  nystromformer,
  { q: [[1], [0]], k: [[ln3], [0]], v: [[8], [0]] },
  { out: [[6], [4]] },
);
example(
  "one landmark: every query gets what the mean query 1 gets",
  nystromformer,
  { q: [[2], [0]], k: [[ln3], [0]], v: [[8], [0]] },
  { out: [[6], [6]] },
  { landmarks: 1 },
);
const side = Math.sqrt(ln3 / 2);
const halves = [[side], [side], [-side], [-side]];
example(
  "tokens alike in each half: the six steps reach the inverse, and it is softmax attention with ¾ and ¼ on the halves' means",
  nystromformer,
  { q: halves, k: halves, v: [[8], [0], [4], [0]] },
  { out: [[3.5], [3.5], [2.5], [2.5]] },
  { landmarks: 2 },
);
example(
  "no step: Z is A transposed, as both column sums of A are 1",
  nystromformer,
  { q: halves, k: halves, v: [[8], [8], [0], [0]] },
  { out: [[4 + 4 / 8], [4 + 4 / 8], [4 - 4 / 8], [4 - 4 / 8]] },
  { landmarks: 2, iters: 0 },
);
const still = { q: [[0], [0]], k: [[0], [0]], v: [[1], [2]] };
example(
  "a filter over the values, 10 on the token itself",
  nystromformer,
  { ...still, conv: [1, 10, 100] },
  { out: [[211.5], [22.5]] },
);
example(
  "masked keys are left out of the softmax and of the filter",
  nystromformer,
  { ...still, conv: [1, 10, 100], keyMask: [1, 0] },
  { out: [[11], [2]] },
);
example(
  "a masked query is zero",
  nystromformer,
  { q: [[0], [9], [9]], k: [[ln3], [0], [5]], v: [[8], [0], [0]], keyMask: [1, 1, 0] },
  {
    out: [[4], [8 / (1 + 3 ** -9)], [4]],
  },
);
example("all keys masked give zeros", nystromformer, { ...still, keyMask: [0, 0] }, { out: [[0], [0]] });
example("also by landmarks", nystromformer, { ...still, keyMask: [0, 0] }, { out: [[0], [0]] }, { landmarks: 1 });
refuses("K must be odd", nystromformer, { ...still, conv: [1, 2] });

law(
  "with no more tokens than landmarks it is softmax attention",
  cases(nystromformer, { given: { keyMask: false, conv: false } }),
  ({ x, n, o }) => {
    same(nystromformer(x, { ...o, landmarks: n.T }).out, attention(x).out);
    same(nystromformer(x, { ...o, landmarks: 64 }).out, attention(x).out);
  },
);
law(
  "values that are the same everywhere come back unchanged once the inverse is reached",
  cases(nystromformer, {
    sizes: { T: 6 },
    options: { iters: 12, landmarks: 2 },
    given: { keyMask: false, conv: false },
  }),
  ({ x, n, o }) => {
    const apart = tensor([6, n.D], (t) => (t < 3 ? 1.5 : -1.5));
    const { out } = nystromformer({ ...x, q: apart, k: apart, v: edit(x.v, () => 2) }, o);
    same(
      out,
      edit(out, () => 2),
    );
  },
);
law("64 landmarks and six steps unless said otherwise", cases(nystromformer), ({ x, o }) => {
  same(nystromformer(x, { landmarks: o.landmarks }).out, nystromformer(x, { landmarks: o.landmarks, iters: 6 }).out);
});
law(
  "65 tokens are more than the landmarks",
  cases(nystromformer, { sizes: { T: 65, D: 1, E: 1 }, options: { iters: 0 } }),
  ({ x, o }) => same(nystromformer(x, { iters: o.iters }).out, nystromformer(x, { iters: o.iters, landmarks: 64 }).out),
  3,
);
law(
  "the filter adds its own part, whatever the landmarks",
  cases(nystromformer, { given: { conv: true } }),
  ({ x, n, o }) => {
    const { conv, ...plain } = x;
    const masked = (t: number, e: number) =>
      t < 0 || t >= n.T || (x.keyMask && !at(x.keyMask, t)) ? 0 : at(x.v, t, e);
    same(
      nystromformer(x, o).out,
      edit(nystromformer(plain, o).out, (value, t, e) => {
        let total = value;
        for (let j = 0; j < n.K; j++) total += at(conv, j) * masked(t + j - (n.K - 1) / 2, e);
        return total;
      }),
    );
  },
);
