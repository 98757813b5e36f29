import { ropeLinearScaling as linear } from "../../../spec/positional/rope-linear-scaling.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, law, same, specify } from "../../kit.ts";

specify(linear);

const quarter = Math.PI / 2;
example(
  "twice the length: a quarter turn takes twice as long",
  linear,
  { x: [[3, 0]], positions: [2 * quarter] },
  { out: [[0, 3]], invFreq: [1 / 2] },
  { scale: 2 },
);
example(
  "a base of 10000 and no scaling by default",
  linear,
  { x: [[1, 1, 1, 1]], positions: [0] },
  { out: [[1, 1, 1, 1]], invFreq: [1, 0.01] },
);
example(
  "a factor below 1 changes nothing",
  linear,
  { x: [[1, 1, 1, 1]], positions: [0] },
  { invFreq: [1, 0.01] },
  { scale: 0.5 },
);

law("is RoPE at positions divided by the factor", cases(linear), ({ x, o }) => {
  const divided = edit(x.positions, (p) => p / Math.max(o.scale, 1));
  same(linear(x, o).out, rope({ x: x.x, positions: divided }, { base: o.base }).out);
});
law("is RoPE again where the positions are as much larger", cases(linear), ({ x, o }) => {
  const stretched = edit(x.positions, (p) => p * Math.max(o.scale, 1));
  same(linear({ x: x.x, positions: stretched }, o).out, rope(x, { base: o.base }).out);
});
