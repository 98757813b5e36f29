import { sparsemaxAttention as attention } from "../../../spec/score/sparsemax-attention.ts";
import { cases, edit, example, fail, law, same, specify } from "../../kit.ts";

specify(attention);

const row = (scores: readonly number[]) => ({ q: [[1]], k: scores.map((z) => [z]), v: scores.map((_, s) => [s]) });
example("two keys half a point apart: weights ¾ and ¼, whichever comes first", attention, row([0.25, 0.75]), {
  out: [[0.75]],
  weights: [[0.25, 0.75]],
});
example("a lead of one whole point takes everything", attention, row([2, 3, 0]), {
  out: [[1]],
  weights: [[0, 1, 0]],
});
example("three scores, of which the lowest falls out", attention, row([1.5, 0, 1]), {
  out: [[0.5]],
  weights: [[0.75, 0, 0.25]],
});
example("what is a distribution already stays", attention, row([0.5, 0.2, 0.3]), {
  weights: [[0.5, 0.2, 0.3]],
});
example(
  "D = 4 halves the product: scores 1 and ½",
  attention,
  {
    q: [[1, 1, 1, 1]],
    k: [
      [1, 1, 0, 0],
      [1, 0, 0, 0],
    ],
    v: [[8], [0]],
  },
  { out: [[6]], weights: [[0.75, 0.25]] },
);
example(
  "causal, two queries after one cached key; equal scores share equally",
  attention,
  { q: [[0], [0]], k: [[0], [0], [0]], v: [[3], [6], [12]] },
  { out: [[4.5], [7]] },
  { causal: true },
);
example(
  "no visible key gives zeros",
  attention,
  { q: [[1]], k: [[2]], v: [[3]], mask: [[0]] },
  { out: [[0]], weights: [[0]] },
);

law("moving all keys by one vector moves all scores alike and changes nothing", cases(attention), ({ x, o }) => {
  same(attention({ ...x, k: edit(x.k, (value, _, d) => value + d + 0.5) }, o).out, attention(x, o).out);
});
law(
  "the weights are the nearest distribution: what they take from the scores is one number, and no less where they are zero",
  cases(attention, { options: { causal: false }, given: { mask: false } }),
  ({ x, n, o }) => {
    const { weights } = attention(x, o);
    for (let t = 0; t < n.Tq && n.Tk > 0; t++) {
      const all = Array.from({ length: n.Tk }, (_, s) => {
        let product = 0;
        for (let d = 0; d < n.D; d++) product += x.q.data[t * n.D + d]! * x.k.data[s * n.D + d]!;
        return { z: o.scale * product, p: weights.data[t * n.Tk + s]! };
      });
      const total = all.reduce((sum, { p }) => sum + p, 0);
      if (Math.abs(total - 1) > 1e-12) fail(`the weights of query ${t} sum to ${total}`);
      const level = Math.max(...all.map(({ z, p }) => z - p));
      for (const { z, p } of all)
        if (p < 0 || (p > 0 && Math.abs(z - p - level) > 1e-12))
          fail(`score ${z} has the weight ${p} at level ${level}`);
    }
  },
);
