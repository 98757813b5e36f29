import { deltanetLayer } from "../../../spec/linear/deltanet-layer.ts";
import { gatedDeltanetLayer as layer } from "../../../spec/linear/gated-deltanet-layer.ts";
import { at, cases, edit, example, join, law, pick, refuses, same, span, specify } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const unit = (y: number) => y / Math.sqrt(y ** 2 + 1e-6);
const ln3 = Math.log(3);
const one = {
  x: [[1]],
  wQ: [[2]],
  wK: [[3]],
  wV: [[1, 2]],
  convQ: [[1]],
  convK: [[1]],
  convV: [[1], [1]],
  wA: [[0]],
  wB: [[ln3]],
  aLog: [Math.log(2)],
  dtBias: [0],
  wG: [[1, 1]],
  norm: [1, 10],
  wO: [[1], [1]],
};
const v = [silu(1), silu(2)] as const;
const k = unit(silu(3));
// softplus(0) = ln 2, twice that is ln 4: the state fades to a quarter.
const left = (1 - 0.75 * k ** 2) / 4;
const S = [0.75 * k * v[0] + 8 * left, 0.75 * k * v[1]] as const;
const q = unit(silu(2));
example(
  "8 fades to 2, three quarters of the value are written",
  layer,
  { ...one, state: [[[8, 0]]] },
  {
    state: [[[...S]]],
    out: [[(silu(1) * (S[0] + 10 * S[1]) * q) / Math.sqrt(((S[0] * q) ** 2 + (S[1] * q) ** 2) / 2 + 1e-5)]],
  },
);
example(
  "β doubled",
  layer,
  { ...one, state: [[[8, 0]]] },
  { state: [[[1.5 * k * v[0] + 2 * (1 - 1.5 * k ** 2), 1.5 * k * v[1]]]] },
  { allowNegEigval: true },
);
refuses(
  "Hv must be a multiple of H",
  layer,
  {
    ...one,
    wQ: [[2, 2]],
    wK: [[3, 3]],
    convQ: [[1], [1]],
    convK: [[1], [1]],
    wV: [[1, 2, 3]],
    convV: [[1], [1], [1]],
    wA: [[0, 0, 0]],
    wB: [[0, 0, 0]],
    aLog: [0, 0, 0],
    dtBias: [0, 0, 0],
    wG: [[1, 1, 1]],
    norm: [1],
    wO: [[1], [1], [1]],
  },
  { heads: 2, vHeads: 3 },
);

law(
  "without decay and with weaker norms it writes what DeltaNet's layer writes",
  cases(layer, { options: { heads: 1, vHeads: 1 } }),
  ({ x, o }) => {
    const { wA, aLog, dtBias, wG, ...rest } = x;
    const wanted = deltanetLayer(rest, { heads: 1, allowNegEigval: o.allowNegEigval, eps: o.eps });
    same(layer({ ...x, aLog: edit(aLog, () => Number.NEGATIVE_INFINITY) }, o).state, wanted.state);
  },
);
law("shared heads are the same as repeated ones", cases(layer, { options: { heads: 2, vHeads: 4 } }), ({ x, n, o }) => {
  const repeat = (t: typeof x.wQ, axis: number) =>
    pick(t, axis, 4 * n.D, (i) => Math.floor(i / n.D / 2) * n.D + (i % n.D));
  const repeated = {
    ...x,
    ...{ wQ: repeat(x.wQ, 1), wK: repeat(x.wK, 1), convQ: repeat(x.convQ, 0), convK: repeat(x.convK, 0) },
  };
  same(layer(repeated, { ...o, heads: 4 }).out, layer(x, o).out);
});
law(
  "there are as many value heads as heads unless said otherwise",
  cases(layer, { options: { heads: 2, vHeads: 2 } }),
  ({ x, o }) => {
    const { vHeads, ...rest } = o;
    same(layer(x, rest).out, layer(x, { ...rest, vHeads }).out);
  },
);
law(
  "two heads are two layers of one head added up",
  cases(layer, { options: { heads: 2, vHeads: 2 } }),
  ({ x, n, o }) => {
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
            wA: of(x.wA, 1, 1),
            wB: of(x.wB, 1, 1),
            aLog: of(x.aLog, 0, 1),
            dtBias: of(x.dtBias, 0, 1),
            wG: of(x.wG, 1, n.E),
          },
          ...(x.state && { state: of(x.state, 0, 1) }),
        },
        { ...o, heads: 1, vHeads: 1 },
      );
    };
    const [first, second, both] = [head(0), head(1), layer(x, o)];
    same(
      both.out,
      edit(first.out, (y, t, m) => y + at(second.out, t, m)),
    );
    same(both.state, join(0, first.state, second.state));
  },
);
