import { gatedDeltanetLayer } from "../../../spec/linear/gated-deltanet-layer.ts";
import { kimiDeltaAttentionLayer as layer } from "../../../spec/linear/kimi-delta-attention-layer.ts";
import { at, cases, edit, example, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const one = {
  x: [[1]],
  wQ: [[2, 1]],
  wK: [[3, -1]],
  wV: [[1]],
  convQ: [[1], [1]],
  convK: [[1], [1]],
  convV: [[1]],
  wF1: [[2]],
  wF2: [[1, 0]],
  aLog: [Math.log(2)],
  dtBias: [-2, 0],
  wB: [[-1000]],
  wG1: [[3]],
  wG2: [[1]],
  bG: [-2],
  norm: [3],
  wO: [[2]],
  state: [[[8], [4]]],
};
const size = Math.sqrt(silu(2) ** 2 + silu(1) ** 2 + 1e-6);
const o = (2 * (silu(2) / size) + silu(1) / size) / Math.SQRT2;
example("both gates are at 0: two times ln 2 makes a quarter of 8 and 4", layer, one, {
  state: [[[2], [1]]],
  out: [[(6 * o) / Math.sqrt(o ** 2 + 1e-5) / (1 + Math.exp(-1))]],
});
example(
  "bounded at −ln 4, gates at 0 are halfway, a half; 2 times ln 3 / 2 makes the second ¾ of the way",
  layer,
  { ...one, dtBias: [-2, Math.log(3) / 2] },
  { state: [[[4], [4 * 4 ** -0.75]]] },
  { lowerBound: -Math.log(4) },
);
const kSize = Math.sqrt(silu(3) ** 2 + silu(-1) ** 2 + 1e-6);
const k = [silu(3) / kSize, silu(-1) / kSize] as const;
const read = 2 * k[0] + k[1];
for (const [allowNegEigval, beta] of [
  [false, 0.5],
  [true, 1],
] as const)
  example(
    `a strength of ${beta}`,
    layer,
    { ...one, wB: [[0]] },
    { state: [[[2 + beta * k[0] * (silu(1) - read)], [1 + beta * k[1] * (silu(1) - read)]]] },
    { allowNegEigval },
  );

law(
  "gates alike in all features make what Gated DeltaNet's layer writes",
  cases(layer, { options: { lowerBound: Number.NEGATIVE_INFINITY } }),
  ({ x, n, o }) => {
    const { wF1, wF2, wG1, wG2, bG, dtBias, ...rest } = x;
    const wA = tensor([n.M, n.H], (m, h) => {
      let total = 0;
      for (let r = 0; r < n.R; r++) total += at(wF1, m, r) * at(wF2, r, h * n.D);
      return total;
    });
    const alike = {
      ...x,
      wF2: edit(wF2, (_, r, i) => at(wF2, r, Math.floor(i / n.D) * n.D)),
      dtBias: edit(dtBias, (_, i) => at(dtBias, Math.floor(i / n.D) * n.D)),
    };
    const wanted = gatedDeltanetLayer(
      { ...rest, wA, dtBias: tensor([n.H], (h) => at(dtBias, h * n.D)), wG: edit(x.wV, () => 0) },
      { heads: o.heads, allowNegEigval: o.allowNegEigval },
    );
    same(layer(alike, o).state, wanted.state);
  },
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
          convQ: of(x.convQ, 0, n.D),
          convK: of(x.convK, 0, n.D),
          convV: of(x.convV, 0, n.E),
          wO: of(x.wO, 0, n.E),
          wF2: of(x.wF2, 1, n.D),
          aLog: of(x.aLog, 0, 1),
          dtBias: of(x.dtBias, 0, n.D),
          wB: of(x.wB, 1, 1),
          wG2: of(x.wG2, 1, n.E),
          bG: of(x.bG, 0, n.E),
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
