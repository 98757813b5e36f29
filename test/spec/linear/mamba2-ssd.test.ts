import { gatedLinearAttention } from "../../../spec/linear/gated-linear-attention.ts";
import { mamba2Ssd as mamba2 } from "../../../spec/linear/mamba2-ssd.ts";
import { retention } from "../../../spec/linear/retention.ts";
import {
  at,
  cases,
  edit,
  example,
  fail,
  join,
  law,
  refuses,
  same,
  span,
  specify,
  type Tensor,
  tensor,
} from "../../kit.ts";

specify(mamba2);

const silu = (x: number) => x / (1 + Math.exp(-x));
const half = {
  u: [[[1]], [[1]]],
  a: [-1],
  b: [[[1 / Math.LN2]], [[1 / Math.LN2]]],
  c: [[[2]], [[4]]],
  d: [10],
};
example("softplus(0) = ln 2, so a rate of −1 halves the state; 1 is written, 2 and 4 times it is read", mamba2, half, {
  out: [[12], [16]],
  state: [[[1.5]]],
});
example(
  "resumed from 8, with ln(−A) = 0",
  mamba2,
  { ...half, a: [0], state: [[[8]]] },
  { out: [[20], [24]] },
  { logA: true },
);
example(
  "steps given as they are, and a bias on them: Δ = 1 + 1 writes 2·3·1",
  mamba2,
  { u: [[[1]]], a: [0], b: [[[3]]], c: [[[1]]], dt: [[1]], dtBias: [1] },
  { out: [[6]] },
  { softplus: false },
);
const still = { softplus: false };
const read = { dt: [[1, 1, 1, 1]], a: [0, 0, 0, 0] };
example(
  "four heads in two groups: neighbours share B and C",
  mamba2,
  { ...read, u: [[[1], [2], [3], [4]]], b: [[[1], [10]]], c: [[[1], [100]]] },
  { out: [[1, 2, 3000, 4000]] },
  { ...still, groups: 2 },
);
example(
  "projections of the token (1, 2): u = 2·10 + 1, B = 3, C = 5, Δ = 1 + 7",
  mamba2,
  {
    x: [[1, 2]],
    a: [0],
    u: [[[1]]],
    dt: [[1]],
    wU: [[0], [10]],
    wB: [[3], [0]],
    wC: [[1], [2]],
    wDt: [[7], [0]],
  },
  { out: [[5 * 8 * 21 * 3]] },
  still,
);
example(
  "one convolution over u, B and C, the last tap on the token itself, then SiLU",
  mamba2,
  {
    u: [[[1]], [[2]]],
    b: [[[3]], [[4]]],
    c: [[[5]], [[6]]],
    a: [0],
    dt: [[0], [1]],
    conv: [
      [1, 10],
      [1, 100],
      [1, 1000],
    ],
    convB: [1, 2, 3],
  },
  {
    out: [[0], [silu(6008) * silu(22) * silu(405)]],
    convState: [
      [1, 3, 5],
      [2, 4, 6],
    ],
  },
  still,
);
example(
  "the rows before the first, of which the oldest no longer counts",
  mamba2,
  {
    u: [[[1]]],
    b: [[[0]]],
    c: [[[0]]],
    a: [0],
    d: [1],
    conv: [
      [1, 10],
      [0, 0],
      [0, 0],
    ],
    convState: [
      [99, 0, 0],
      [7, 8, 9],
    ],
  },
  {
    out: [[silu(17)]],
    convState: [
      [7, 8, 9],
      [1, 0, 0],
    ],
  },
);
const skip = { a: [0, 0], b: [[[0]]], d: [1, 1], u: [[[3], [4]]] };
example(
  "the norm takes the heads together: 3 and 4 over √12.5, less a little for ε = 10⁻⁵",
  mamba2,
  { ...skip, norm: [1, 10] },
  { out: [[3 / Math.sqrt(12.50001), 40 / Math.sqrt(12.50001)]] },
);
example(
  "or in two parts, each over its own size",
  mamba2,
  { ...skip, norm: [1, 10] },
  { out: [[3 / 5, 40 / Math.sqrt(32)]] },
  { normGroups: 2, eps: 16 },
);
example(
  "the gate comes before the norm, and the output projection after",
  mamba2,
  { ...skip, x: [[1]], wZ: [[2, 1]], norm: [1, 1], wOut: [[1], [10]] },
  {
    out: [[(3 * silu(2) + 40 * silu(1)) / Math.sqrt(((3 * silu(2)) ** 2 + (4 * silu(1)) ** 2) / 2 + 1)]],
  },
  { eps: 1 },
);
example("a gate without a norm", mamba2, { ...skip, x: [[1]], wZ: [[2, 1]] }, { out: [[3 * silu(2), 4 * silu(1)]] });
refuses("u or x must be given", mamba2, { a: [0], dt: [[0]], b: [[[1]]], state: [[[0]]] });
for (const name of ["wZ", "wU", "wB", "wC", "wDt"])
  refuses("need x", mamba2, { u: [[[1]]], b: [[[1]]], a: [0], [name]: [[0]] });
