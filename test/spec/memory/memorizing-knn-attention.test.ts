import { scaledDotProductAttention as attention } from "../../../spec/core/scaled-dot-product-attention.ts";
import { memorizingKnnAttention as knn } from "../../../spec/memory/memorizing-knn-attention.ts";
import {
  at,
  cases,
  edit,
  example,
  fail,
  fc,
  join,
  law,
  pick,
  refuses,
  same,
  span,
  specify,
  type Tensor,
  tensor,
} from "../../kit.ts";

specify(knn);

const ln3 = Math.log(3);
const plain = { normalise: false };
const one = { q: [[[1]]], k: [[[0]]], v: [[[2]]], memK: [[[ln3], [0]]], memV: [[[8], [0]]] };
example(
  "the memory gives 6, the token itself 2; the gate is ½ unless given",
  knn,
  one,
  { out: [[[4]]], memK: [[[ln3], [0], [0]]], memV: [[[8], [0], [2]]] },
  plain,
);
example("a gate of ¾ for the memory", knn, { ...one, b: [ln3] }, { out: [[[5]]] }, plain);
example("only the nearest entry", knn, one, { out: [[[5]]] }, { ...plain, topK: 1 });
example(
  "of equally near ones the earlier",
  knn,
  { ...one, memK: [[[1], [1]]] },
  { out: [[[5]]] },
  { ...plain, topK: 1 },
);
example(
  "at D = 4 products are halved, and biases with them",
  knn,
  {
    q: [[[1, 1, 1, 1]]],
    k: [
      [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    v: [[[8], [0]]],
    bias: [[[2 * ln3 - 1, 0]]],
    memK: [
      [
        [ln3, ln3, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    memV: [[[16], [0]]],
  },
  { out: [[[9]]] },
  plain,
);
example(
  "normalised, (3, 4) is (0.6, 0.8); the scale is the size of c",
  knn,
  {
    q: [[[3, 4]]],
    k: [
      [
        [6, 8],
        [4, -3],
      ],
    ],
    v: [[[8], [0]]],
    memK: [
      [
        [0.6, 0.8],
        [0.8, -0.6],
      ],
    ],
    memV: [[[16], [0]]],
    c: [-ln3],
  },
  {
    out: [[[9]]],
    memK: [
      [
        [0.6, 0.8],
        [0.8, -0.6],
        [0.8, -0.6],
      ],
    ],
  },
  { normEps: 0 },
);
example(
  "10⁻⁶ under the root unless told otherwise: a length of 10⁻³ becomes √½",
  knn,
  { ...one, q: [[[1e-3]]], memK: [[[Math.SQRT2 * ln3], [0]]] },
  { out: [[[4]]] },
);
example(
  "without it a length below 10⁻¹² counts as that",
  knn,
  { ...one, q: [[[0.5e-12]]], memK: [[[2 * ln3], [0]]] },
  { out: [[[4]]] },
  { normEps: 0 },
);
example(
  "stored keys normalised on reading",
  knn,
  { ...one, q: [[[2]]], memK: [[[7], [0]]], c: [ln3] },
  { out: [[[4]]] },
  { normEps: 0, memNormalise: true },
);
const four = { ...one, memK: [[[ln3], [0], [Math.log(2)], [-1]]], memV: [[[8], [0], [4], [100]]] };
example("the two nearest of four: weights 3 and 2", knn, four, { out: [[[4.2]]] }, { ...plain, topK: 2 });
example(
  "the nearest of the even and of the odd places: weights 3 and 1",
  knn,
  four,
  { out: [[[4]]] },
  { ...plain, topK: 2, retrieval: "bucket" },
);
const local = {
  q: [[[1], [1]]],
  k: [[[ln3], [0], [0], [5]]],
  v: [[[8], [0], [4], [100]]],
  memK: [[[0]]],
  memV: [[[0]]],
};
const bare = { ...local, k: [[[0], [0], [0], [0]]] };
example("the last queries stand beside the last keys", knn, bare, { out: [[[2], [14]]] }, plain);
example("the places before a query's own", knn, local, { out: [[[3], [2.8]]] }, { ...plain, localMask: "previous" });
example("only the last of them", knn, local, { out: [[[0], [2]]] }, { ...plain, localMask: "previous", window: 1 });
example(
  "a query with nothing before it gets the memory's half alone",
  knn,
  one,
  { out: [[[3]]] },
  { ...plain, localMask: "previous" },
);
example(
  "one softmax over both: weights 3, 1 and 1; a bias is not scaled",
  knn,
  {
    q: [[[1, 0, 0, 0]]],
    k: [[[2 * ln3, 0, 0, 0]]],
    v: [[[2]]],
    bias: [[[ln3]]],
    memK: [
      [
        [2 * ln3, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    memV: [[[13], [26]]],
  },
  { out: [[[(3 * 13 + 26 + 9 * 2) / 13]]] },
  { ...plain, joint: true },
);
example(
  "thirty-two entries are read unless told otherwise",
  knn,
  {
    ...one,
    memK: [Array.from({ length: 33 }, () => [0])],
    memV: [Array.from({ length: 33 }, (_, j) => [j === 31 ? 64 : j === 32 ? 1000 : 0])],
  },
  { out: [[[2]]] },
  plain,
);
example(
  "the oldest entries make room",
  knn,
  one,
  {
    memK: [[[0], [0]]],
    memV: [[[0], [2]]],
  },
  { ...plain, capacity: 2 },
);
const tiny = { q: [[[1]]], k: [[[1]]], v: [[[1]]], memK: [[[1]]], memV: [[[1]]] };
refuses("Tk must be at least Tq", knn, { ...tiny, q: [[[1], [1]]] });
refuses("multiple of topK", knn, tiny, { retrieval: "bucket", topK: 2 });
refuses("window is for", knn, tiny, { window: 1 });
refuses("c needs normalise", knn, { ...tiny, c: [1] }, { normalise: false });
refuses("joint has no gate", knn, { ...tiny, b: [1] }, { joint: true });

law(
  "the memory holds 32768 entries unless told otherwise",
  fc.constant(0),
  () => {
    const cell = tensor([1, 1, 1], () => 1);
    const memory = tensor([1, 32768, 1], () => 1);
    const { memK } = knn({ q: cell, k: cell, v: cell, memK: memory, memV: memory });
    if (memK.shape[1] !== 32768) fail(`it holds ${memK.shape[1]}`);
  },
  1,
);
const all = Number.POSITIVE_INFINITY;
const flat = {
  options: {
    normalise: false,
    topK: all,
    retrieval: "exact",
    localMask: "causal",
    window: all,
    memNormalise: false,
  } as const,
  given: { c: false },
};
const rescaled = (bias: Tensor, D: number) => edit(bias, (v) => v / Math.sqrt(D));
law(
  "the gate mixes attention to the tokens with attention to the memory",
  cases(knn, { options: { ...flat.options, joint: false }, given: { c: false, bias: true, b: true } }),
  ({ x, n, o }) => {
    const near = attention({ q: x.q, k: x.k, v: x.v, bias: rescaled(x.bias, n.D) }, { causal: true }).out;
    const far = attention({ q: x.q, k: x.memK, v: x.memV }).out;
    const g = (h: number) => 1 / (1 + Math.exp(-at(x.b, h)));
    same(
      knn(x, o).out,
      tensor([n.H, n.Tq, n.E], (h, t, e) => g(h) * at(far, h, t, e) + (1 - g(h)) * at(near, h, t, e)),
    );
  },
);
law(
  "joint, it is attention to memory and tokens one after the other",
  cases(knn, { options: { ...flat.options, joint: true }, given: { c: false, b: false, bias: true } }),
  ({ x, n, o }) => {
    const bias = join(
      2,
      tensor([n.H, n.Tq, n.Tm], () => 0),
      x.bias,
    );
    same(
      knn(x, o).out,
      attention({ q: x.q, k: join(1, x.memK, x.k), v: join(1, x.memV, x.v), bias }, { causal: true }).out,
    );
  },
);
law("as many buckets as entries are exact retrieval of all", cases(knn), ({ x, n, o }) => {
  const topK = Math.max(n.Tm, 1);
  same(knn(x, { ...o, topK, retrieval: "bucket" }).out, knn(x, { ...o, topK, retrieval: "exact" }).out);
});
law("one bucket is the nearest entry", cases(knn), ({ x, o }) =>
  same(knn(x, { ...o, topK: 1, retrieval: "bucket" }).out, knn(x, { ...o, topK: 1, retrieval: "exact" }).out),
);
law(
  "the tokens before are those up to the query's without its own",
  cases(knn, { options: { localMask: "previous" } }),
  ({ x, n, o }) => {
    const hidden = tensor([n.H, n.Tq, n.Tk], (h, t, s) => {
      const place = t + n.Tk - n.Tq;
      const kept = s < place && s >= place - o.window;
      return kept ? (x.bias ? at(x.bias, h, t, s) : 0) : Number.NEGATIVE_INFINITY;
    });
    if (x.c && Array.from(x.c.data).includes(0)) return;
    same(knn(x, o).out, knn({ ...x, bias: hidden }, { ...o, localMask: "causal", window: all }).out);
  },
);
law(
  "keys of length 1 are normalised already",
  cases(knn, { options: { normEps: 0, normalise: true } }),
  ({ x, n, o }) => {
    const unit = (t: Tensor) => {
      const length = (h: number, i: number) => Math.hypot(...Array.from({ length: n.D }, (_, d) => at(t, h, i, d)));
      return edit(t, (value, h, i) => value / Math.max(length(h, i), 1e-12));
    };
    const stored = { ...x, q: unit(x.q), k: unit(x.k), memK: unit(x.memK) };
    const { c: _, ...rest } = stored;
    same(knn({ ...x, memK: stored.memK }, o).out, knn(stored, { ...o, memNormalise: true }).out);
    if (!x.c && !x.bias)
      same(
        knn({ ...rest, q: edit(rest.q, (v) => v * Math.sqrt(n.D)) }, { ...o, normalise: false }).out,
        knn({ ...x, memK: stored.memK }, o).out,
      );
  },
);
law(
  "the next memory is the last of memory and new tokens; nothing else of the past is stored",
  cases(knn, { options: { normalise: false }, given: { c: false } }),
  ({ x, n, o }) => {
    const long = (old: Tensor, fresh: Tensor) => join(1, old, span(fresh, 1, n.Tk - n.Tq, n.Tk));
    const last = (t: Tensor) => span(t, 1, n.Tm + n.Tq - n.Tn, n.Tm + n.Tq);
    const next = knn(x, o);
    same(next.memK, last(long(x.memK, x.k)));
    same(next.memV, last(long(x.memV, x.v)));
  },
);
law(
  "the order of the memory is immaterial where its keys are not equally near",
  cases(knn, { options: { retrieval: "exact" }, sizes: { D: 1, Tm: 4 } }),
  ({ x, n, o }) => {
    const apart = edit(x.memK, (_, h, j) => h + j * 0.75 - 1);
    const turn = (t: Tensor) => pick(t, 1, n.Tm, (j) => (j + 1) % n.Tm);
    const q = edit(x.q, (v) => v || 1);
    same(
      knn({ ...x, q, memK: turn(apart), memV: turn(x.memV) }, { ...o, memNormalise: false }).out,
      knn({ ...x, q, memK: apart }, { ...o, memNormalise: false }).out,
    );
  },
);
