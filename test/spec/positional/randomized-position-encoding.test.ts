import { randomizedPositionEncoding as randomized } from "../../../spec/positional/randomized-position-encoding.ts";
import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, law, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(randomized);

example(
  "rotary: the second pair of neighbours turns by 1/100 of the place",
  randomized,
  { x: [[0, 0, 3, 0]], ids: [50] },
  { out: [[0, 0, 3 * Math.cos(0.5), 3 * Math.sin(0.5)]] },
);
example(
  "sinusoidal: first the sines of all frequencies, then the cosines",
  randomized,
  { x: [[10, 10, 10, 10]], ids: [7] },
  { out: [[10 + Math.sin(7), 10 + Math.sin(0.07), 10 + Math.cos(7), 10 + Math.cos(0.07)]] },
  { variant: "sinusoidal" },
);
example(
  "tags: rows 0 and 2 of three",
  randomized,
  {
    x: [
      [10, 10, 10],
      [20, 20, 20],
    ],
    ids: [0, 2],
    tags: [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ],
  },
  {
    out: [
      [11, 12, 13],
      [27, 28, 29],
    ],
  },
  { variant: "tags", places: 3 },
);
example(
  "there are 2048 places by default, and a sequence may take all",
  randomized,
  {
    x: Array.from({ length: 2048 }, () => [1]),
    ids: Array.from({ length: 2048 }, (_, t) => t),
    tags: Array.from({ length: 2048 }, (_, t) => [t]),
  },
  { out: Array.from({ length: 2048 }, (_, t) => [t + 1]) },
  { variant: "tags" },
);

const rotary = cases(randomized, { options: { variant: "rotary", places: 20 } });
law("rotary is interleaved RoPE at the places drawn", rotary, ({ x, o }) => {
  same(randomized(x, o).out, rope({ x: x.x, positions: x.ids }, { base: o.base, layout: "interleaved" }).out);
});
law("rotary, the same number added to all places leaves all products", rotary, ({ x, n, o }) => {
  const products = (ids: Tensor) => {
    const { data } = randomized({ x: x.x, ids }, { ...o, places: 100 }).out;
    return tensor([n.T, n.T], (t, s) =>
      Array.from({ length: n.D }, (_, d) => Number(data[t * n.D + d]) * Number(data[s * n.D + d])).reduce(
        (total, term) => total + term,
        0,
      ),
    );
  };
  same(products(edit(x.ids, (r) => r + 60)), products(x.ids));
});
law(
  "sinusoids are the tags of a table that holds them",
  cases(randomized, { options: { variant: "sinusoidal", places: 8 } }),
  ({ x, n, o }) => {
    const nothing = { x: tensor([8, n.D], () => 0), ids: tensor([8], (r) => r) };
    const tags = randomized(nothing, o).out;
    same(randomized({ ...x, tags }, { ...o, variant: "tags" }).out, randomized(x, o).out);
  },
);
