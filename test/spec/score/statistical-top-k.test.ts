import { normalQuantile } from "../../../spec/page.ts";
import { statisticalTopK as topK } from "../../../spec/score/statistical-top-k.ts";
import { cases, edit, example, fail, fc, law, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(topK);

const none = Number.NEGATIVE_INFINITY;
const third = 0.6744897501960817; // a quarter of a normal distribution lies above this many deviations
example(
  "of two entries one is wanted, 8 % rounded up, so the threshold is the mean",
  topK,
  { x: [[1, 5]] },
  { out: [[0, 2]] },
);
example("the same as a mask", topK, { x: [[1, 5]] }, { out: [[none, 5]] }, { mode: "mask" });
example(
  "k = 1 of 4: the threshold is 0.674 deviations above the mean, the deviation √(4/3)",
  topK,
  { x: [[2, 2, 4, 4]] },
  { out: [[0, 0, 1 - third * Math.sqrt(4 / 3), 1 - third * Math.sqrt(4 / 3)]] },
);
example(
  "the deviation is 1 when the count is taken whole",
  topK,
  { x: [[2, 2, 4, 4]] },
  { out: [[0, 0, 1 - third, 1 - third]] },
  { ddof: 0 },
);
example(
  "hidden entries do not count: of 4 seen, 0.674 deviations again",
  topK,
  { x: [[2, 2, 100, 4, 4]], mask: [[1, 1, 0, 1, 1]] },
  { out: [[0, 0, 0, 1 - third, 1 - third]] },
  { ddof: 0 },
);
example(
  "a row of three equal entries is kept whole in mask, also where their mean rounds up",
  topK,
  { x: [[0.1, 0.1, 0.1]] },
  { out: [[0.1, 0.1, 0.1]] },
  { mode: "mask" },
);
example(
  "and where their mean rounds down it gives zeros in soft",
  topK,
  { x: [[0.7, 0.7, 0.7, 0.7, 0.7, 0.7]] },
  { out: [[0, 0, 0, 0, 0, 0]] },
);
example(
  "a row of no more than k seen entries is kept whole",
  topK,
  { x: [[1, 2, 3]], mask: [[1, 0, 1]] },
  { out: [[1, none, 3]] },
  { k: 2, mode: "mask" },
);
const rest = Array.from({ length: 23 }, () => 0);
example(
  "8 % of 25 are two, so that a row with two to be seen is kept whole",
  topK,
  { x: [[1, 5, ...rest]], mask: [[1, 1, ...rest]] },
  { out: [[1, 5, ...rest.map(() => none)]] },
  { mode: "mask" },
);
example("so is a single entry", topK, { x: [[3]] }, { out: [[3]] }, { mode: "mask" });
example(
  "a row may keep nothing: of −3, 1, 1, 1 none is 0.674 deviations above 0",
  topK,
  { x: [[-3, 1, 1, 1]] },
  { out: [[none, none, none, none]] },
  { k: 1, mode: "mask" },
);

law("soft: the threshold moves and grows with the row", cases(topK, { options: { mode: "soft" } }), ({ x, o }) => {
  same(
    topK({ ...x, x: edit(x.x, (value) => 4 * value + 3) }, o).out,
    edit(topK(x, o).out, (y) => 4 * y),
  );
});
law(
  "mask: what is kept is a beginning of the row in falling order",
  cases(topK, { options: { mode: "mask" } }),
  (c) => {
    const { out } = topK(c.x, c.o);
    for (let t = 0; t < c.n.T; t++) {
      const row = Array.from({ length: c.n.D }, (_, d) => t * c.n.D + d).filter((i) => c.x.mask?.data[i] !== 0);
      const kept = row.filter((i) => out.data[i] !== none).map((i) => c.x.x.data[i]!);
      const dropped = row.filter((i) => out.data[i] === none).map((i) => c.x.x.data[i]!);
      if (Math.min(...kept) <= Math.max(...dropped)) fail(`row ${t} keeps ${kept} and drops ${dropped}`);
    }
  },
);
law(
  "soft and mask keep the same, but for what equals the threshold",
  cases(topK, { options: { mode: "soft" } }),
  ({ x, o }) => {
    const hard = topK(x, { ...o, mode: "mask" }).out;
    const soft = topK(x, o).out;
    same(
      edit(soft, (y) => Number(y > 1e-12)),
      edit(hard, (y, t, d) => Number(y !== none && soft.data[t * hard.shape[1]! + d]! > 1e-12)),
    );
  },
);
law(
  "of normal quantiles it keeps exactly k",
  fc.record({ k: fc.integer({ min: 1, max: 20 }), ddof: fc.constantFrom(0, 1) }),
  (o) => {
    const x = tensor([1, 21], (_, i) => normalQuantile((i + 0.5) / 21));
    const kept = topK({ x }, { ...o, mode: "mask" }).out.data.filter((y) => y !== none).length;
    same(tensorOf([kept]), tensorOf([o.k]));
  },
);
