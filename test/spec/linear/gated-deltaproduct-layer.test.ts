import { gatedDeltanetLayer } from "../../../spec/linear/gated-deltanet-layer.ts";
import { gatedDeltaproductLayer as layer } from "../../../spec/linear/gated-deltaproduct-layer.ts";
import { cases, edit, example, law, pick, refuses, same, specify, tensor } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const unit = (y: number) => y / Math.sqrt(y ** 2 + 1e-6);
const one = {
  x: [[1]],
  wQ: [[2]],
  wK: [[3, -5]],
  wV: [[1, 2]],
  convQ: [[1]],
  convK: [[1], [1]],
  convV: [[1], [1]],
  wB: [[0, Math.log(3)]],
  wG: [[1]],
  norm: [3],
  wO: [[2]],
};
const k = [unit(silu(3)), unit(silu(-5))] as const;
const written = (first: number, beta: readonly [number, number]) => {
  const once = first + beta[0] * k[0] * (silu(1) - k[0] * first);
  return once + beta[1] * k[1] * (silu(2) - k[1] * once);
};
const all = written(8, [1, 1.5]);
const q = unit(silu(2));
example(
  "two writes of strengths 1 and 3/2 on a state that does not fade",
  layer,
  { ...one, state: [[[8]]] },
  { state: [[[all]]], out: [[(6 * silu(1) * q * all) / Math.sqrt((q * all) ** 2 + 1e-5)]] },
);
example(
  "strengths of at most 1, and a state that fades to a quarter",
  layer,
  { ...one, wA: [[0]], aLog: [Math.log(2)], state: [[[8]]] },
  { state: [[[written(2, [0.5, 0.75])]]] },
  { allowNegEigval: false },
);
example(
  "aLog and dtBias are 0 unless given: a state that fades to a half",
  layer,
  { ...one, wA: [[0]], state: [[[8]]] },
  { state: [[[written(4, [1, 1.5])]]] },
);
refuses("aLog and dtBias belong to wA", layer, { ...one, aLog: [0] });
refuses("aLog and dtBias belong to wA", layer, { ...one, dtBias: [0] });

law(
  "one write a token is the Gated DeltaNet layer",
  cases(layer, { options: { nH: 1 }, given: { wA: true, aLog: true, dtBias: true } }),
  ({ x, o }) => {
    const { nH, ...rest } = o;
    const [actual, wanted] = [layer(x, o), gatedDeltanetLayer(x, { ...rest, vHeads: o.heads })];
    same(actual.out, wanted.out);
    same(actual.state, wanted.state);
  },
);
law("a second write of strength 0 is none", cases(layer, { options: { nH: 2 } }), ({ x, n, o }) => {
  const first = (t: typeof x.wK, axis: number) => pick(t, axis, t.shape[axis]! / 2, (i) => i);
  const only = {
    ...x,
    ...{
      wK: first(x.wK, 1),
      wV: first(x.wV, 1),
      convK: first(x.convK, 0),
      convV: first(x.convV, 0),
      wB: first(x.wB, 1),
    },
  };
  // Tokens of ones make the strength of the second write the sigmoid of −∞.
  const ones = { x: tensor([n.T, n.M], () => 1) };
  const never = edit(x.wB, (w, _, i) => (i < n.H ? w : Number.NEGATIVE_INFINITY));
  same(layer({ ...x, ...ones, wB: never }, o).state, layer({ ...only, ...ones }, { ...o, nH: 1 }).state);
});
