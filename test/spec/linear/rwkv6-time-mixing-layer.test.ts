import { rwkv6TimeMixing } from "../../../spec/linear/rwkv6-time-mixing.ts";
import { rwkv6TimeMixingLayer as layer } from "../../../spec/linear/rwkv6-time-mixing-layer.ts";
import { at, cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(layer);

const ln = Math.log;
const five = <V>(row: V) => [row, row, row, row, row];
const plain = {
  x: [[1]],
  muX: [0],
  mu: five([0]),
  mixA: [[0, 0, 0, 0, 0]],
  mixB: five([[0]]),
  decay: [ln(ln(2))],
  decayA: [[0]],
  decayB: [[0]],
  u: [[1]],
  wR: [[1]],
  wK: [[1]],
  wV: [[0, 0]],
  wG: [[100, 100]],
  wO: [
    [1, 0],
    [0, 1],
  ],
};
const root = Math.sqrt(64e-5);
example(
  "values (δ, −δ) of variance 64·10⁻⁵, which is the default ε: norms of ±1/√2, a gate of 100",
  layer,
  { ...plain, wV: [[root, -root]] },
  { out: [[100 / Math.SQRT2, -100 / Math.SQRT2]], last: [1], state: [[[root, -root]]] },
);
example(
  "the state halves; gain and shift of the norm",
  layer,
  { ...plain, gnW: [2, 3], gnB: [5, 7], state: [[[8, 4]]], wK: [[0]] },
  { out: [[700, 400]], state: [[[4, 2]]] },
  { gnEps: 1e-300 },
);
example(
  "blends of 1 and the 5 before, learnt ones of 1, ½, ¼, 0 and ¼ for r, w, k, v and g; a decay of its own",
  layer,
  {
    ...plain,
    last: [5],
    mu: [[1], [0.5], [0.25], [0], [0.25]],
    decayA: [[ln(3) / 6]],
    decayB: [[2 * (ln(ln(4)) - ln(ln(2)))]],
    u: [[0]],
    wV: [[1, 3]],
    wG: [[50, 50]],
    gnB: [2, 0],
    gnW: [1, 2],
    state: [[[16, 32]]],
  },
  { out: [[100, 200]], last: [1], state: [[[4 + 2, 8 + 6]]] },
  { gnEps: 1e-300 },
);
example(
  "a blend made from the token: tanh of (1 + 4 · ½) ln √3 / 3 is ½, so that k is 1 + 4 · ½ · 3",
  layer,
  {
    ...plain,
    last: [5],
    muX: [0.5],
    mixA: [[0, 0, ln(3) / 6, 0, 0]],
    mixB: [[[9]], [[9]], [[3]], [[9]], [[9]]],
    wV: [[1, 2]],
  },
  { state: [[[7, 14]]] },
);

const total = (length: number, f: (i: number) => number) =>
  Array.from({ length }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
law("is the recurrence of its blends, a norm of each head and a gate", cases(layer), ({ x, n, o }) => {
  const before = (t: number, m: number) => (t ? at(x.x, t - 1, m) : x.last ? at(x.last, m) : 0);
  const lerp = (t: number, m: number, by: number) => at(x.x, t, m) * (1 - by) + before(t, m) * by;
  const blend = tensor([5, n.T, n.M], (i, t, m) => {
    const z = (r: number) => Math.tanh(total(n.M, (c) => lerp(t, c, at(x.muX, c)) * at(x.mixA, c, i * n.R + r)));
    return lerp(t, m, at(x.mu, i, m) + total(n.R, (r) => z(r) * at(x.mixB, i, r, m)));
  });
  const projected = (i: number, w: typeof x.wR, width: number) =>
    tensor([n.H, n.T, width], (h, t, c) => total(n.M, (m) => at(blend, i, t, m) * at(w, m, h * width + c)));
  const w = tensor([n.H, n.T, n.D], (h, t, d) => {
    const low = (r: number) => Math.tanh(total(n.M, (m) => at(blend, 1, t, m) * at(x.decayA, m, r)));
    const column = h * n.D + d;
    return Math.exp(-Math.exp(at(x.decay, column) + total(n.Rw, (r) => low(r) * at(x.decayB, r, column))));
  });
  const read = rwkv6TimeMixing({
    r: projected(0, x.wR, n.D),
    w,
    k: projected(2, x.wK, n.D),
    v: projected(3, x.wV, n.E),
    u: x.u,
    ...(x.state && { state: x.state }),
  });
  const g = projected(4, x.wG, n.E);
  const y = edit(read.out, (value, h, t, e) => {
    const centre = total(n.E, (i) => at(read.out, h, t, i)) / n.E;
    const variance = total(n.E, (i) => (at(read.out, h, t, i) - centre) ** 2) / n.E;
    const [column, gate] = [h * n.E + e, at(g, h, t, e)];
    const normed = (value - centre) / Math.sqrt(variance + o.gnEps);
    return (
      ((x.gnW ? at(x.gnW, column) : 1) * normed + (x.gnB ? at(x.gnB, column) : 0)) * (gate / (1 + Math.exp(-gate)))
    );
  });
  const actual = layer(x, o);
  same(actual.state, read.state, 1e-11);
  same(
    actual.out,
    tensor([n.T, n.Mo], (t, m) => total(n.H, (h) => total(n.E, (e) => at(y, h, t, e) * at(x.wO, h * n.E + e, m)))),
    1e-9,
  );
});
