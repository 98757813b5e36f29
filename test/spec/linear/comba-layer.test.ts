import { combaLayer as layer } from "../../../spec/linear/comba-layer.ts";
import { deltanetLayer } from "../../../spec/linear/deltanet-layer.ts";
import { at, cases, edit, example, join, law, same, span, specify } from "../../kit.ts";

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
  wA: [[0]],
  wB: [[0]],
  aLog: [Math.log(2)],
  dtBias: [0],
  wG: [[1]],
  norm: [3],
  wO: [[2]],
  state: [[[8]]],
};
const k = unit(silu(3));
const written = (p: number) => 2 + (k * (silu(1) - 8 * p)) / 2;
const read = (q: number, S: number) => (6 * q * S) / Math.sqrt((q * S) ** 2 + 1e-5) / (1 + Math.exp(-1));
example("8 fades to 2, read before at p, which is k", layer, one, {
  state: [[[written(k)]]],
  out: [[read(unit(silu(2)), written(k))]],
});
const quarter = unit(silu(3) / 4);
example(
  "a factor of ¼ on p is all but lost where p is brought to length 1; q is corrected by 4 times p, and changes sign",
  layer,
  { ...one, b: [-Math.log(3)], correction: [4] },
  { state: [[[written(quarter)]]], out: [[read(unit(silu(2) - silu(3)), written(quarter))]] },
);
example(
  "the factor kept",
  layer,
  { ...one, b: [-Math.log(3)] },
  { state: [[[written(k / 4)]]] },
  { normaliseP: false },
);

law(
  "without decay and factor it writes what DeltaNet's layer writes",
  cases(layer, { given: { b: false } }),
  ({ x, o }) => {
    const { wA, aLog, dtBias, b, correction, wG, ...rest } = x;
    const { normaliseP, ...options } = o;
    const still = { ...x, aLog: edit(aLog, () => Number.NEGATIVE_INFINITY) };
    same(layer(still, o).state, deltanetLayer(rest, options).state);
  },
);
law(
  "the correction tells in what is read, not in what is written",
  cases(layer, { given: { correction: true } }),
  ({ x, o }) => same(layer({ ...x, correction: edit(x.correction, () => 0) }, o).state, layer(x, o).state),
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
          wA: of(x.wA, 1, 1),
          wB: of(x.wB, 1, 1),
          aLog: of(x.aLog, 0, 1),
          dtBias: of(x.dtBias, 0, 1),
          wG: of(x.wG, 1, n.E),
        },
        ...(x.state && { state: of(x.state, 0, 1) }),
        ...(x.b && { b: of(x.b, 0, 1) }),
        ...(x.correction && { correction: of(x.correction, 0, 1) }),
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
