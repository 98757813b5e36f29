import { gatedSlotAttention as memory } from "../../../spec/linear/gated-slot-attention.ts";
import { gatedSlotAttentionLayer as layer } from "../../../spec/linear/gated-slot-attention-layer.ts";
import { at, cases, edit, example, join, law, pick, refuses, reshape, same, span, specify, tensor } from "../../kit.ts";

specify(layer);

const silu = (x: number) => x / (1 + Math.exp(-x));
const one = {
  x: [[1]],
  wQ: [[1]],
  wK: [[2]],
  wV: [[3, 1]],
  wF: [[-1000, -Math.log(255)]],
  norm: [1, 10],
  wO: [[1], [1]],
};
// Gates 0 and (1/256)^(1/8) = ½: the first slot is overwritten, the second half written.
const score = silu(1) * silu(2);
const first = Math.exp(score) / (Math.exp(score) + Math.exp(score / 2));
const o = [silu(3), silu(1)].map((v) => silu((first + (1 - first) / 2) * v));
example(
  "one slot takes all of the key and the value, the other half; SiLU and then the norm of all features",
  layer,
  one,
  {
    stateK: [[[silu(2), silu(2) / 2]]],
    stateV: [
      [
        [silu(3), silu(1)],
        [silu(3) / 2, silu(1) / 2],
      ],
    ],
    out: [[(o[0]! + 10 * o[1]!) / Math.sqrt((o[0]! ** 2 + o[1]! ** 2) / 2 + 1e-5)]],
  },
);
example(
  "with τ = 1 the second gate is 1/256",
  layer,
  one,
  { stateK: [[[silu(2), (255 / 256) * silu(2)]]] },
  { tau: 1 },
);
refuses(
  "Hq must be a multiple of Hk",
  layer,
  { ...one, wQ: [[1, 1, 1]], wK: [[2, 2]], wV: [[3, 1]], wF: [[0, 0]], norm: [1, 1, 1], wO: [[1], [1], [1]] },
  { heads: 3, kvHeads: 2 },
);

law(
  "is the slot memory between its projections",
  cases(layer, { options: { heads: 1, kvHeads: 1, tau: 1 } }),
  ({ x, n, o }) => {
    const project = (w: typeof x.wQ, act: (y: number) => number) =>
      tensor([n.T, w.shape[1]!], (t, c) => {
        let total = 0;
        for (let m = 0; m < n.M; m++) total += at(x.x, t, m) * at(w, m, c);
        return act(total);
      });
    const plain = (t: typeof x.wQ) => reshape(t, t.shape[1]!, t.shape[2]!);
    const { out, stateK, stateV } = memory(
      {
        ...{ q: project(x.wQ, silu), k: project(x.wK, silu), v: project(x.wV, silu) },
        a: project(x.wF, (f) => 1 / (1 + Math.exp(-f))),
        ...(x.stateK && { stateK: plain(x.stateK) }),
        ...(x.stateV && { stateV: plain(x.stateV) }),
      },
      { scale: o.scale },
    );
    const actual = layer(x, o);
    same(plain(actual.stateK), stateK);
    same(plain(actual.stateV), stateV);
    same(
      actual.out,
      tensor([n.T, n.Mo], (t, m) => {
        let [total, square] = [0, o.eps];
        for (let e = 0; e < n.E; e++) square += silu(at(out, t, e)) ** 2 / n.E;
        for (let e = 0; e < n.E; e++)
          total += (silu(at(out, t, e)) / Math.sqrt(square)) * at(x.norm, e) * at(x.wO, e, m);
        return total;
      }),
      // The norm divides by what may be small.
      1e-9,
    );
  },
);
law(
  "shared memories are the same as repeated ones",
  cases(layer, { options: { heads: 4, kvHeads: 2 } }),
  ({ x, n, o }) => {
    const repeat = (t: typeof x.wK, axis: number, width: number) =>
      pick(t, axis, 4 * width, (i) => Math.floor(i / width / 2) * width + (i % width));
    const { stateK, stateV } = x;
    const repeated = {
      ...x,
      ...{ wK: repeat(x.wK, 1, n.D), wV: repeat(x.wV, 1, n.E), wF: repeat(x.wF, 1, n.N) },
      ...(stateK && { stateK: repeat(stateK, 0, 1) }),
      ...(stateV && { stateV: repeat(stateV, 0, 1) }),
    };
    const [actual, wanted] = [layer(x, o), layer(repeated, { ...o, kvHeads: 4 })];
    same(actual.out, wanted.out);
    same(
      actual.stateK,
      pick(wanted.stateK, 0, 2, (g) => 2 * g),
    );
    same(
      actual.stateV,
      pick(wanted.stateV, 0, 2, (g) => 2 * g + 1),
    );
  },
);
law(
  "there are as many memories as heads unless said otherwise",
  cases(layer, { options: { heads: 2, kvHeads: 2 } }),
  ({ x, o }) => {
    const { kvHeads, ...rest } = o;
    same(layer(x, rest).out, layer(x, { ...rest, kvHeads }).out);
  },
);
law(
  "the memories of two heads are those of each alone",
  cases(layer, { options: { heads: 2, kvHeads: 2 } }),
  ({ x, n, o }) => {
    const head = (h: number) => {
      const of = (t: typeof x.wQ, axis: number, width: number) => span(t, axis, h * width, (h + 1) * width);
      return layer(
        {
          ...x,
          ...{ wQ: of(x.wQ, 1, n.D), wK: of(x.wK, 1, n.D), wV: of(x.wV, 1, n.E), wF: of(x.wF, 1, n.N) },
          ...{ norm: of(x.norm, 0, n.E), wO: of(x.wO, 0, n.E) },
          ...(x.stateK && { stateK: of(x.stateK, 0, 1) }),
          ...(x.stateV && { stateV: of(x.stateV, 0, 1) }),
        },
        { ...o, heads: 1, kvHeads: 1 },
      );
    };
    same(layer(x, o).stateK, join(0, head(0).stateK, head(1).stateK));
    same(layer(x, o).stateV, join(0, head(0).stateV, head(1).stateV));
  },
);
law("the gain multiplies features of the output projection", cases(layer), ({ x, o }) =>
  same(
    layer(x, o).out,
    layer({ ...x, norm: edit(x.norm, () => 1), wO: edit(x.wO, (w, i) => w * at(x.norm, i)) }, o).out,
  ),
);
