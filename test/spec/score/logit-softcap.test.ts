import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { logitSoftcap as softcap } from "../../../spec/score/logit-softcap.ts";
import { cases, example, fail, law, same, specify } from "../../kit.ts";

specify(softcap);

const ln3 = Math.log(3);
example(
  "tanh(½ ln 3) is ½, so a cap of 2 ln 3 makes (ln 3)² into ln 3: weights ¾ and ¼",
  softcap,
  { q: [[ln3]], k: [[ln3], [0]], v: [[8], [0]] },
  { out: [[6]], weights: [[0.75, 0.25]] },
  { cap: 2 * ln3 },
);
example(
  "at the default cap of 50 a score of 25 ln 3 becomes 25",
  softcap,
  { q: [[25]], k: [[ln3], [0]], v: [[8], [0]], bias: [[ln3, 25]] },
  { out: [[6]] },
);
example(
  "D = 4, so the scale is ½; without a cap scores ln 3 and 0 stay",
  softcap,
  {
    q: [[1, 1, 1, 1]],
    k: [
      [ln3, ln3, 0, 0],
      [0, 0, 0, 0],
    ],
    v: [[8], [0]],
  },
  { out: [[6]] },
  { cap: Number.POSITIVE_INFINITY },
);
example(
  "causal, two queries after one cached key: the last sees all three",
  softcap,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  { out: [[4.5], [7]] },
  { causal: true },
);
example(
  "no visible key gives zeros",
  softcap,
  { q: [[1]], k: [[2]], v: [[3]], mask: [[0]] },
  { out: [[0]], weights: [[0]] },
);

law(
  "without a cap it is scaled dot-product attention",
  cases(softcap, { options: { cap: Number.POSITIVE_INFINITY } }),
  ({ x, o: { scale, causal } }) =>
    same(softcap(x, { cap: Number.POSITIVE_INFINITY, scale, causal }).out, attention(x, { scale, causal }).out),
);
law("a cap of 10⁸ is no cap to 12 digits", cases(softcap), ({ x, o: { scale, causal } }) =>
  same(softcap(x, { cap: 1e8, scale, causal }).out, attention(x, { scale, causal }).out),
);
law(
  "without a bias no weight of a row is more than e^(2c) times another, and their order is that of the uncapped",
  cases(softcap, { options: { cap: 0.5, causal: false }, given: { mask: false, bias: false } }),
  ({ x, n, o }) => {
    const { weights } = softcap(x, o);
    const plain = softcap(x, { ...o, cap: Number.POSITIVE_INFINITY }).weights;
    for (let t = 0; t < n.Tq; t++)
      for (let s = 0; s < n.Tk; s++)
        for (let u = 0; u < n.Tk; u++) {
          const [w, other] = [weights.data[t * n.Tk + s]!, weights.data[t * n.Tk + u]!];
          if (w > other * Math.exp(2 * o.cap) * (1 + 1e-12)) fail(`weights ${w} and ${other} in row ${t}`);
          const [before, beside] = [plain.data[t * n.Tk + s]!, plain.data[t * n.Tk + u]!];
          if (before < beside * (1 - 1e-12) && w > other * (1 + 1e-12)) fail(`the order changed in row ${t}`);
        }
  },
);
