import { ropeYarn as yarn } from "../../../spec/positional/rope-yarn.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, example, fail, law, same, specify } from "../../kit.ts";

specify(yarn);

const still = (D: number) => ({ x: [Array.from({ length: D }, () => 10)], positions: [0] });
example(
  "at D = 8 the ramp runs from pair 1 to pair 3: factors 1, 1, ⅝ and ¼ at scale 4",
  yarn,
  still(8),
  { invFreq: [1, 0.1, 0.00625, 0.00025] },
  { scale: 4 },
);
example(
  "pair 1 turns a little more than 32 times within 2048 places: it keeps its frequency",
  yarn,
  still(4),
  { invFreq: [1, 0.1] },
  { scale: 4, base: 100 },
);
example(
  "pair 1 turns a little less than 32 times: the ramp starts at pair 0 and ends at 3",
  yarn,
  still(4),
  { invFreq: [1, 0.75 / 10.19] },
  { scale: 4, base: 10.19 ** 2 },
);
example(
  "no pair turns exactly once: the ramp ends at pair 3, the next after 2.09",
  yarn,
  still(6),
  { invFreq: [1, 0.75 / 16, 0.5 / 256] },
  { scale: 4, base: 4096 },
);
example(
  "the end of the ramp is held at D − 1 = 3",
  yarn,
  still(4),
  { invFreq: [1, 0.75 / Math.sqrt(10)] },
  { scale: 4, base: 10, betaFast: 300 },
);
example(
  "no pair turns once within 6 places: only pair 0 keeps its frequency",
  yarn,
  still(4),
  { invFreq: [1, 0.025] },
  { scale: 4, base: 100, n0: 6 },
);
example("scale e makes vectors grow by a tenth", yarn, still(2), { out: [[11, 11]] }, { scale: Math.E });
example(
  "and the further factor multiplies that",
  yarn,
  still(2),
  { out: [[5.5, 5.5]] },
  { scale: Math.E, attnFactor: 0.5 },
);
example("nothing is scaled unless asked", yarn, still(4), { out: [[10, 10, 10, 10]], invFreq: [1, 0.01] });

law(
  "at scale 1 is plain rotary position embedding",
  cases(yarn, { options: { scale: 1, attnFactor: 1 } }),
  ({ x, o }) => same(yarn(x, o).out, rope(x, { base: o.base }).out),
);
law("is rotary position embedding with its own frequencies and growth", cases(yarn), ({ x, o }) => {
  const { out, invFreq } = yarn(x, o);
  same(out, rope({ ...x, invFreq }, { attentionScaling: o.attnFactor * (1 + Math.log(o.scale) / 10) }).out);
});
law("frequencies lie between those of RoPE and those divided by the scale", cases(yarn), ({ x, n, o }) => {
  yarn(x, o).invFreq.data.forEach((f, i) => {
    const plain = o.base ** ((-2 * i) / n.D);
    if (f > plain * (1 + 1e-12) || f < (plain / o.scale) * (1 - 1e-12)) fail(`pair ${i} has ${f}, RoPE ${plain}`);
  });
});
