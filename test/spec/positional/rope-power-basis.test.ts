import { ropeLinearScaling as linear } from "../../../spec/positional/rope-linear-scaling.ts";
import { ropePowerBasis as power } from "../../../spec/positional/rope-power-basis.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, example, fail, law, same, specify } from "../../kit.ts";

specify(power);

const still = { x: [[1, 1, 1, 1]], positions: [0] };
example("RoPE with a base of 10000 by default", power, still, { invFreq: [1, 0.01] });
example("the second of two pairs is slowed by ½ squared", power, still, { invFreq: [1, 0.0025] }, { kappa: 2 });
example("linear scaling by 2 comes on top", power, still, { invFreq: [0.5, 0.00125] }, { kappa: 2, scale: 2 });
example("but not by ½", power, still, { invFreq: [1, 0.0025] }, { kappa: 2, scale: 0.5 });
example(
  "base 100, κ = 1: the second pair turns 1/20 per position, a quarter turn in 10π",
  power,
  { x: [[0, 3, 0, 0]], positions: [10 * Math.PI] },
  { out: [[0, 0, 0, 3]] },
  { base: 100, kappa: 1 },
);

law("is RoPE with the frequencies it returns", cases(power), ({ x, o }) => {
  const { out, invFreq } = power(x, o);
  same(out, rope({ ...x, invFreq }).out);
});
law("κ = 0 is linear scaling alone", cases(power, { options: { kappa: 0 } }), ({ x, o }) => {
  same(power(x, o).out, linear(x, { scale: o.scale, base: o.base }).out);
});
law("the frequencies fall from pair to pair and never reach 0", cases(power), ({ x, o }) => {
  const f = [...power(x, o).invFreq.data];
  if (f.some((w, i) => w <= 0 || w >= (f[i - 1] ?? Infinity))) fail(`frequencies ${f}`);
});
