import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { cases, edit, example, law, pick, same, specify, tensor, tensorOf } from "../../kit.ts";

specify(rope);

const quarter = Math.PI / 2;
example(
  "a quarter turn of the first pair, none of the second (half layout)",
  rope,
  { x: [[1, 2, 3, 4]], positions: [1], invFreq: [quarter, 0] },
  { out: [[-3, 2, 1, 4]] },
);
example(
  "the same, interleaved",
  rope,
  { x: [[1, 2, 3, 4]], positions: [1], invFreq: [quarter, 0] },
  { out: [[-2, 1, 3, 4]] },
  { layout: "interleaved" },
);
example(
  "pair 1 of 2 turns θ^(−1/2) per position: a quarter turn at θ = 100 and position 5π",
  rope,
  { x: [[0, 1, 0, 0]], positions: [10 * quarter] },
  { out: [[0, 0, 0, 1]] },
  { base: 100 },
);

example(
  "by default θ = 10000, so that pair 1 of 2 takes 50π positions for a quarter turn",
  rope,
  { x: [[0, 1, 0, 0]], positions: [100 * quarter] },
  { out: [[0, 0, 0, 1]] },
);

law("products depend on the distance alone", cases(rope), ({ x, n, o }) => {
  const product = (a: number, b: number) => {
    const place = (p: number) => tensor([n.T], () => p);
    const [u, w] = [
      rope({ ...x, positions: place(a) }, o).out,
      rope({ ...x, x: edit(x.x, (v) => v + 1), positions: place(b) }, o).out,
    ];
    return tensorOf(
      Array.from({ length: n.T }, (_, t) =>
        Array.from({ length: n.D }, (_, d) => u.data[t * n.D + d]! * w.data[t * n.D + d]!).reduce((s, v) => s + v, 0),
      ),
    );
  };
  same(product(7.5, 3), product(4.5, 0));
});
law(
  "the two layouts differ by a fixed reordering of the features",
  cases(rope, { options: { layout: "half" } }),
  ({ x, n, o }) => {
    const R = o.rotaryDim,
      source = (d: number) => (d >= R ? d : (d % 2) * (R / 2) + (d >> 1));
    const interleaved = (t: typeof x.x) => pick(t, 1, n.D, source);
    same(rope({ ...x, x: interleaved(x.x) }, { ...o, layout: "interleaved" }).out, interleaved(rope(x, o).out));
  },
);
law(
  "two turns are one by the sum of the positions, and position 0 is none",
  cases(rope, { options: { attentionScaling: 1 } }),
  ({ x, n, o }) => {
    const by = (t: typeof x.x, f: (p: number) => number) =>
      rope({ ...x, x: t, positions: edit(x.positions, f) }, o).out;
    same(
      by(
        by(x.x, (p) => p),
        () => 2.5,
      ),
      by(x.x, (p) => p + 2.5),
    );
    same(
      by(x.x, () => 0),
      tensor([n.T, n.D], (t, d) => x.x.data[t * n.D + d]!),
    );
  },
);
