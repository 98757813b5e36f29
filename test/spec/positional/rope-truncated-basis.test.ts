import { ropePowerBasis as power } from "../../../spec/positional/rope-power-basis.ts";
import { ropeTruncatedBasis as truncated } from "../../../spec/positional/rope-truncated-basis.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, fail, law, same, specify } from "../../kit.ts";

specify(truncated);

const still = { x: [[1, 1, 1, 1]], positions: [0] };
example("RoPE with a base of 10000 by default", truncated, still, { invFreq: [1, 0.01] });
example(
  "L = 64, so a = π/256 > 0.01: the second pair stands still",
  truncated,
  still,
  { invFreq: [1, 0] },
  { lTrunc: 64 },
);
example(
  "L = 256, so a = π/1024 < 0.01 < b = π/128: the second pair takes the slow rate π/2048",
  truncated,
  still,
  { invFreq: [1, Math.PI / 2048] },
  { lTrunc: 256 },
);
example("L = 1024, so b = π/512 < 0.01: both are kept", truncated, still, { invFreq: [1, 0.01] }, { lTrunc: 1024 });
example(
  "other ratios: b = 2, a = ½, and the pair between them turns at ¼ of b",
  truncated,
  { x: [[1, 1, 1, 1]], positions: [0] },
  { invFreq: [0.5, 0] },
  { lTrunc: Math.PI, zeroRatio: 4, rateRatio: 4 },
);
const pair = { x: [[1, 0]], positions: [0] };
example("a frequency that is exactly b is kept", truncated, pair, { invFreq: [1] }, { lTrunc: 2 * Math.PI });
example("one just below a, at b/8½, stands still", truncated, pair, { invFreq: [0] }, { lTrunc: (4 * Math.PI) / 17 });
example("one that is exactly a takes the slow rate", truncated, pair, { invFreq: [0.5] }, { lTrunc: Math.PI / 4 });
example(
  "scaling comes first: at half the pace 1 falls below b = 1",
  truncated,
  pair,
  { invFreq: [1 / 16] },
  { lTrunc: 2 * Math.PI, scale: 2 },
);
example(
  "scaling by ½ changes nothing, a power of 2 slows the second pair fourfold, and the rest is as computed",
  truncated,
  still,
  { invFreq: [1, 0.0025] },
  { lTrunc: 1e6, scale: 0.5, kappa: 2 },
);

law("is RoPE with the frequencies it returns", cases(truncated), ({ x, o }) => {
  const { out, invFreq } = truncated(x, o);
  same(out, rope({ ...x, invFreq }).out);
});
law(
  "without a length it is the power-scaled basis",
  cases(truncated, { options: { lTrunc: Infinity } }),
  ({ x, o }) => {
    same(truncated(x, o).out, power(x, { kappa: o.kappa, scale: o.scale, base: o.base }).out);
  },
);
law("up to position L a pair goes full circle or no more than 1/r of it", cases(truncated), ({ x, o }) => {
  for (const f of truncated(x, o).invFreq.data) {
    const turns = (f * o.lTrunc) / (2 * Math.PI);
    if (f > 0 && turns < 1 && Math.abs(turns - 1 / o.rateRatio) > 1e-12) fail(`${turns} turns`);
  }
});
law(
  "a pair that stands still passes through, wherever the token is",
  cases(truncated, { options: { lTrunc: 8 } }),
  ({ x, n, o }) => {
    const f = truncated(x, o).invFreq.data;
    const far = edit(truncated({ ...x, positions: edit(x.positions, (p) => p + 100) }, o).out, (y, t, d) =>
      f[d % (n.D / 2)] === 0 ? y : x.x.data[t * n.D + d]!,
    );
    same(far, x.x);
  },
);