for (const [name, value] of [
  ["convB", [0, 0, 0]],
  ["convState", [[0, 0, 0]]],
] as const)
  refuses("convB and convState need conv", mamba2, { u: [[[1]]], b: [[[1]]], a: [0], [name]: value });
refuses("H must be a multiple of G", mamba2, { u: [[[1]]], b: [[[1], [1]]], a: [0] }, { groups: 2 });
refuses("normGroups must divide", mamba2, { u: [[[1]]], b: [[[1]]], a: [0], norm: [1] }, { normGroups: 2 });

const scanOnly = {
  x: false,
  wZ: false,
  wU: false,
  wB: false,
  wC: false,
  wDt: false,
  conv: false,
  convB: false,
  convState: false,
};
const core = {
  given: { ...scanOnly, norm: false, wOut: false, u: true, b: true, c: true, dt: true, dtBias: false, state: false },
};
const shared = (h: number, n: { H: number; G: number }) => Math.floor(h / (n.H / n.G));
const stepped = (x: { dt: Tensor }, softplus: boolean) => edit(x.dt, (v) => (softplus ? Math.log1p(Math.exp(v)) : v));
const rateOf = (x: { a: Tensor }, logA: boolean, h: number) => (logA ? -Math.exp(at(x.a, h)) : at(x.a, h));
law(
  "it is attention with decays in place of a softmax",
  cases(mamba2, core),
  ({ x, n, o }) => {
    const dt = stepped(x, o.softplus);
    same(
      mamba2(x, o).out,
      tensor([n.T, n.H * n.E], (t, c) => {
        const [h, e] = [Math.floor(c / n.E), c % n.E];
        let total = x.d ? at(x.d, h) * at(x.u, t, h, e) : 0;
        for (let s = 0; s <= t; s++) {
          let score = 0;
          for (let k = 0; k < n.N; k++) score += at(x.c, t, shared(h, n), k) * at(x.b, s, shared(h, n), k);
          let way = 0;
          for (let r = s + 1; r <= t; r++) way += at(dt, r, h);
          total += score * Math.exp(rateOf(x, o.logA, h) * way) * at(dt, s, h) * at(x.u, s, h, e);
        }
        return total;
      }),
    );
  },
  30,
);
law(
  "a head is gated linear attention with one gate for all features, queries C and keys B",
  cases(mamba2, { ...core, sizes: { H: 1, G: 1 }, options: { groups: 1, normGroups: 1 } }),
  ({ x, n, o }) => {
    const dt = stepped(x, o.softplus);
    const gla = gatedLinearAttention(
      {
        q: tensor([n.T, n.N], (t, k) => at(x.c, t, 0, k)),
        k: tensor([n.T, n.N], (t, k) => at(x.b, t, 0, k)),
        v: tensor([n.T, n.E], (t, e) => at(dt, t, 0) * at(x.u, t, 0, e)),
        g: tensor([n.T, n.N], (t) => at(dt, t, 0) * rateOf(x, o.logA, 0)),
      },
      { scale: 1 },
    );
    const ssd = mamba2({ ...x, d: tensor([1], () => 0) }, o);
    same(ssd.out, gla.out);
    same(
      ssd.state,
      tensor([1, n.E, n.N], (_, e, k) => at(gla.state, k, e)),
    );
  },
  30,
);
law(
  "with one step for all tokens it is retention",
  cases(mamba2, { ...core, options: { groups: 1 } }),
  ({ x, n, o }) => {
    const shape = (t: Tensor) => tensor([n.H, n.T, n.N], (_, s, k) => at(t, s, 0, k));
    const kept = retention(
      {
        q: shape(x.c),
        k: shape(x.b),
        v: tensor([n.H, n.T, n.E], (h, t, e) => at(x.u, t, h, e)),
        gamma: tensor([n.H], (h) => Math.exp(rateOf(x, o.logA, h))),
      },
      { scale: 1 },
    ).out;
    const ones = edit(x.dt, () => 1);
    same(
      mamba2({ ...x, dt: ones, d: tensor([n.H], () => 0) }, { ...o, softplus: false }).out,
      tensor([n.T, n.H * n.E], (t, c) => at(kept, Math.floor(c / n.E), t, c % n.E)),
    );
  },
  30,
);
law(
  "the block is the scan of its convolution and projections, gated, normed and projected",
  cases(mamba2, {
    given: { x: true, wZ: true, wU: true, wB: true, wC: true, wDt: true, conv: true, norm: false, wOut: false },
  }),
  ({ x, n, o }) => {
    const { x: tokens, wZ, wU, wB, wC, wDt, conv, convB, convState, u, b, c, dt, ...rest } = x;
    const project = (w: Tensor, i: number, t: number) => {
      let total = 0;
      for (let m = 0; m < n.M; m++) total += at(tokens, t, m) * at(w, m, i);
      return total;
    };
    const [HE, GN, K] = [n.H * n.E, n.G * n.N, conv.shape[1]!];
    const part = (given: Tensor | undefined, w: Tensor, t: number, i: number) =>
      (given ? given.data[t * w.shape[1]! + i]! : 0) + project(w, i, t);
    const raw = (t: number, i: number) =>
      i < HE ? part(u, wU, t, i) : i < HE + GN ? part(b, wB, t, i - HE) : part(c, wC, t, i - HE - GN);
    const mixed = tensor([n.T, HE + 2 * GN], (t, i) => {
      let total = convB ? at(convB, i) : 0;
      for (let lag = 0; lag < K; lag++) {
        const s = t - lag;
        total += at(conv, i, K - 1 - lag) * (s >= 0 ? raw(s, i) : convState ? at(convState, K + s, i) : 0);
      }
      return silu(total);
    });
    const cut = (from: number, rows: number, width: number) =>
      tensor([n.T, rows, width], (t, r, i) => at(mixed, t, from + r * width + i));
    const scan = mamba2(
      {
        ...rest,
        u: cut(0, n.H, n.E),
        b: cut(HE, n.G, n.N),
        c: cut(HE + GN, n.G, n.N),
        dt: tensor([n.T, n.H], (t, h) => part(dt, wDt, t, h)),
      },
      o,
    );
    const block = mamba2(x, o);
    same(
      block.out,
      edit(scan.out, (v, t, i) => v * silu(project(wZ, i, t))),
    );
    same(block.state, scan.state);
    if (scan.convState) fail("a scan without a convolution has no rows to keep");
  },
  30,
);
law(
  "normed in as many parts as heads, a head alone gets what it got",
  cases(mamba2, {
    ...core,
    given: { ...core.given, norm: true, d: true },
    sizes: { H: 2 },
    options: { groups: 1, normGroups: 2 },
  }),
  ({ x, n, o }) => {
    const alone = (h: number) =>
      mamba2(
        {
          ...x,
          u: span(x.u, 1, h, h + 1),
          dt: span(x.dt, 1, h, h + 1),
          a: span(x.a, 0, h, h + 1),
          d: span(x.d, 0, h, h + 1),
          norm: span(x.norm, 0, h * n.E, (h + 1) * n.E),
        },
        { ...o, normGroups: 1 },
      ).out;
    same(mamba2(x, o).out, join(1, alone(0), alone(1)));
  },
  30,
);
