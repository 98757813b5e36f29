import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { entmax15Attention as entmax } from "../../../spec/score/entmax15-attention.ts";
import { at, cases, edit, example, fail, join, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(entmax);

const four = (score: number) => [score / 2, score / 2, score / 2, score / 2];
const ones = [[1, 1, 1, 1]];
example(
  "α = 1.5: weights 0.64 = 0.8² and 0.36 = 0.6² need scores 2·(0.8 − 0.6) apart; D = 4 scales by ½",
  entmax,
  { q: ones, k: [four(0.4), four(0)], v: [[100], [0]] },
  { weights: [[0.64, 0.36]], out: [[64]] },
);
example(
  "α = 2: weights 0.7 and 0.3 need scores 0.4 apart",
  entmax,
  { q: [[1]], k: [[0.4], [0]], v: [[10], [0]] },
  { weights: [[0.7, 0.3]], out: [[7]] },
  { alpha: 2, scale: 1 },
);
example(
  "α = 3: weights 0.8 and 0.2 need scores (0.8² − 0.2²)/2 apart",
  entmax,
  { q: [[1]], k: [[0.3], [0]], v: [[10], [0]] },
  { weights: [[0.8, 0.2]], out: [[8]] },
  { alpha: 3 },
);
example(
  "scores 2 apart leave nothing to the lesser one",
  entmax,
  { q: [[1]], k: [[2], [0]], v: [[4], [8]] },
  { weights: [[1, 0]], out: [[4]] },
);
example(
  "three equal scores are thirds, however near α is to 1",
  entmax,
  { q: [[0]], k: [[0], [0], [0]], v: [[3], [6], [9]] },
  { weights: [[1 / 3, 1 / 3, 1 / 3]], out: [[6]] },
  { alpha: 1 + 1e-7 },
);
example(
  "causal, three queries on two keys: the first sees none, the second one, the third both",
  entmax,
  { q: [[0], [0], [0]], k: [[0], [0]], v: [[4], [8]] },
  {
    weights: [
      [0, 0],
      [1, 0],
      [0.5, 0.5],
    ],
    out: [[0], [4], [6]],
  },
  { causal: true },
);

const row = (n: number) => Array.from({ length: n }, (_, i) => i);
const scores = (x: { q: Tensor; k: Tensor }, n: { D: number }, scale: number) => (t: number, s: number) =>
  row(n.D).reduce((z, d) => z + scale * at(x.q, t, d) * at(x.k, s, d), 0);

law("weights sum to 1 over what is seen and are zero elsewhere", cases(entmax), ({ x, n, o }) => {
  const { weights } = entmax(x, o);
  for (const t of row(n.Tq)) {
    const seen = row(n.Tk).filter((s) => (!x.mask || at(x.mask, t, s)) && (!o.causal || s <= t + n.Tk - n.Tq));
    const total = row(n.Tk).reduce((sum, s) => sum + at(weights, t, s), 0);
    if (Math.abs(total - (seen.length ? 1 : 0)) > 1e-12) fail(`row ${t} sums to ${total}`);
    if (row(n.Tk).some((s) => at(weights, t, s) < 0 || (at(weights, t, s) > 0 && !seen.includes(s))))
      fail(`row ${t} weighs what it does not see`);
  }
});
law(
  "p^(α−1) less (α−1)z is one number for all keys with weight, and not less for the others",
  cases(entmax, { options: { causal: false }, given: { mask: false } }),
  ({ x, n, o }) => {
    const z = scores(x, n, o.scale);
    const { weights } = entmax(x, o);
    for (const t of row(n.Tq)) {
      const level = (s: number) => at(weights, t, s) ** (o.alpha - 1) - (o.alpha - 1) * z(t, s);
      const lowest = Math.min(...row(n.Tk).map(level));
      for (const s of row(n.Tk))
        if (at(weights, t, s) > 1e-9 && level(s) - lowest > 1e-11 * (1 + Math.abs(lowest)))
          fail(`key ${s} of query ${t} stands at ${level(s)}, another at ${lowest}`);
    }
  },
);
law(
  "at α = 1.5 the threshold is the mean less the root of what is left, over the largest scores that stay above it",
  cases(entmax, { options: { alpha: 1.5, causal: false }, given: { mask: false }, sizes: { E: 1 } }),
  ({ x, n, o }) => {
    const z = scores(x, n, o.scale);
    const closed = (t: number) => {
      const half = row(n.Tk).map((s) => z(t, s) / 2);
      const sorted = half.toSorted((a, b) => b - a);
      const thresholds = sorted.map((_, k) => {
        const first = sorted.slice(0, k + 1);
        const mean = first.reduce((a, b) => a + b) / first.length;
        const spread = first.reduce((a, b) => a + (b - mean) ** 2, 0);
        return mean - Math.sqrt(Math.max(0, (1 - spread) / first.length));
      });
      const tau = thresholds.filter((threshold, k) => threshold <= sorted[k]!).at(-1)!;
      return half.map((h) => Math.max(h - tau, 0) ** 2);
    };
    const wanted = row(n.Tq).map(closed);
    same(
      entmax(x, o).weights,
      tensor([n.Tq, n.Tk], (t, s) => wanted[t]?.[s] ?? Number.NaN),
    );
  },
);
law("a constant added to all scores of a query changes nothing", cases(entmax), ({ x, n, o }) => {
  const q = join(
    1,
    x.q,
    tensor([n.Tq, 1], (t) => t + 1),
  );
  const k = join(
    1,
    x.k,
    tensor([n.Tk, 1], () => 1),
  );
  same(entmax({ ...x, q, k }, o).weights, entmax(x, o).weights);
});
law(
  "just above α = 1 it is softmax, to first order in α − 1",
  cases(entmax, { options: { alpha: 1 + 1e-6 } }),
  ({ x, o }) => {
    const { alpha: _, ...rest } = o;
    same(entmax(x, o).out, attention(x, rest).out, 1e-3);
  },
);
law(
  "a key that is masked is as if it were not there, whatever its value",
  cases(entmax, { options: { causal: false }, given: { mask: false } }),
  ({ x, n, o }) => {
    const more = {
      q: x.q,
      k: join(
        0,
        x.k,
        tensor([1, n.D], () => 50),
      ),
      v: join(
        0,
        x.v,
        tensor([1, n.E], () => Number.NaN),
      ),
      mask: tensor([n.Tq, n.Tk + 1], (_, s) => (s < n.Tk ? 1 : 0)),
    };
    same(
      entmax(more, o).out,
      edit(entmax(x, o).out, (value) => value),
    );
  },
);
