import { gatedDeltanet2Layer as layer } from "../../../spec/linear/gated-deltanet-2-layer.ts";
import { kimiDeltaAttentionLayer } from "../../../spec/linear/kimi-delta-attention-layer.ts";
import { at, cases, edit, example, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const unit = (y: number) => y / Math.sqrt(y ** 2 + 1e-6);
const one = {
  x: [[1]],
  wQ: [[2]],
  wK: [[3]],
  wV: [[1]],
  convQ: [[1]],
  convK: [[1]],
  convV: [[1]],
  wF1: [[2]],
  wF2: [[1]],
  wB: [[0]],
  wW: [[Math.log(3)]],
  aLog: [Math.log(2)],
  dtBias: [-2],
  wG1: [[3]],
  wG2: [[1]],
  bG: [-2],
  norm: [3],
  wO: [[2]],
  state: [[[8]]],
};
const k = unit(silu(3));
const written = (b: number) => 2 + k * (0.75 * silu(1) - b * k * 2);
const o = unit(silu(2)) * written(0.5);
example("8 fades to 2, half of which is erased, and ¾ of the value are written", layer, one, {
  state: [[[written(0.5)]]],
  out: [[(6 * o) / Math.sqrt(o ** 2 + 1e-5) / (1 + Math.exp(-1))]],
});
example(
  "the erase gate doubled, the write gate not",
  layer,
  one,
  { state: [[[written(1)]]] },
  { allowNegEigval: true },
);

law(
  "gates alike in all features make the Kimi delta attention layer",
  cases(layer, { options: { allowNegEigval: false } }),
  ({ x, n, o }) => {
    const { wB, wW, ...rest } = x;
    const alike = (t: typeof wB, width: number) => edit(t, (_, m, i) => at(wB, m, Math.floor(i / width) * n.D));
    const wanted = kimiDeltaAttentionLayer({ ...rest, wB: tensor([n.M, n.H], (m, h) => at(wB, m, h * n.D)) }, o);
    const actual = layer({ ...x, wB: alike(wB, n.D), wW: alike(wW, n.E) }, o);
    same(actual.out, wanted.out);
    same(actual.state, wanted.state);
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
          wB: of(x.wB, 1, n.D),
          wW: of(x.wW, 1, n.E),
          aLog: of(x.aLog, 0, 1),
          dtBias: of(x.dtBias, 0, n.D),
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
