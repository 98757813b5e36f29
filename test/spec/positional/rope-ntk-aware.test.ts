import { ropeNtkAware as ntk } from "../../../spec/positional/rope-ntk-aware.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, example, fail, law, same, specify, tensorOf } from "../../kit.ts";

specify(ntk);

const quarter = Math.PI / 2;
const still = { x: [[1, 1, 1, 1]], positions: [0] };
example("no stretch and a base of 10000 by default", ntk, still, { invFreq: [1, 0.01] });
example(
  "fourfold: the fastest pair as ever, the slowest at a quarter",
  ntk,
  still,
  { invFreq: [1, 0.0025] },
  { alpha: 4 },
);
example(
  "base 100, fourfold: the slowest pair of two makes a quarter turn in 20π",
  ntk,
  { x: [[0, 3, 0, 0]], positions: [40 * quarter] },
  { out: [[0, 0, 0, 3]] },
  { base: 100, alpha: 4 },
);
example(
  "dynamic, trained on 2048 by default: at twice that a factor of 2 · 2 − 1",
  ntk,
  still,
  { invFreq: [1, 0.01 / 3] },
  { dynamic: true, alpha: 2, length: 4096 },
);
example(
  "dynamic: at the length trained on nothing changes",
  ntk,
  still,
  { invFreq: [1, 0.01] },
  { dynamic: true, alpha: 2, length: 4, n0: 4 },
);
example(
  "dynamic: the current length is that of the input by default, and 1 beyond 1 doubles even with α = 1",
  ntk,
  {
    x: [
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ],
    positions: [0, 0],
  },
  { invFreq: [1, 0.005] },
  { dynamic: true, n0: 1 },
);

law("is RoPE with the frequencies it returns", cases(ntk), ({ x, o }) => {
  const { out, invFreq } = ntk(x, o);
  same(out, rope({ ...x, invFreq }).out);
});
law(
  "static with α = 1 is RoPE, and so is dynamic up to the length trained on",
  cases(ntk, { options: { alpha: 1, dynamic: false } }),
  ({ x, o }) => {
    const plain = rope(x, { base: o.base }).out;
    same(ntk(x, o).out, plain);
    same(ntk(x, { ...o, dynamic: true, alpha: 3, n0: 9, length: 9 }).out, plain);
  },
);
law(
  "the fastest pair keeps its pace and the slowest is slowed by exactly α",
  cases(ntk, { options: { dynamic: false } }),
  ({ x, n, o }) => {
    const f = ntk(x, o).invFreq.data,
      last = n.D / 2 - 1;
    same(
      tensorOf([f[0] ?? fail("no pairs"), (f[last] ?? fail("no pairs")) * o.alpha]),
      tensorOf([1, o.base ** ((-2 * last) / n.D)]),
    );
  },
);
law(
  "dynamic is static with the factor that belongs to its length",
  cases(ntk, { options: { dynamic: true } }),
  ({ x, o }) => {
    const alpha = Math.max(1, (o.alpha * o.length) / o.n0 - o.alpha + 1);
    same(ntk(x, o).out, ntk(x, { alpha, base: o.base }).out);
  },
);
