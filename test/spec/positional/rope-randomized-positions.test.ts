import { ropeRandomizedPositions as randomized } from "../../../spec/positional/rope-randomized-positions.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, example, fail, law, same, specify, tensor } from "../../kit.ts";

specify(randomized);

const three = [
  [1, 0],
  [1, 0],
  [1, 0],
];
example("steps of twice u: ½, 1 and 1", randomized, { x: three, u: [0.25, 0.5, 0.5] }, { positions: [0.5, 1.5, 2.5] });
example(
  "steps of 2 would end at 6, past three tokens: all shrink by half",
  randomized,
  { x: three, u: [1, 1, 1] },
  { positions: [1, 2, 3] },
);
example("evaluation counts from 0", randomized, { x: three }, { positions: [0, 1, 2] });
example(
  "base 10000: the second of two pairs turns 1/100 per position",
  randomized,
  { x: [[0, 3, 0, 0]], u: [0.5] },
  { out: [[0, 3 * Math.cos(0.01), 0, 3 * Math.sin(0.01)]] },
);

law("is RoPE at the positions it returns", cases(randomized), ({ x, o }) => {
  const { out, positions } = randomized(x, o);
  same(out, rope({ x: x.x, positions }, o).out);
});
law("positions rise and stay within the length", cases(randomized, { given: { u: true } }), ({ x, n, o }) => {
  const p = [...randomized(x, o).positions.data];
  if (p.some((place, j) => place < (p[j - 1] ?? 0) || place > n.T + 1e-12)) fail(`positions ${p}`);
});
law("equal numbers of ½ give 1 … T", cases(randomized), ({ x, n, o }) => {
  same(
    randomized({ x: x.x, u: tensor([n.T], () => 0.5) }, o).positions,
    tensor([n.T], (j) => j + 1),
  );
});
