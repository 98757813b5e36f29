import { gatedLinearAttentionLayer as layer } from "../../../spec/linear/gated-linear-attention-layer.ts";
import { at, cases, edit, example, join, law, same, span, specify } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const one = {
  x: [[1]],
  wQ: [[1, 0, 0, 0]],
  wK: [[3, 0, 0, 5]],
  wV: [[2, 1]],
  wA1: [[2]],
  wA2: [[1, 1, 1, 1]],
  bA: [-2, -2, -2, 1000],
  wR: [[1, 2]],
  norm: [1, 10],
  wO: [[1], [1]],
};
const zeros = [0, 0];
example(
  "a gate of ½ with τ = 1: 8 fades to 4, and 3 · 2 is added; at D = 4 the query is halved",
  layer,
  { ...one, state: [[[8, 0], zeros, zeros, [7, 0]]] },
  {
    state: [[[10, 3], zeros, zeros, [17, 5]]],
    out: [[(5 * silu(1) + 15 * silu(2)) / Math.sqrt((25 + 2.25) / 2 + 1e-5)]],
  },
  { tau: 1 },
);
example(
  "τ = 16 by default: the sixteenth root of ½",
  layer,
  { ...one, state: [[[8, 0], zeros, zeros, zeros]] },
  { state: [[[8 * 0.5 ** (1 / 16) + 6, 3], zeros, zeros, [10, 5]]] },
);
example(
  "a gate's logarithm of ln ½ is lifted to ln ¾",
  layer,
  { ...one, state: [[[8, 0], zeros, zeros, zeros]] },
  { state: [[[12, 3], zeros, zeros, [10, 5]]] },
  { tau: 1, clampMin: Math.log(0.75) },
);

law("two heads are two layers of one head added up", cases(layer, { options: { heads: 2 } }), ({ x, n, o }) => {
  const head = (h: number) => {
    const of = (t: typeof x.wQ, axis: number, width: number) => span(t, axis, h * width, (h + 1) * width);
    return layer(
      {
        ...x,
        ...{
          wQ: of(x.wQ, 1, n.D),
          wK: of(x.wK, 1, n.D),
          wV: of(x.wV, 1, n.E),
          wO: of(x.wO, 0, n.E),
          wA2: of(x.wA2, 1, n.D),
          bA: of(x.bA, 0, n.D),
          wR: of(x.wR, 1, n.E),
        },
        ...(x.state && { state: of(x.state, 0, 1) }),
      },
      { ...o, heads: 1 },
    );
  };
  const [first, second, both] = [head(0), head(1), layer(x, o)];
  same(
    both.out,
    edit(first.out, (y, t, m) => y + at(second.out, t, m)),
  );
  same(both.state, join(0, first.state, second.state));
});
