import { mambaSelectiveSsm as mamba } from "../../../spec/linear/mamba-selective-ssm.ts";
import { mamba2Ssd } from "../../../spec/linear/mamba2-ssd.ts";
import { at, cases, edit, example, fail, law, refuses, same, specify, type Tensor, tensor } from "../../kit.ts";

specify(mamba);

const silu = (x: number) => x / (1 + Math.exp(-x));
const half = { u: [[1], [1]], a: [[-1]], b: [[1 / Math.LN2], [1 / Math.LN2]], c: [[2], [4]], d: [10] };
example("softplus(0) = ln 2, so a rate of −1 halves the state; 1 is written, 2 and 4 times it is read", mamba, half, {
  out: [[12], [16]],
  state: [[1.5]],
});
example(
  "resumed from 8",
  mamba,
  { ...half, u: [[1]], b: [[1 / Math.LN2]], c: [[2]], state: [[8]] },
  {
    out: [[20]],
    state: [[5]],
  },
);
example("ln(−A) = 0 is the same rate", mamba, { ...half, a: [[0]] }, { out: [[12], [16]] }, { logA: true });
example(
  "steps given as they are, and a bias on them: Δ = 1 + 1 writes 2·3·1",
  mamba,
  { u: [[1]], a: [[0]], b: [[3]], c: [[1]], delta: [[1]], dtBias: [1] },
  { out: [[6]] },
  { softplus: false },
);
example("a gate", mamba, { ...half, z: [[3], [-3]] }, { out: [[12 * silu(3)], [16 * silu(-3)]] });
const through = { a: [[-1]], d: [1] };
example(
  "the block's convolution: the last tap is on the token itself, after it comes SiLU",
  mamba,
  { ...through, x: [[1], [2]], wU: [[3]], conv: [[1, 10]], convB: [5] },
  { out: [[silu(35)], [silu(68)]], convState: [[3], [6]] },
);
example(
  "the tokens before the first, of which the oldest no longer counts",
  mamba,
  { ...through, x: [[1]], wU: [[3]], conv: [[1, 10]], convState: [[99], [7]] },
  { out: [[silu(37)]], convState: [[7], [3]] },
);
example(
  "without a convolution there is no SiLU; the gate is a projection, the result another",
  mamba,
  { ...through, x: [[1, 2]], wU: [[3], [4]], wZ: [[1], [0.5]], wOut: [[100, 10]] },
  { out: [[1100 * silu(2), 110 * silu(2)]] },
);
example(
  "step, B and C from the token 2: Δ = 2·3·5, written 30·(2·7)·2, read 2·11 times",
  mamba,
  { u: [[2]], a: [[0]], wR: [[3]], wDt: [[5]], wB: [[7]], wC: [[11]] },
  { out: [[22 * 840]], state: [[840]] },
  { softplus: false },
);
refuses("u or x must be given", mamba, { a: [[0]], delta: [[0]] });
refuses("wU and wZ need x", mamba, { u: [[1]], a: [[0]], wZ: [[0]] });
refuses("wU and wZ need x", mamba, { u: [[1]], a: [[0]], wU: [[0]] });
refuses("convB and convState need conv", mamba, { u: [[1]], a: [[0]], convB: [0] });
refuses("convB and convState need conv", mamba, { u: [[1]], a: [[0]], convState: [[0]] });
refuses("wR and wDt come together", mamba, { u: [[1]], a: [[0]], wR: [[0]] });

const scanOnly = { x: false, wU: false, wZ: false, conv: false, convB: false, convState: false };
const noWeights = { wR: false, wDt: false, wB: false, wC: false, wOut: false };
const core = { given: { ...scanOnly, ...noWeights, u: true, b: true, c: true, z: false, state: false } };
const step = (x: { delta?: Tensor; dtBias?: Tensor }, softplus: boolean, t: number, i: number) => {
  const given = (x.delta ? at(x.delta, t, i) : 0) + (x.dtBias ? at(x.dtBias, i) : 0);
  return softplus ? Math.log1p(Math.exp(given)) : given;
};
law("it is a matrix of decayed products, as attention without a softmax", cases(mamba, core), ({ x, n, o }) =>
  same(
    mamba(x, o).out,
    tensor([n.T, n.A], (t, i) => {
      let total = x.d ? at(x.d, i) * at(x.u, t, i) : 0;
      for (let s = 0; s <= t; s++)
        for (let k = 0; k < n.N; k++) {
          let way = 0;
          for (let r = s + 1; r <= t; r++) way += step(x, o.softplus, r, i);
          const rate = o.logA ? -Math.exp(at(x.a, i, k)) : at(x.a, i, k);
          total += at(x.c, t, k) * Math.exp(rate * way) * step(x, o.softplus, s, i) * at(x.b, s, k) * at(x.u, s, i);
        }
      return total;
    }),
  ),
);
law(
  "a step of 0 leaves the state as it is and writes nothing",
  cases(mamba, { given: { ...scanOnly, ...noWeights, u: true, state: true, delta: true } }),
  ({ x, o }) =>
    same(
      mamba({ ...x, delta: edit(x.delta, () => Number.NEGATIVE_INFINITY) }, { ...o, softplus: true }).state,
      x.state,
    ),
);
law(
  "it is linear in u and the state together",
  cases(mamba, { given: { ...scanOnly, wR: false, wDt: false, wB: false, wC: false, u: true, state: true } }),
  ({ x, o }) => {
    const [plain, more] = [mamba(x, o), edit(x.u, (v, t, i) => 2 * v + t - i)];
    const other = { u: edit(x.u, (_, t, i) => t - i), state: edit(x.state, (_, i, k) => i + k) };
    const both = mamba({ ...x, u: more, state: edit(x.state, (v, i, k) => 2 * v + i + k) }, o);
    const added = mamba({ ...x, ...other }, o);
    same(
      both.out,
      edit(plain.out, (v, t, m) => 2 * v + at(added.out, t, m)),
    );
    same(
      both.state,
      edit(plain.state, (v, i, k) => 2 * v + at(added.state, i, k)),
    );
  },
);
law(
  "the block is the scan of its convolution and projections",
  cases(mamba, { given: { x: true, wU: true, wZ: true, conv: true, wR: true, wDt: true, wB: true, wC: true } }),
  ({ x, n, o }) => {
    const { x: tokens, wU, wZ, conv, convB, convState, wR, wDt, wB, wC, u, z, delta, b, c, ...rest } = x;
    const times = (left: Tensor, right: Tensor, more?: Tensor) =>
      tensor([left.shape[0]!, right.shape[1]!], (t, i) => {
        let total = more ? at(more, t, i) : 0;
        for (let m = 0; m < right.shape[0]!; m++) total += at(left, t, m) * at(right, m, i);
        return total;
      });
    const raw = times(tokens, wU, u);
    const K = conv.shape[1]!;
    const token = tensor([n.T, n.A], (t, i) => {
      let total = convB ? at(convB, i) : 0;
      for (let lag = 0; lag < K; lag++) {
        const s = t - lag;
        total += at(conv, i, K - 1 - lag) * (s >= 0 ? at(raw, s, i) : convState ? at(convState, K + s, i) : 0);
      }
      return silu(total);
    });
    const block = mamba(x, o);
    const scan = mamba(
      {
        ...rest,
        u: token,
        z: times(tokens, wZ, z),
        delta: times(times(token, wR), wDt, delta),
        b: times(token, wB, b),
        c: times(token, wC, c),
      },
      o,
    );
    same(block.out, scan.out);
    same(block.state, scan.state);
    if (scan.convState) fail("a scan without a convolution has no tokens to keep");
  },
);
law(
  "channels of one step and one rate are a head of Mamba-2",
  cases(mamba, { given: { ...core.given, delta: true, dtBias: false, d: false } }),
  ({ x, n, o }) => {
    const [delta, rate] = [edit(x.delta, (_, t) => at(x.delta, t, 0)), at(x.a, 0, 0)];
    const head = mamba2Ssd(
      {
        u: tensor([n.T, 1, n.A], (t, _, i) => at(x.u, t, i)),
        dt: tensor([n.T, 1], (t) => at(x.delta, t, 0)),
        b: tensor([n.T, 1, n.N], (t, _, k) => at(x.b, t, k)),
        c: tensor([n.T, 1, n.N], (t, _, k) => at(x.c, t, k)),
        a: tensor([1], () => rate),
      },
      { softplus: o.softplus, logA: o.logA },
    );
    same(mamba({ ...x, delta, a: edit(x.a, () => rate) }, o).out, head.out);
  },
);
law(
  "one state of rate −1 keeps σ(−δ) of itself: a gated recurrence",
  cases(mamba, { sizes: { N: 1 }, given: { ...core.given, delta: true, dtBias: false } }),
  ({ x, n, o }) => {
    let state = Array.from({ length: n.A }, () => 0);
    for (let t = 0; t < n.T; t++)
      state = state.map((s, i) => {
        const delta = at(x.delta, t, i);
        return s / (1 + Math.exp(delta)) + Math.log1p(Math.exp(delta)) * at(x.b, t, 0) * at(x.u, t, i);
      });
    same(
      mamba({ ...x, a: edit(x.a, () => -1) }, { ...o, softplus: true, logA: false }).state,
      tensor([n.A, 1], (i) => state[i]!),
    );
  },
);
